"""Places: what is filtered, which part of it, and where the result goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import layers
import sources
from gi.repository import Gimp
from rheostat_client.connection import Region
from rheostat_client.models import ModelInfo
from rheostat_client.settings import Settings
from rheostat_client.texts import _
from undo import unnoticed

LAYERS, IMAGE = "layers", "image"  # what the argument `source` may say
LAYER, REPLACE = "layer", "replace"  # what the argument `output` may say


class Place(NamedTuple):
    """A source and where its result goes.

    layer     has the pixels; of the whole image it is a copy, which is not in the image
    box       x, y, width, height of what is filtered, in the layer's pixels
    above     the layer that the result goes directly above; None: above all others
    selection what was selected in the box, as `layers.selected` has it; None: all of it
    is_whole  whether the source is all that is visible
    """

    layer: Any
    box: Region
    above: Any
    selection: bytes | None = None
    is_whole: bool = False

    @property
    def masked_like(self) -> Any:
        """The layer whose mask the result has."""
        return self.above or self.layer

    def slot(self, image: Any) -> tuple[Any, int]:
        """The group, or None, and the position in it at which the result is inserted."""
        if self.above is None:
            return None, 0
        return self.above.get_parent(), image.get_item_position(self.above)

    def forget(self) -> None:
        """Free the copy of the whole image."""
        if self.is_whole and self.layer.is_valid():
            self.layer.delete()


def find(image: Any, drawables: list[Any], source: str) -> list[Place]:
    """The places for what the argument `source` says: the layers that are selected, or the image.

    RheostatError `bad-picture` for what cannot be filtered.
    """
    if source == IMAGE:
        both = whole(image), _selected(image)
        return [Place(*both, None, layers.selected(*both), is_whole=True)]
    boxes = [(layer, layers.box(layer)) for layer in layers.chosen(drawables)]
    return [Place(layer, box, layer, layers.selected(layer, box)) for layer, box in boxes]


@contextmanager
def kept(find: Callable[[str], list[Place]]) -> Iterator[Callable[[str], list[Place]]]:
    """`find`, of whose places the last ones found are good, until the end."""
    last: list[Place] = []

    def find_anew(source: str) -> list[Place]:
        found = find(source)
        for place in last:
            place.forget()
        last[:] = found
        return found

    try:
        yield find_anew
    finally:
        for place in last:
            place.forget()


def output(config: Any, model: ModelInfo) -> str:
    """What the argument `output` says, which models that enlarge do not have."""
    return str(config.get_property("output")) if model.scale == 1 else LAYER


def overwritten(found: list[Place], output: str) -> list[Any]:
    """The layers whose own pixels the results go into, as the argument `output` says.

    RheostatError `bad-picture` if those of one are locked.
    """
    if found[0].is_whole or output != REPLACE:
        return []
    return [layers.unlocked(place.layer) for place in found]


def again(image: Any, result: Any, settings: Settings) -> Place:
    """Where `result` was made, whatever is selected today.

    RheostatError `no-source`, or `bad-picture` if it was deleted.
    """
    layers.check_alive(result)
    is_whole = bool(settings.source.get("visible"))
    source = whole(image, result) if is_whole else sources.origin(image, result, settings)
    box = settings.region or (0, 0, source.get_width(), source.get_height())
    return Place(source, box, result, is_whole=is_whole)


def whole(image: Any, below: Any = None) -> Any:
    """A layer of all that is visible, or of what lies below the layer `below`; not in the image."""
    layers.check_mode(image)
    hidden = []
    if below is not None:
        while below.get_parent():
            below = below.get_parent()
        top = image.get_layers()[: 1 + image.get_item_position(below)]
        hidden = [layer for layer in top if layer.get_visible()]
    with unnoticed(image):
        for layer in hidden:
            layer.set_visible(False)
        copy = Gimp.Layer.new_from_visible(image, image, _("Visible"))
        for layer in hidden:
            layer.set_visible(True)
    return copy


def _selected(image: Any) -> Region:
    """The box of the selection, or all of the image."""
    _, is_some, left, top, right, bottom = Gimp.Selection.bounds(image)
    if not is_some:
        return 0, 0, image.get_width(), image.get_height()
    return left, top, right - left, bottom - top
