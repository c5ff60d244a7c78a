"""Preview: a layer above the source for as long as the dialog is open, which nobody has to undo."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import layers
import sources
from gi.repository import Gimp
from rheostat_client.connection import Region
from rheostat_client.previews import Piece

MARK = "rheostat-preview"  # parasite with the process that shows it


class PreviewLayer:
    """Shows pieces of a result in the image, over what they were made from.

    The undo list and the modified flag stay as they are: undo is frozen only while the layer comes
    and goes, so that even a killed plug-in leaves no more than the layer, which the next one finds.
    """

    def __init__(self, image: Any, source: Any, above: Any, box: Region) -> None:
        """For pieces in `box` of the source; the layer goes directly above the layer `above`.

        That is the source, or a result of it; what hides parts of it hides them here too.
        """
        self._image, self._source, self._above, self._box = image, source, above, box
        self._layer: Any = None

    def show(self, piece: Piece) -> None:
        """Put a finished piece on the canvas."""
        if self._layer is None:
            self._insert()
        if not self._layer.is_valid():  # somebody has deleted it
            return
        x, y = piece.x - self._box[0], piece.y - self._box[1]
        box = (x, y, piece.width, piece.height)
        layers.write(self._layer, box, piece.format, piece.pixels)

    def hide(self) -> None:
        """Take the layer out; the image is as it was."""
        if self._layer is not None and self._layer.is_valid():
            with _unnoticed(self._image):
                self._image.remove_layer(self._layer)
        self._layer = None

    def _insert(self) -> None:
        self._layer = layers.draft(self._image, self._source, "Rheostat preview", self._box)
        if not self._layer.has_alpha():
            self._layer.add_alpha()
        self._layer.fill(Gimp.FillType.TRANSPARENT)
        mark = Gimp.Parasite.new(MARK, 0, str(os.getpid()).encode())
        self._layer.attach_parasite(mark)
        with _unnoticed(self._image):
            parent, position = self._above.get_parent(), self._image.get_item_position(self._above)
            self._image.insert_layer(self._layer, parent, position)
            is_new = self._above.get_id() == self._source.get_id()
            layers.cover(self._image, self._layer, self._above, selected=is_new)


def sweep(image: Any) -> None:
    """Take out previews whose plug-in was killed."""
    for layer in list(sources.everything(image.get_layers())):
        mark = layer.get_parasite(MARK)
        if mark is not None and not _is_alive(int(bytes(mark.get_data()))):
            with _unnoticed(image):
                image.remove_layer(layer)


@contextmanager
def _unnoticed(image: Any) -> Iterator[None]:
    """What happens inside is not in the undo list, and changes neither what is selected nor whether
    the image counts as modified. Others may work on it while a dialog is open: both are looked at
    here, each time."""
    selected, was_dirty = image.get_selected_layers(), image.is_dirty()
    image.undo_freeze()
    try:
        yield
        image.set_selected_layers([layer for layer in selected if layer.is_valid()])
    finally:
        image.undo_thaw()
        if not was_dirty:
            image.clean_all()
        Gimp.displays_flush()


def _is_alive(process: int) -> bool:
    if os.name == "nt":  # there os.kill would end it
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
