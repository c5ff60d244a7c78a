"""Pictures survive: every value, every note, or a sentence says why not."""

from __future__ import annotations

import contextlib
import io
import math
import os
import stat
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from cli.samples import (
    ADOBE_RGB,
    MAKER_NOTE,
    XMP,
    exif,
    exif_with_thumbnail,
    noise,
    notes_of,
    pixels_of,
    save,
    write,
)
from PIL import ExifTags, Image, IptcImagePlugin, PngImagePlugin, TiffTags
from PIL.TiffImagePlugin import ImageFileDirectory_v2
from rheostat_client import xmp
from rheostat_client.errors import RheostatError
from rheostatd.pictures import Picture, Srgb, Target, read_picture, with_record
from rheostatd.pictures.directory import refreshed

EIGHT = ["gray8", "graya8", "rgb8", "rgba8"]
SIXTEEN = ["gray16", "graya16", "rgb16", "rgba16"]
FLOAT = ["gray32f", "rgb32f", "rgba32f"]
ARTIST = 315
SMALL = Picture(noise("rgb8"))
RECORD = '{"model":"tiny \\"&<\'"}'


def refusal(path: Path, code: str = "bad-picture") -> str:
    with pytest.raises(RheostatError) as caught:
        read_picture(path)
    assert caught.value.code == code
    assert caught.value.remedy
    return caught.value.message


def unwritable(path: Path, picture: Picture = SMALL) -> str:
    with pytest.raises(RheostatError) as caught:
        Target(path).accept(picture)
    assert caught.value.code == "unwritable"
    assert caught.value.remedy
    return caught.value.message


@pytest.mark.parametrize(
    ("suffix", "form"),
    [(".png", form) for form in EIGHT + SIXTEEN]
    + [(".tif", form) for form in EIGHT + SIXTEEN + FLOAT]
    + [(".webp", form) for form in ("rgb8", "rgba8")],
)
def test_every_value_survives(tmp_path: Path, suffix: str, form: str) -> None:
    pixels = noise(form)
    picture = read_picture(write(tmp_path / f"in{suffix}", pixels))
    assert picture.format.name == form
    np.testing.assert_array_equal(picture.pixels, pixels)
    target = Target(tmp_path / f"out{suffix}")
    assert target.accept(picture) == ()
    target.write(picture)
    np.testing.assert_array_equal(pixels_of(target.path), pixels)
    np.testing.assert_array_equal(read_picture(target.path).pixels, pixels)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (301, 1)])
@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp"])
def test_odd_sizes(tmp_path: Path, suffix: str, shape: tuple[int, int]) -> None:
    pixels = noise("rgb8", *shape)
    picture = read_picture(write(tmp_path / f"in{suffix}", pixels))
    assert (picture.height, picture.width) == shape
    target = Target(tmp_path / f"out{suffix}")
    target.write(picture)
    np.testing.assert_array_equal(pixels_of(target.path), pixels)


def test_a_large_tiff_has_many_strips(tmp_path: Path) -> None:
    pixels = noise("rgb16", 700, 500)
    target = Target(tmp_path / "out.tif")
    target.write(Picture(pixels))
    np.testing.assert_array_equal(pixels_of(target.path), pixels)
    np.testing.assert_array_equal(np.asarray(read_picture(target.path).pixels), pixels)


@pytest.mark.parametrize(
    ("options", "mode"),
    [({}, "RGB"), ({"transparency": 2}, "RGBA"), ({"transparency": b"\xff\0\x80"}, "RGBA")],
)
def test_palettes_are_expanded(tmp_path: Path, options: dict[str, Any], mode: str) -> None:
    path = tmp_path / "palette.png"
    Image.fromarray(noise("rgb8")).quantize(5).save(path, **options)
    with Image.open(path) as image:
        expected = np.asarray(image.convert(mode))
    np.testing.assert_array_equal(read_picture(path).pixels, expected)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_one_bit_is_black_and_white(tmp_path: Path, suffix: str) -> None:
    image = Image.fromarray(noise("gray8")[..., 0]).convert("1")
    image.save(tmp_path / f"bits{suffix}")
    picture = read_picture(tmp_path / f"bits{suffix}")
    assert picture.format.name == "gray8"
    np.testing.assert_array_equal(picture.pixels[..., 0] == 255, np.asarray(image))


