"""Files <-> pictures: read whatever may lie there; write all of a picture or nothing."""

from __future__ import annotations

import os
import secrets
import shutil
import struct
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import imagecodecs
from PIL import UnidentifiedImageError
from rheostat_client.errors import RheostatError

from . import directory, pillow, png, tiff
from .picture import Picture, white

UNDERSTOOD = "PNG, JPEG, TIFF and WebP"
_IPTC = b"8BIM\x04\x04"  # before captions and keywords in APP13
# What encoders raise where they cannot hold a picture; all else is a fault of ours.
_REFUSALS = (ValueError, OSError, struct.error, imagecodecs.PngError, imagecodecs.DeflateError)
MAX_SEGMENT = 64_000  # bytes of EXIF or XMP that a JPEG carries, with room for the record


@dataclass(frozen=True)
class Format:
    """What a kind of file can hold.

    depths    of its pixels; the last one takes what does not fit
    max_side  pixels
    """

    name: str
    write: Callable[[Picture], bytes]
    depths: tuple[str, ...]
    max_side: int
    has_alpha: bool = True


_JPEG = Format("JPEG", pillow.write_jpeg, ("8",), 65_500, has_alpha=False)
_TIFF = Format("TIFF", tiff.write, ("8", "16", "32f"), 2**31 - 1)
_PNG = Format("PNG", png.write, ("8", "16"), 2**31 - 1)
FORMATS = {
    ".png": _PNG,
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".webp": Format("WebP", pillow.write_webp, ("8",), 16_383),
}


