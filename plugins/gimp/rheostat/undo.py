"""Undo: changes that are one step of the undo list, and changes that are none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gi.repository import Gimp


@contextmanager
def one_step(image: Any) -> Iterator[None]:
    """What happens inside is one step to undo, and keeps what is selected, if all that is left."""
    selected = image.get_selected_layers()
    image.undo_group_start()
    try:
        yield
    finally:
        if all(layer.is_valid() for layer in selected):
            image.set_selected_layers(selected)
        image.undo_group_end()
        Gimp.displays_flush()


@contextmanager
def unnoticed(image: Any, is_news: bool = False) -> Iterator[None]:
    """What happens inside is not in the undo list, and changes neither what is selected nor, unless
    `is_news` to the image's file, whether the image counts as modified.

    To be kept short: a plug-in that is killed inside leaves the image without undo. Others may work
    on the image while a dialog is open: what is selected and modified is looked at each time.
    """
    selected, was_dirty = image.get_selected_layers(), image.is_dirty()
    image.undo_freeze()
    try:
        yield
        image.set_selected_layers([layer for layer in selected if layer.is_valid()])
    finally:
        image.undo_thaw()
        if not was_dirty and not is_news:
            image.clean_all()
        Gimp.displays_flush()
