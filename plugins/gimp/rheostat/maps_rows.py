"""The rows of the dialog that say which layer, mask or channel paints a control."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sources
from gi.repository import Gtk
from rheostat_client.controls import Control
from rheostat_client.texts import _, painting


class MapsRows:
    """A choice for each control that can be painted."""

    def __init__(
        self, image: Any, config: Any, controls: list[Control], changed: Callable[[], None]
    ) -> None:
        """Choose what the argument `maps` of `config` says; call `changed` when a hand does."""
        self._image, self._config, self._changed = image, config, changed
        self._is_following = False
        self.chosen: dict[str, Any] = {}  # items by control id
        rows = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=4)
        for control in controls:
            rows.pack_start(self._row(control), False, False, 0)
        self.widget = Gtk.Expander(label=_("Painted controls"), expanded=bool(self.chosen))
        self.widget.add(rows)

    def _row(self, control: Control) -> Any:
        row = Gtk.Box(spacing=6)
        words = _("{control}:").format(control=control.label)
        row.pack_start(Gtk.Label(label=words, xalign=0), False, False, 0)
        choice = Gtk.ComboBoxText()
        choice.set_tooltip_text(painting(control))
        items = [None, *sources.maps(self._image)]
        names = [item.get_name() if item else None for item in items]
        for name in names:
            choice.append_text(name or _("nothing, the same everywhere"))
        before = sources.map_names(self._config.get_property("maps")).get(control.id)
        choice.set_active(names.index(before) if before in names else 0)
        if choice.get_active() > 0:
            self.chosen[control.id] = items[choice.get_active()]

        def choose(_choice: Any) -> None:
            item = items[choice.get_active()]
            self.chosen.pop(control.id, None)
            if item is not None:
                self.chosen[control.id] = item
            if not self._is_following:
                self._config.set_property("maps", sources.map_words(self.chosen))
            self._changed()

        def follow(*_: Any) -> None:
            """Reset and saved settings change them too."""
            name = sources.map_names(self._config.get_property("maps")).get(control.id)
            self._is_following = True
            choice.set_active(names.index(name) if name in names else 0)
            self._is_following = False

        choice.connect("changed", choose)
        self._config.connect("notify::maps", follow)
        row.pack_start(choice, True, True, 0)
        return row