def read_picture(path: Path) -> Picture:
    """The picture in a file, whatever its name ends in.

    Raises RheostatError `bad-picture`: not there, not a picture, cut short, CMYK, too large.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RheostatError(
            "bad-picture", f"{path} cannot be read: {error.strerror}.", "Check the name."
        ) from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of damaged notes in sound pictures
            return _reader(data)(data)
    except RheostatError as error:
        raise RheostatError(error.code, f"{path}: {error.message}", error.remedy) from error
    except UnidentifiedImageError as error:
        raise RheostatError(
            "bad-picture", f"{path} is not a picture.", f"{UNDERSTOOD} are understood."
        ) from error
    except MemoryError as error:
        raise RheostatError(
            "bad-picture",
            f"There is not enough memory for {path}.",
            "Close other programs, or cut the picture into parts.",
        ) from error
    except Exception as error:  # whatever a decoder makes of damaged bytes
        raise RheostatError(
            "bad-picture",
            f"{path} is damaged or cut short: {str(error) or type(error).__name__}.",
            "Get the file again from where it came.",
        ) from error


class Target:
    """A file that is to be written, checked when it is named so that no work is done in vain."""

    def __init__(self, path: Path, *, overwrite: bool = False) -> None:
        """Raise RheostatError `unwritable` if `path` exists or cannot be written."""
        self.path, self._overwrite = path, overwrite
        self._file = path.resolve()  # what a link leads to, not the link, is replaced
        if path.suffix.lower() not in FORMATS:
            raise _unwritable(
                path,
                f"it ends in {path.suffix!r}" if path.suffix else "its name has no ending",
                f"End it in {', '.join(FORMATS)}.",
            )
        self._format = FORMATS[path.suffix.lower()]
        if path.is_dir():
            raise _unwritable(path, "it is a folder", "Name a file.")
        if self._file.exists() and not overwrite:
            raise _taken(path)
        self._draft().unlink()

    def accept(self, picture: Picture, scale: int = 1) -> tuple[str, ...]:
        """Sentences about what the file will not keep of `picture`, made `scale` times as large.

        Raises RheostatError `unwritable` if it cannot hold the picture at all.
        """
        kind, side = self._format, scale * max(picture.width, picture.height)
        if kind.max_side < side:
            raise _unwritable(
                self.path,
                f"{kind.name} holds {kind.max_side} pixels on a side, the picture has {side}",
                "Write a TIFF or a PNG.",
            )
        if scale**2 * picture.pixels.nbytes > tiff.MAX_BYTES and kind is _TIFF:
            raise _unwritable(self.path, "TIFF holds 4 GB", "Write a PNG.")
        if not kind.has_alpha and (picture.alpha < white(picture.pixels)).any():
            raise _unwritable(self.path, f"{kind.name} holds no transparency", "Write a PNG.")
        if kind is _JPEG:
            self._check_segments(picture)
        lost = []
        if picture.depth not in kind.depths:
            lost.append(
                f"{kind.name} holds {kind.depths[-1]} bits; the {picture.depth.rstrip('f')} of "
                "the input are rounded to that."
            )
        exif = picture.metadata.exif
        if kind is _TIFF and exif and directory.descriptive(exif) is None:
            lost.append("The EXIF block is damaged, and left out.")
        if kind is not _PNG:
            lost += png.unique(picture.metadata)
        if kind is not _JPEG and picture.metadata.comment:
            lost.append(f"{kind.name} holds no comment of a JPEG; it is left out.")
        if kind is not _JPEG and any(_IPTC in body for body in picture.metadata.app13):
            lost.append(f"{kind.name} holds no IPTC of a JPEG; captions and keywords are left out.")
        return tuple(lost)

    def write(self, picture: Picture) -> None:
        """Put `picture` there in one step: before it the old file is whole, after it the new.

        Raises RheostatError `unwritable`, and leaves what was there; without `overwrite` also what
        came there since the file was named.
        """
        kind = self._format
        if picture.depth not in kind.depths:
            picture = picture.with_depth(kind.depths[-1])
        try:
            data = kind.write(picture)
        except _REFUSALS as error:
            others = " or ".join(f"a {other.name}" for other in (_PNG, _TIFF) if other is not kind)
            raise _unwritable(self.path, f"{kind.name}: {error}", f"Write {others}.") from error
        draft = self._draft()
        try:
            with draft.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            self._publish(draft)
        except FileExistsError as error:
            raise _taken(self.path) from error
        except OSError as error:
            raise _unwritable(self.path, error.strerror, "Check the disk.") from error
        finally:
            draft.unlink(missing_ok=True)

    def _publish(self, draft: Path) -> None:
        """Give `draft` its name; FileExistsError if something has it that is not to be replaced."""
        if self._overwrite:
            if self._file.exists():
                shutil.copymode(self._file, draft)
            draft.replace(self._file)
            return
        try:
            os.link(draft, self._file)
        except FileExistsError:
            raise
        except OSError:  # a disk that knows no links
            self._file.touch(exist_ok=False)
            draft.replace(self._file)

    def _draft(self) -> Path:
        """A new empty file beside the target, with the rights of a new file."""
        draft = self._file.with_name(f".rheostat-{secrets.token_hex(8)}")
        try:
            draft.touch(exist_ok=False)
        except OSError as error:
            raise _unwritable(self.path, error.strerror, "Write to another folder.") from error
        return draft

    def _check_segments(self, picture: Picture) -> None:
        for name, block in (("EXIF", picture.metadata.exif), ("XMP", picture.metadata.xmp)):
            if block and len(block) > MAX_SEGMENT:
                raise _unwritable(
                    self.path,
                    f"its {name} has {len(block)} bytes, a JPEG carries {MAX_SEGMENT}",
                    "Write a PNG or a TIFF.",
                )


def with_record(picture: Picture, record: str) -> Picture:
    """`picture` with a settings record (canonical JSON) that `Target.write` puts into the file."""
    return replace(picture, metadata=replace(picture.metadata, record=record))


def _reader(data: bytes) -> Callable[[bytes], Picture]:
    if data.startswith(png.SIGNATURE):
        return png.read
    return tiff.read if data.startswith(tiff.SIGNATURES) else pillow.read


def _taken(path: Path) -> RheostatError:
    return _unwritable(path, "it exists", "Choose another name, or add --overwrite.")


def _unwritable(path: Path, why: str | None, remedy: str) -> RheostatError:
    return RheostatError("unwritable", f"{path} cannot be written: {why}.", remedy)