@pytest.mark.parametrize("form", ["gray8", "rgb8", "gray16", "rgb16"])
def test_a_transparent_colour_becomes_alpha(tmp_path: Path, form: str) -> None:
    pixels = noise(form)
    colour = [int(value) for value in pixels[2, 3]]
    body = b"".join(value.to_bytes(2, "big") for value in (colour * 3)[: len(colour)])
    data = write(tmp_path / "in.png", pixels).read_bytes()
    at = data.index(b"IDAT") - 4
    chunk = io.BytesIO()
    PngImagePlugin.putchunk(chunk, b"tRNS", body)
    (tmp_path / "in.png").write_bytes(data[:at] + chunk.getvalue() + data[at:])
    picture = read_picture(tmp_path / "in.png")
    np.testing.assert_array_equal(picture.colour, pixels)
    hidden = (pixels == pixels[2, 3]).all(axis=2)
    np.testing.assert_array_equal(picture.alpha[..., 0] == 0, hidden)


@pytest.mark.parametrize(
    "layout",
    [
        {"compression": "lzw"},
        {"compression": "zlib", "predictor": True},
        {"tile": (16, 16)},
        {"byteorder": ">"},
        {"bigtiff": True},
        {"planarconfig": "separate"},
    ],
    ids=str,
)
def test_tiffs_of_all_kinds(tmp_path: Path, layout: dict[str, Any]) -> None:
    pixels = noise("rgb16", 40, 50)
    stored = pixels.transpose(2, 0, 1) if "planarconfig" in layout else pixels
    tifffile.imwrite(tmp_path / "in.tif", stored, photometric="rgb", **layout)
    np.testing.assert_array_equal(read_picture(tmp_path / "in.tif").pixels, pixels)


def test_white_is_zero_is_turned_round(tmp_path: Path) -> None:
    pixels = noise("gray16")
    tifffile.imwrite(tmp_path / "in.tif", pixels[..., 0], photometric="miniswhite")
    np.testing.assert_array_equal(read_picture(tmp_path / "in.tif").pixels, 65535 - pixels)


def test_premultiplied_alpha_is_taken_out(tmp_path: Path) -> None:
    pixels = noise("rgba16")
    pixels[0, 0, 3] = 0
    alpha = pixels[..., 3:] / 65535
    stored = np.concatenate((np.rint(pixels[..., :3] * alpha), pixels[..., 3:]), axis=2)
    tifffile.imwrite(
        tmp_path / "in.tif",
        stored.astype(np.uint16),
        photometric="rgb",
        extrasamples=["assocalpha"],
    )
    picture = read_picture(tmp_path / "in.tif")
    np.testing.assert_array_equal(picture.alpha, pixels[..., 3:])
    error = np.abs(picture.colour.astype(float) - pixels[..., :3]) * alpha
    assert error[alpha[..., 0] > 0].max() <= 1
    assert not picture.colour[0, 0].any()


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("source", [".png", ".jpg", ".tif", ".webp"])
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
def test_notes_survive_in_every_format(
    tmp_path: Path, source: str, suffix: str, deep: bool
) -> None:
    image = Image.fromarray(noise("rgb8"))
    path = save(image, tmp_path / f"in{source}", exif(), icc_profile=ADOBE_RGB)
    before = notes_of(path)
    assert (before["orientation"], before["exposure"], before["icc"]) == (3, 0.25, ADOBE_RGB)
    picture = read_picture(path)
    target = Target(tmp_path / f"out{suffix}")
    target.write(picture.with_depth("16") if deep else picture)
    after = notes_of(target.path)
    if ".webp" in (source, suffix):  # which has no resolution
        after["dpi"] = before["dpi"]
    assert after == before


