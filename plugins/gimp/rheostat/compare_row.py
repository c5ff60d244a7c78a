"""The rows of the dialog with which source and preview, and two settings, are compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gi.repository import Gtk
from rheostat_client.comparing import Split, Variants
from rheostat_client.texts import _

Values = dict[str, float]
KEPT = {"is_on": "split", "divider": "divider"}  # arguments that remember a field of Split


class CompareRow:
    """Preview on or off; a divider to move; a button to hold; settings A and B."""

    def __init__(
        self,
        config: Any,
        get: Callable[[], Values],
        set: Callable[[Values], None],
        split: Callable[[Split], None],
    ) -> None:
        """Over the sliders, which `get` reads and `set` moves; `split` hears of the divider."""
        self._config, self._get, self._set, self._tell = config, get, set, split
        self._variants = Variants()
        self.split = Split(config.get_property("split"), config.get_property("divider"))
        self.widget = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=4)
        for row in (self._switches(), self._settings()):
            self.widget.pack_start(row, False, False, 0)

    def _switches(self) -> Any:
        row = Gtk.Box(spacing=6)
        preview = Gtk.CheckButton.new_with_mnemonic(_("Pre_view"))
        preview.set_tooltip_text(_("Show on the canvas what the sliders do"))
        preview.set_active(self._config.get_property("preview"))
        preview.connect("toggled", lambda b: self._config.set_property("preview", b.get_active()))
        split = Gtk.CheckButton.new_with_mnemonic(_("S_plit"))
        split.set_tooltip_text(_("Show the picture without the preview left of a divider"))
        split.set_active(self.split.is_on)
        self._divider = Gtk.Scale.new_with_range(Gtk.Orientation.HORIZONTAL, 0.0, 1.0, 0.01)
        self._divider.set_draw_value(False)
        self._divider.set_size_request(140, -1)
        self._divider.set_tooltip_text(_("Where the divider is"))
        self._divider.set_value(self.split.divider)
        self._divider.set_sensitive(self.split.is_on)
        split.connect("toggled", lambda button: self._change(is_on=button.get_active()))
        self._divider.connect("value-changed", lambda s: self._change(divider=s.get_value()))
        for name, show in (
            ("preview", preview.set_active),
            ("split", split.set_active),
            ("divider", self._divider.set_value),
        ):  # Reset and saved settings change them too
            self._config.connect(f"notify::{name}", self._follow, name, show)
        for widget in (preview, split):
            row.pack_start(widget, False, False, 0)
        row.pack_start(self._divider, True, True, 0)
        return row

    def _settings(self) -> Any:
        row = Gtk.Box(spacing=6)
        hold = Gtk.Button(label=_("Hold to compare"))
        hold.set_tooltip_text(_("Show the picture without the preview"))
        hold.connect("pressed", lambda _button: self._change(is_held=True))
        hold.connect("released", lambda _button: self._change(is_held=False))
        row.pack_start(hold, True, True, 0)
        first = None
        for name in ("A", "B"):
            button = Gtk.RadioButton.new_with_label_from_widget(first, name)
            button.set_mode(False)
            button.set_tooltip_text(_("Go back and forth between two settings"))
            button.connect("toggled", self._choose, name)
            row.pack_start(button, False, False, 0)
            first = first or button
        return row

    def _follow(self, config: Any, _: Any, name: str, show: Callable[[Any], None]) -> None:
        show(config.get_property(name))

    def _change(self, **changes: Any) -> None:
        self.split = replace(self.split, **changes)
        for name, value in changes.items():
            if name in KEPT:
                self._config.set_property(KEPT[name], value)
        self._divider.set_sensitive(self.split.is_on)
        self._tell(self.split)

    def _choose(self, button: Any, name: str) -> None:
        if button.get_active() and name != self._variants.chosen:
            self._set(self._variants.choose(name, self._get()))
