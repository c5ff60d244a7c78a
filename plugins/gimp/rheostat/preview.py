"""Preview: a layer above the source for as long as the dialog is open, which nobody has to undo."""

from __future__ import annotations

import ctypes
import os
import sys
import uuid
from typing import Any

import layers
import sources
from gi.repository import Babl, Gegl, Gimp, GLib
from places import Place
from rheostat_client.comparing import Split
from rheostat_client.pixels import opaque
from rheostat_client.previews import Piece
from undo import unnoticed

MARK = "rheostat-preview"  # parasite with the session of GIMP and the process that shows it
SESSION = "rheostat-session"  # parasite of GIMP itself: what tells one that runs from all others
LINE = 600  # the divider is one of so many parts of the width
QUERY = 0x1000  # PROCESS_QUERY_LIMITED_INFORMATION, of Windows
DARK, LIGHT = b"\0\0\0\xff", b"\xff\xff\xff\xff"  # its two sides, R'G'B'A u8


class PreviewLayer:
    """Shows pieces of a result in the image, over what they were made from, right of a divider.

    The undo list and the modified flag stay as they are: undo is frozen only while the layer comes
    and goes, so that even a killed plug-in leaves no more than the layer, which the next one finds.
    """

    def __init__(self, image: Any, place: Place) -> None:
        """For pieces in the box of `place`, with the mask that the result will have."""
        self._image, self._place = image, place
        self._layer: Any = None
        self._file: tuple[str, str] | None = None  # of the image when the layer came
        self._mask: bytes | None = None  # what the mask is without a divider; None: white
        self._split = Split()
        self._columns = 0  # from the left, in which the source shows
        self._under: tuple[int, int, bytes] | None = None  # x, width, pixels below the line

    def show(self, piece: Piece) -> None:
        """Put a finished piece on the canvas."""
        if not self._image.is_valid() or not self._place.masked_like.is_valid():
            return
        if self._layer is None:
            self._insert()
        if not self._is_there():
            return
        x, y = piece.x - self._place.box[0], piece.y - self._place.box[1]
        # By itself GIMP would take a third of a second and 350 MB to learn this conversion.
        form, pixels = opaque(piece.format, piece.pixels)
        self._lift_line()
        layers.write(self._layer, (x, y, piece.width, piece.height), form, pixels)
        self._draw_line()
        Gimp.displays_flush()

    def split(self, split: Split) -> None:
        """Have the divider there, now and in layers to come."""
        self._split = split
        if self._is_there():
            self._lift_line()
            self._divide()
            self._draw_line()
            Gimp.displays_flush()

    def hide(self) -> None:
        """Take the layer out; the image is as it was."""
        if self._layer is not None and self._image.is_valid() and self._layer.is_valid():
            # In a file that was saved meanwhile it is a layer as any other.
            with unnoticed(self._image, is_news=_file(self._image) != self._file):
                self._image.remove_layer(self._layer)
        self._layer, self._mask, self._columns, self._under = None, None, 0, None

    def _is_there(self) -> bool:
        """Whether there is a layer, which nobody has deleted or locked."""
        is_layer = self._layer is not None and self._layer.is_valid()
        return is_layer and layers.locked(self._layer) is None

    def _slot(self) -> tuple[Any, int]:
        """Where the result will be; above a locked group, in which nothing can be painted."""
        group, position = self._place.slot(self._image)
        if group and (lock := layers.locked(group)):
            return lock.get_parent(), self._image.get_item_position(lock)
        return group, position

    def _insert(self) -> None:
        place = self._place
        self._layer = layer = layers.draft(self._image, place.layer, "Rheostat preview", place.box)
        if not layer.has_alpha():
            layer.add_alpha()
        layer.fill(Gimp.FillType.TRANSPARENT)
        mark = f"{_session()} {os.getpid()}".encode()
        layer.attach_parasite(Gimp.Parasite.new(MARK, Gimp.PARASITE_PERSISTENT, mark))
        self._file = _file(self._image)
        with unnoticed(self._image):
            self._image.insert_layer(layer, *self._slot())
            layers.cover(layer, place.masked_like, place.selection)
        self._divide()

    def _divide(self) -> None:
        """Hide the preview left of the divider."""
        _, _, width, height = self._place.box
        columns, before = self._split.columns(width), self._columns
        if columns == before:
            return
        mask = self._own_mask()
        left, right = min(columns, before), max(columns, before)
        across = right - left
        if columns > before:
            strip = bytes(across * height)
        elif self._mask is None:
            strip = b"\xff" * (across * height)
        else:
            rows = range(0, width * height, width)
            strip = b"".join(self._mask[row + left : row + right] for row in rows)
        buffer = mask.get_buffer()
        buffer.set(Gegl.Rectangle.new(left, 0, across, height), "Y u8", strip)
        buffer.flush()
        mask.update(left, 0, across, height)
        self._columns = columns

    def _own_mask(self) -> Any:
        mask = self._layer.get_mask()
        if mask is None:
            with unnoticed(self._image):
                mask = self._layer.create_mask(Gimp.AddMaskType.WHITE)
                self._layer.add_mask(mask)
                self._layer.set_edit_mask(False)
        elif self._mask is None and not self._columns:
            _, _, width, height = self._place.box
            area = Gegl.Rectangle.new(0, 0, width, height)
            self._mask = mask.get_buffer().get(area, 1.0, "Y u8", Gegl.AbyssPolicy.NONE)
        return mask

    def _draw_line(self) -> None:
        """A line right of the divider, dark and light, so that it is seen on any picture."""
        _, _, width, height = self._place.box
        x, across = self._columns, max(2, width // LINE // 2 * 2)
        if not 0 < x <= width - across:
            return
        area = Gegl.Rectangle.new(x, 0, across, height)
        buffer = self._layer.get_buffer()
        form = Babl.get_name(self._layer.get_format())
        self._under = x, across, buffer.get(area, 1.0, form, Gegl.AbyssPolicy.NONE)
        row = DARK * (across // 2) + LIGHT * (across // 2)
        buffer.set(area, "R'G'B'A u8", row * height)
        buffer.flush()
        self._layer.update(x, 0, across, height)

    def _lift_line(self) -> None:
        if self._under is None:
            return
        x, across, pixels = self._under
        height = self._place.box[3]
        buffer = self._layer.get_buffer()
        form = Babl.get_name(self._layer.get_format())
        buffer.set(Gegl.Rectangle.new(x, 0, across, height), form, pixels)
        buffer.flush()
        self._layer.update(x, 0, across, height)
        self._under = None


def sweep(image: Any) -> None:
    """Take out previews whose plug-in was killed, and those that came with a file."""
    for layer in list(sources.everything(image.get_layers())):
        mark = layer.get_parasite(MARK)
        if mark is None:
            continue
        session, _, process = bytes(mark.get_data()).decode().partition(" ")
        if session != _session() or not _is_alive(int(process)):
            # It may be in the image's file, which is to be saved without it then.
            with unnoticed(image, is_news=image.get_xcf_file() is not None):
                image.remove_layer(layer)


def _session() -> str:
    """The name of the GIMP that runs: another one gives its processes the same numbers."""
    if (kept := Gimp.get_parasite(SESSION)) is None:
        kept = Gimp.Parasite.new(SESSION, 0, uuid.uuid4().hex.encode())
        Gimp.attach_parasite(kept)
    return bytes(kept.get_data()).decode()


def _file(image: Any) -> tuple[str, str] | None:
    """The file that the image is saved in, and the state of that; None without one."""
    file = image.get_xcf_file()
    if file is None:
        return None
    try:
        return file.get_uri(), file.query_info("etag::value", 0, None).get_etag()
    except GLib.Error:  # it was deleted
        return file.get_uri(), ""


def _is_alive(process: int) -> bool:
    if sys.platform == "win32":  # there os.kill would end it
        kernel = ctypes.windll.kernel32
        handle = kernel.OpenProcess(QUERY, False, process)
        return bool(handle and kernel.CloseHandle(handle))
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