def test_exif_is_kept_byte_for_byte(tmp_path: Path) -> None:
    image = Image.fromarray(noise("rgb8"))
    path = save(image, tmp_path / "in.jpg", exif(), comment=b"a \xff comment")
    target = Target(tmp_path / "out.jpg")
    target.write(read_picture(path))
    with Image.open(path) as before, Image.open(target.path) as after:
        assert after.info["exif"] == before.info["exif"]
        assert after.info["comment"] == b"a \xff comment"


@pytest.mark.parametrize("dpi", [math.inf, math.nan, 0.0, -72.0, 1e9])
def test_a_resolution_without_sense_is_none_and_stops_nothing(tmp_path: Path, dpi: float) -> None:
    tags = ImageFileDirectory_v2()
    for number in (ExifTags.Base.XResolution, ExifTags.Base.YResolution):
        tags[number] = dpi
        tags.tagtype[number] = TiffTags.FLOAT
    Image.fromarray(SMALL.pixels).save(tmp_path / "in.tif", tiffinfo=tags)
    picture = read_picture(tmp_path / "in.tif")
    assert picture.metadata.dpi is None
    for suffix in (".png", ".jpg", ".tif", ".webp"):
        target = Target(tmp_path / f"out{suffix}")
        target.write(picture)
        assert read_picture(target.path).pixels.shape == SMALL.pixels.shape


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("icc", [None, ADOBE_RGB])
@pytest.mark.parametrize("factor", [0.5, 1.0])
def test_exif_of_an_enlarged_picture_says_its_size_and_shows_no_old_thumbnail(
    tmp_path: Path, suffix: str, order: str, icc: bytes | None, factor: float
) -> None:
    block = exif_with_thumbnail(order)
    Image.fromarray(SMALL.pixels).save(tmp_path / "in.png", exif=block, icc_profile=icc)
    picture = read_picture(tmp_path / "in.png")
    srgb = Srgb(picture)
    assert srgb.restore(srgb.picture.tobytes()).metadata == picture.metadata  # nothing changed
    large = srgb.picture.repeated(2).pixels
    target = Target(tmp_path / f"out{suffix}")
    target.write(srgb.restore((large * factor).astype(large.dtype).tobytes(), 2))
    with Image.open(tmp_path / "in.png") as before, Image.open(target.path) as after:
        assert before.getexif().get_ifd(ExifTags.IFD.IFD1)
        assert not after.getexif().get_ifd(ExifTags.IFD.IFD1)
        notes = after.getexif().get_ifd(ExifTags.IFD.Exif)
        sizes = notes[ExifTags.Base.ExifImageWidth], notes[ExifTags.Base.ExifImageHeight]
        assert sizes == after.size == (2 * SMALL.width, 2 * SMALL.height)
        assert notes[MAKER_NOTE] == b"secr"


def test_xmp_and_photoshops_notes_of_an_enlarged_picture_are_true(tmp_path: Path) -> None:
    sized = XMP.replace(
        b"<rdf:Description ",
        b"<rdf:Description exif:PixelXDimension = \"17\" tiff:ImageLength='13'>"
        b"<exif:PixelYDimension>13</exif:PixelYDimension><tiff:ImageWidth>17</tiff:ImageWidth>"
        b"<xmp:Thumbnails><rdf:Alt>c21hbGw=</rdf:Alt></xmp:Thumbnails></rdf:Description>"
        b"<rdf:Description ",
    )
    small = [resource(number, b"small", b"odd") for number in (0x0409, 0x040C)]
    segments = app13(small[0], iptc(b"A lighthouse"), small[1]) + app13(small[0][:-3])
    path = tmp_path / "in.jpg"
    Image.fromarray(SMALL.pixels).save(path, xmp=sized, extra=segments)
    picture = read_picture(path)
    srgb = Srgb(picture)
    assert srgb.restore(srgb.picture.tobytes()).metadata == picture.metadata  # nothing changed
    large = srgb.restore(srgb.picture.repeated(2).tobytes(), 2).metadata
    twice = sized.replace(b"17", b"34").replace(b"13", b"26")
    before, _, rest = twice.partition(b"<xmp:Thumbnails>")
    assert large.xmp == before + rest.partition(b"</xmp:Thumbnails>")[2]
    assert large.app13 == (app13(iptc(b"A lighthouse"))[4:], picture.metadata.app13[1])


