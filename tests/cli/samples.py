"""Pictures as other programs write them: made with Pillow and tifffile, not with Rheostat."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
import tifffile
from PIL import Image, PngImagePlugin
from PIL.TiffImagePlugin import ImageFileDirectory_v2

Values = npt.NDArray[Any]


def _scanner() -> bytes:
    """A profile with a table from RGB to Lab and none back, as scanners have."""
    corners = np.stack(np.meshgrid(*[[0, 1]] * 3, indexing="ij"), axis=-1).reshape(8, 3)
    lab = np.column_stack((corners.mean(axis=1), corners[:, :2] * 0.4 + 0.3))
    table = b"".join(
        (
            struct.pack(">4s4x4B", b"mft2", 3, 3, 2, 0),
            struct.pack(">9i", *(np.eye(3, dtype=int) << 16).flat),
            struct.pack(">2H", 2, 2),
            struct.pack(">6H", *[0, 65535] * 3),
            (lab * 65280).astype(">u2").tobytes(),
            struct.pack(">6H", *[0, 65535] * 3),
        )
    )
    header = struct.pack(
        ">I4xI4s4s4s12x4s28x3I48x",
        *(144 + len(table), 0x02400000, b"scnr", b"RGB ", b"Lab ", b"acsp"),
        *(0xF6D6, 0x10000, 0xD32D),
    )
    return header + struct.pack(">I4s2I", 1, b"A2B0", 144, len(table)) + table


LAYOUTS = {"gray": 1, "graya": 2, "rgb": 3, "rgba": 4}
DTYPES: dict[str, Any] = {"8": np.uint8, "16": np.uint16, "32f": np.float32}
ADOBE_RGB: bytes = imagecodecs.cms_profile("adobergb")
SRGB: bytes = imagecodecs.cms_profile("srgb")
GAMMA_GRAY: bytes = imagecodecs.cms_profile("gray", gamma=1.8)
SCANNER = _scanner()
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf'
    b'-syntax-ns#"><rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" '
    b'dc:source="a &amp; b"/></rdf:RDF></x:xmpmeta>'
)
ORIENTATION, MAKE, EXPOSURE, MAKER_NOTE = 274, 271, 33434, 37500
XMP_TAG, EXIF_DIRECTORY = 700, 34665


def noise(form: str, height: int = 13, width: int = 17, seed: int = 0) -> Values:
    """Random pixels (height, width, channels) in a pixel format: rgb8, graya16, rgba32f, ..."""
    layout = form.rstrip("0123456789f")
    shape = (height, width, LAYOUTS[layout])
    dtype = DTYPES[form.removeprefix(layout)]
    generator = np.random.default_rng(seed)
    if dtype is np.float32:
        return generator.random(shape, np.float32)
    return generator.integers(0, np.iinfo(dtype).max + 1, shape, dtype)


def write(path: Path, pixels: Values) -> Path:
    """Write pixels by another program's hand: 8 bits by Pillow, deeper ones by its betters."""
    flat = pixels[..., 0] if pixels.shape[2] == 1 else pixels
    if pixels.dtype == np.uint8:
        lossless: dict[str, Any] = (
            {"lossless": True, "exact": True} if path.suffix == ".webp" else {}
        )
        Image.fromarray(flat).save(path, **lossless)
    elif path.suffix == ".png":
        path.write_bytes(imagecodecs.png_encode(flat))
    else:
        tifffile.imwrite(
            path,
            flat,
            photometric="rgb" if pixels.shape[2] > 2 else "minisblack",
            planarconfig="contig" if pixels.shape[2] > 1 else None,
            extrasamples=["unassalpha"] if pixels.shape[2] in (2, 4) else None,
        )
    return path


def pixels_of(path: Path) -> Values:
    """The pixels of a file, read by another program."""
    if path.suffix == ".png":
        pixels: Values = imagecodecs.png_decode(path.read_bytes())
    elif path.suffix in (".tif", ".tiff"):
        pixels = tifffile.imread(path)
    else:
        pixels = np.asarray(Image.open(path))
    return pixels if pixels.ndim == 3 else pixels[..., None]


def exif(orientation: int = 3) -> Image.Exif:
    """A camera's notes: how it was held, maker, exposure."""
    notes = Image.Exif()
    notes[ORIENTATION] = orientation
    notes[MAKE] = "Camera works"
    notes[EXIF_DIRECTORY] = {EXPOSURE: 0.25, MAKER_NOTE: b"\0a secret\xff"}
    return notes


def exif_with_thumbnail(order: str) -> bytes:
    """A camera's block in this byte order: size 17 × 13, a maker's note, a thumbnail behind."""
    short, long, undefined = 3, 4, 7
    wide, high = (struct.pack(f"{order}HH", side, 0) for side in (17, 13))
    directories = (
        [(EXIF_DIRECTORY, long, 1, struct.pack(f"{order}I", 26))],
        [(MAKER_NOTE, undefined, 4, b"secr"), (40962, short, 1, wide), (40963, short, 1, high)],
        [(256, short, 1, wide)],
    )
    block = b"II*\0" if order == "<" else b"MM\0*"
    block += struct.pack(f"{order}I", 8)
    for entries, following in zip(directories, (68, 0, 0), strict=True):
        block += struct.pack(f"{order}H", len(entries))
        for tag, kind, count, value in entries:
            block += struct.pack(f"{order}HHI", tag, kind, count) + value
        block += struct.pack(f"{order}I", following)
    return block


def save(image: Image.Image, path: Path, notes: Image.Exif, **options: Any) -> Path:
    """Save with EXIF, and with an XMP packet and a resolution where the format has one."""
    if path.suffix == ".tif":
        directory = ImageFileDirectory_v2()
        for tag, value in {**notes, XMP_TAG: XMP}.items():
            directory[tag] = value
        options["tiffinfo"] = directory
    elif path.suffix == ".png":
        info = PngImagePlugin.PngInfo()
        info.add_itxt("XML:com.adobe.xmp", XMP.decode())
        options |= {"exif": notes, "pnginfo": info}
    else:
        options |= {"exif": notes, "xmp": XMP}
    if path.suffix != ".webp":
        options["dpi"] = (300, 300)
    image.save(path, **options)
    return path


def notes_of(path: Path) -> dict[str, Any]:
    """What another program reads of a file's EXIF, colour profile, XMP and resolution."""
    with Image.open(path) as image:
        found = image.getexif()
        inner = found.get_ifd(EXIF_DIRECTORY)
        return {
            "orientation": found.get(ORIENTATION),
            "make": found.get(MAKE),
            "exposure": float(inner[EXPOSURE]) if EXPOSURE in inner else None,
            "maker": inner.get(MAKER_NOTE),
            "icc": image.info.get("icc_profile"),
            "xmp": image.info.get("xmp"),
            "dpi": tuple(round(float(d)) for d in image.info.get("dpi", ())),
        }