@pytest.mark.parametrize("end", [0, 3, 7, 9, 25, 40])
def test_of_cut_exif_the_size_stays(end: int) -> None:
    block = exif_with_thumbnail("<")[:end]
    assert refreshed(block, 1, 1) == block


def test_text_that_is_not_ascii_survives_in_a_tiff(tmp_path: Path) -> None:
    artist = "Zoë ☃".encode()
    directory = ImageFileDirectory_v2()
    directory[ARTIST] = artist
    path = tmp_path / "in.tif"
    Image.fromarray(noise("rgb8")).save(path, tiffinfo=directory)
    for suffix in (".tif", ".jpg", ".tif"):
        target = Target(path.with_name(f"next{suffix}"), overwrite=True)
        target.write(read_picture(path))
        path = target.path
    with Image.open(path) as image:
        assert str(image.getexif()[ARTIST]).encode("latin-1") == artist


def test_damaged_exif_stops_nothing(tmp_path: Path) -> None:
    path = tmp_path / "in.jpg"
    Image.fromarray(noise("rgb8")).save(path, exif=b"Exif\0\0MM\0*\0\0\0\x08\xff")
    picture = read_picture(path)
    Target(tmp_path / "out.jpg").write(picture)
    assert read_picture(tmp_path / "out.jpg").metadata.exif == picture.metadata.exif
    target = Target(tmp_path / "out.tif")
    (sentence,) = target.accept(picture)
    assert "EXIF block is damaged" in sentence
    target.write(picture)
    assert read_picture(target.path).warnings == ()


def test_png_texts_and_gamma_survive(tmp_path: Path) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Title", "a title")
    info.add_itxt("Description", "grün ☃", zip=True)
    info.add(b"gAMA", (100_000).to_bytes(4, "big"))
    Image.fromarray(noise("rgb8")).save(tmp_path / "in.png", pnginfo=info, dpi=(72, 144))
    target = Target(tmp_path / "out.png")
    target.write(with_record(read_picture(tmp_path / "in.png"), RECORD))
    with Image.open(tmp_path / "in.png") as before, Image.open(target.path) as after:
        packet = after.info.pop("xmp")
        assert xmp.find(packet) == RECORD
        assert after.info == before.info | {"XML:com.adobe.xmp": packet.decode()}


@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".webp"])
def test_what_only_a_png_holds_is_told(tmp_path: Path, suffix: str) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "Zoë")
    info.add_itxt("Copyright", "hers ☃", zip=True)
    info.add(b"gAMA", (100_000).to_bytes(4, "big"))
    Image.fromarray(noise("rgb8")).save(tmp_path / "in.png", pnginfo=info)
    picture = read_picture(tmp_path / "in.png")
    texts, colours = Target(tmp_path / f"out{suffix}").accept(picture)
    assert "Author, Copyright" in texts
    assert "gAMA" in colours
    assert Target(tmp_path / "out.png").accept(picture) == ()


def test_gamma_beside_a_profile_says_nothing_more(tmp_path: Path) -> None:
    info = PngImagePlugin.PngInfo()
    info.add(b"gAMA", (45_455).to_bytes(4, "big"))
    image = Image.fromarray(noise("rgb8"))
    image.save(tmp_path / "in.png", pnginfo=info, icc_profile=ADOBE_RGB)
    assert Target(tmp_path / "out.jpg").accept(read_picture(tmp_path / "in.png")) == ()


def resource(number: int, record: bytes, name: bytes = b"") -> bytes:
    """One of Photoshop's, all parts padded to be even."""
    title = bytes([len(name)]) + name + bytes(1 - len(name) % 2)
    size = struct.pack(">I", len(record))
    return b"8BIM" + struct.pack(">H", number) + title + size + record + bytes(len(record) % 2)


def app13(*resources: bytes) -> bytes:
    """A segment of a JPEG as Photoshop writes it."""
    body = b"".join((b"Photoshop 3.0\0", *resources))
    return b"\xff\xed" + struct.pack(">H", len(body) + 2) + body


def iptc(caption: bytes) -> bytes:
    """The resource with this caption, which is record 2:120."""
    return resource(0x0404, b"\x1c\x02\x78" + struct.pack(">H", len(caption)) + caption)


def test_captions_of_a_jpeg_stay_in_a_jpeg_and_are_told_elsewhere(tmp_path: Path) -> None:
    segment = app13(iptc(b"A lighthouse, early"))
    path = tmp_path / "in.jpg"
    save(Image.fromarray(noise("rgb8")), path, exif(), extra=segment, comment=b"by hand")
    picture = read_picture(path)
    target = Target(tmp_path / "out.jpg")
    assert target.accept(picture) == ()
    target.write(picture)
    with Image.open(target.path) as image:
        caption = IptcImagePlugin.getiptcinfo(image)
    assert caption == {(2, 120): b"A lighthouse, early"}
    assert notes_of(target.path) == notes_of(path)
    for suffix in (".png", ".tif", ".webp"):
        comment, captions = Target(tmp_path / f"out{suffix}").accept(picture)
        assert "comment" in comment
        assert "captions and keywords" in captions


def test_of_photoshops_other_notes_nothing_is_told(tmp_path: Path) -> None:
    path = tmp_path / "in.jpg"
    Image.fromarray(noise("rgb8")).save(path, extra=app13(resource(0x0425, bytes(16))))
    assert Target(tmp_path / "out.png").accept(read_picture(path)) == ()


@pytest.mark.parametrize("form", ["rgb8", "rgb16"])
def test_exif_behind_the_pixels_of_a_png_is_read(tmp_path: Path, form: str) -> None:
    path = write(tmp_path / "in.png", noise(form))
    data, end, block = path.read_bytes(), io.BytesIO(), exif().tobytes().removeprefix(b"Exif\0\0")
    PngImagePlugin.putchunk(end, b"eXIf", block)
    at = data.index(b"IEND") - 4
    path.write_bytes(data[:at] + end.getvalue() + data[at:])
    assert read_picture(path).metadata.exif == block


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_pixels_stay_as_stored_whatever_the_orientation(tmp_path: Path, suffix: str) -> None:
    pixels = noise("rgb8", 6, 9)
    path = save(Image.fromarray(pixels), tmp_path / f"in{suffix}", exif(orientation=6))
    picture = read_picture(path)
    np.testing.assert_array_equal(picture.pixels, pixels)
    target = Target(tmp_path / f"out{suffix}")
    target.write(picture)
    assert notes_of(target.path)["orientation"] == 6
    np.testing.assert_array_equal(pixels_of(target.path), pixels)


def test_a_turned_palette_tiff_comes_upright(tmp_path: Path) -> None:
    image = Image.fromarray(noise("rgb8", 6, 9)).quantize(7)
    path = save(image, tmp_path / "in.tif", exif(orientation=6))
    target = Target(tmp_path / "out.tif")
    target.write(read_picture(path))
    upright = image.convert("RGB").transpose(Image.Transpose.ROTATE_270)
    np.testing.assert_array_equal(pixels_of(target.path), np.asarray(upright))
    notes = notes_of(target.path)
    assert (notes["orientation"], notes["exposure"]) == (1, 0.25)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
def test_the_record_is_in_the_file_once(tmp_path: Path, suffix: str) -> None:
    path = save(Image.fromarray(noise("rgb8")), tmp_path / f"picture{suffix}", exif())
    picture = read_picture(path)
    assert picture.metadata.record is None
    for record in ("first", RECORD):
        Target(path, overwrite=True).write(with_record(picture, record))
        picture = read_picture(path)
        assert picture.metadata.record == record
    assert path.read_bytes().count(b"rheostat") <= 3
    assert b"first" not in path.read_bytes()


@pytest.mark.parametrize(
    ("suffix", "form", "words"),
    [
        (".jpg", "rgb16", "JPEG holds 8 bits; the 16"),
        (".webp", "rgb16", "WebP holds 8 bits; the 16"),
        (".png", "rgb32f", "PNG holds 16 bits; the 32"),
    ],
)
def test_lost_depth_is_told(tmp_path: Path, suffix: str, form: str, words: str) -> None:
    picture = Picture(noise(form))
    target = Target(tmp_path / f"out{suffix}")
    (sentence,) = target.accept(picture)
    assert sentence.startswith(words)
    target.write(picture)
    written = pixels_of(target.path)
    unit = np.asarray(picture.with_depth("32f").pixels)
    tolerance = 0.1 if suffix == ".jpg" else 0.51 / np.iinfo(written.dtype).max
    assert np.abs(written / np.iinfo(written.dtype).max - unit).mean() <= tolerance


def test_depths_round_to_nearest_and_back_exactly() -> None:
    eight = Picture(np.arange(256, dtype=np.uint8).reshape(16, 16, 1))
    for depth in ("16", "32f"):
        np.testing.assert_array_equal(eight.with_depth(depth).with_depth("8").pixels, eight.pixels)
    sixteen = Picture(np.arange(65536, dtype=np.uint16).reshape(256, 256, 1))
    there = sixteen.with_depth("32f")
    np.testing.assert_array_equal(there.with_depth("16").pixels, sixteen.pixels)
    beyond = Picture(np.array([[[-0.5], [1.5], [0.4999]]], np.float32))
    assert beyond.with_depth("8").pixels.ravel().tolist() == [0, 255, 127]


def test_jpeg_takes_what_is_opaque_only(tmp_path: Path) -> None:
    picture = Picture(noise("rgba8"))
    assert "transparency" in unwritable(tmp_path / "out.jpg", picture)
    opaque = noise("rgba8")
    opaque[..., 3] = 255
    target = Target(tmp_path / "out.jpg")
    assert target.accept(Picture(opaque)) == ()
    target.write(Picture(opaque))
    assert pixels_of(target.path).shape == (13, 17, 3)


def test_formats_have_limits(tmp_path: Path) -> None:
    long = Picture(noise("gray8", 1, 16_384))
    assert "16383" in unwritable(tmp_path / "out.webp", long)
    path = tmp_path / "in.png"
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", XMP.decode().replace("a &amp; b", "x" * 70_000))
    Image.fromarray(noise("rgb8")).save(path, pnginfo=info)
    assert "XMP" in unwritable(tmp_path / "out.jpg", read_picture(path))


def test_limits_are_those_of_the_enlarged_picture(tmp_path: Path) -> None:
    long, large = Picture(noise("gray8", 1, 8192)), Picture(np.zeros((5000, 17_000, 3), np.uint8))
    webp, tiff = Target(tmp_path / "out.webp"), Target(tmp_path / "out.tif")
    assert webp.accept(long) == tiff.accept(large, 2) == ()
    with pytest.raises(RheostatError, match="16383 pixels on a side, the picture has 16384"):
        webp.accept(long, 2)
    with pytest.raises(RheostatError, match="4 GB"):
        tiff.accept(large, 4)


def test_what_an_encoder_refuses_is_a_sentence_and_no_file(tmp_path: Path) -> None:
    target = Target(tmp_path / "out.webp")
    with pytest.raises(RheostatError, match=r"out\.webp cannot be .*16383") as caught:
        target.write(Picture(noise("rgb8", 1, 16_384)))
    assert caught.value.code == "unwritable"
    assert caught.value.remedy == "Write a PNG or a TIFF."
    assert list(tmp_path.iterdir()) == []


def break_encoder(patch: pytest.MonkeyPatch, error: Exception, name: str = "png_encode") -> None:
    def encode(*_: object, **__: object) -> bytes:
        raise error

    patch.setattr(imagecodecs, name, encode)


@pytest.mark.parametrize(
    ("suffix", "encoder", "other"),
    [(".png", "png_encode", "TIFF"), (".tif", "deflate_encode", "PNG")],
)
@pytest.mark.parametrize("kind", [OSError, struct.error, imagecodecs.PngError])
def test_another_format_is_named_where_an_encoder_refuses(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    suffix: str,
    encoder: str,
    other: str,
    kind: type[Exception],
) -> None:
    break_encoder(monkeypatch, kind("It is odd"), encoder)
    with pytest.raises(RheostatError, match="It is odd") as caught:
        Target(tmp_path / f"out{suffix}").write(SMALL)
    assert caught.value.remedy == f"Write a {other}."


@pytest.mark.parametrize(
    "fault", [RheostatError("internal", "Said before."), TypeError(), MemoryError()]
)
def test_a_fault_of_ours_is_no_refusal_of_an_encoder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    break_encoder(monkeypatch, fault)
    with pytest.raises(type(fault)) as caught:
        Target(tmp_path / "out.png").write(SMALL)
    assert caught.value is fault
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.6, 0.9])
def test_a_file_cut_short_is_refused(tmp_path: Path, suffix: str, share: float) -> None:
    path = write(tmp_path / f"in{suffix}", noise("rgb8", 64, 64))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    assert str(path) in refusal(path)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_deep_file_cut_short_is_refused(tmp_path: Path, suffix: str, share: float) -> None:
    path = write(tmp_path / f"in{suffix}", noise("rgb16", 64, 64))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    assert str(path) in refusal(path)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
def test_damage_is_refused_or_harmless_never_a_crash(tmp_path: Path, suffix: str) -> None:
    image = Image.fromarray(noise("rgb8", 24, 24))
    path = save(image, tmp_path / f"in{suffix}", exif(), icc_profile=ADOBE_RGB)
    sound = path.read_bytes()
    generator = np.random.default_rng(0)
    for _ in range(150):
        damaged = bytearray(sound)
        for at in generator.integers(0, len(sound), 3):
            damaged[at] = generator.integers(256)
        path.write_bytes(damaged)
        with contextlib.suppress(RheostatError):
            assert read_picture(path).pixels.size


@pytest.mark.parametrize(("tag", "value"), [(254, 1), (50706, b"\1\4\0\0")])
def test_a_cameras_raw_file_is_not_its_small_preview(
    tmp_path: Path, tag: int, value: int | bytes
) -> None:
    tags = ImageFileDirectory_v2()
    tags[tag] = value
    tags.tagtype[tag] = TiffTags.LONG if isinstance(value, int) else TiffTags.BYTE
    Image.fromarray(SMALL.pixels).save(tmp_path / "in.tif", tiffinfo=tags)
    path = (tmp_path / "in.tif").rename(tmp_path / "in.dng")
    assert "camera's raw file" in refusal(path)


def test_want_of_memory_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise MemoryError

    path = write(tmp_path / "in.png", noise("rgb8"))
    monkeypatch.setattr("rheostatd.pictures.png.decode", fail)
    assert "not enough memory" in refusal(path)


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "in.png"
    path.write_text("#!/bin/sh\n")
    assert "is not a picture" in refusal(path)
    assert "is not a picture" in refusal(Path(__file__))
    assert "Is a directory" in refusal(tmp_path)
    assert "No such file" in refusal(tmp_path / "nothing.png")


def claim_png(data: bytearray, width: int, height: int) -> None:
    data[16:24] = struct.pack(">II", width, height)
    data[29:33] = imagecodecs.zlib_crc32(bytes(data[12:29])).to_bytes(4, "big")


def claim_jpeg(data: bytearray, width: int, height: int) -> None:
    at = data.index(b"\xff\xc0") + 5  # behind marker, length and depth of the frame
    data[at : at + 4] = struct.pack(">HH", height, width)


@pytest.mark.parametrize(("suffix", "claim"), [(".png", claim_png), (".jpg", claim_jpeg)])
@pytest.mark.parametrize("size", [(20_000, 14_000), (60_000, 60_000)])
def test_a_bomb_is_not_unpacked(
    tmp_path: Path,
    suffix: str,
    claim: Callable[[bytearray, int, int], None],
    size: tuple[int, int],
) -> None:
    path = write(tmp_path / f"in{suffix}", noise("rgb8"))
    data = bytearray(path.read_bytes())
    claim(data, *size)
    path.write_bytes(data)
    said = refusal(path)
    assert f"{size[0]}×{size[1]} pixels; allowed are 65535 on a side and 256 × 2²⁰" in said


def test_a_side_has_a_limit(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "in.tif", noise("gray8", 1, 65_536)[..., 0])
    assert "65536×1" in refusal(tmp_path / "in.tif")


def test_colours_that_are_not_understood_are_refused(tmp_path: Path) -> None:
    Image.fromarray(noise("rgb8")).convert("CMYK").save(tmp_path / "in.jpg")
    assert "CMYK" in refusal(tmp_path / "in.jpg")
    Image.fromarray(noise("rgb8")).convert("LAB").save(tmp_path / "in.tif")
    assert "LAB" in refusal(tmp_path / "in.tif")
    tifffile.imwrite(tmp_path / "in.tif", noise("rgb16").astype(np.int32), photometric="rgb")
    assert "int32" in refusal(tmp_path / "in.tif")
    tifffile.imwrite(
        tmp_path / "in.tif", noise("rgba8"), photometric="rgb", extrasamples=["unspecified"]
    )
    assert "not transparency" in refusal(tmp_path / "in.tif")


def test_more_than_one_picture_is_told(tmp_path: Path) -> None:
    frames = [Image.fromarray(noise("rgb8", seed=seed)) for seed in range(3)]
    for suffix in (".tif", ".webp", ".png"):
        path = tmp_path / f"in{suffix}"
        frames[0].save(path, save_all=True, append_images=frames[1:])
        (sentence,) = read_picture(path).warnings
        assert "only the first" in sentence


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "there.png").write_bytes(b"precious")
    assert "exists" in unwritable(tmp_path / "there.png")
    assert "'.gif'" in unwritable(tmp_path / "out.gif")
    assert "no ending" in unwritable(tmp_path / "out")
    assert "No such file" in unwritable(tmp_path / "nowhere" / "out.png")
    (tmp_path / "folder.png").mkdir()
    assert "folder" in unwritable(tmp_path / "folder.png")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder.png", "there.png"]
    assert (tmp_path / "there.png").read_bytes() == b"precious"


def test_a_write_that_fails_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.png"
    path.write_bytes(b"precious")
    target = Target(path, overwrite=True)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RheostatError, match="No space left") as caught:
        target.write(Picture(noise("rgb8")))
    assert caught.value.code == "unwritable"
    assert [p.name for p in tmp_path.iterdir()] == ["out.png"]
    assert path.read_bytes() == b"precious"


@pytest.mark.parametrize("has_links", [True, False])
def test_what_came_there_since_the_file_was_named_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_links: bool
) -> None:
    def refuse(_draft: Path, _file: Path) -> None:
        raise OSError(95, "Operation not supported")  # as on an SD card

    if not has_links:
        monkeypatch.setattr(os, "link", refuse)
    first, second = (Target(tmp_path / "out.png") for _ in range(2))
    first.write(SMALL)
    with pytest.raises(RheostatError, match="it exists") as caught:
        second.write(Picture(noise("gray8")))
    assert caught.value.code == "unwritable"
    np.testing.assert_array_equal(read_picture(first.path).pixels, SMALL.pixels)
    assert [p.name for p in tmp_path.iterdir()] == ["out.png"]


def test_rights_and_links_stay(tmp_path: Path) -> None:
    real, link = tmp_path / "real.png", tmp_path / "link.png"
    real.write_bytes(b"old")
    real.chmod(0o640)
    link.symlink_to(real)
    Target(link, overwrite=True).write(Picture(noise("rgb8")))
    assert link.is_symlink()
    assert read_picture(real).format.name == "rgb8"
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
