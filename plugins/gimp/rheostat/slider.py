"""Slider: one row of the dialog for a control, made from the model's description."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gi.repository import Gtk
from rheostat_client.controls import Control
from rheostat_client.texts import _, explanation

UNTRAINED = "rgba(230, 97, 0, 0.6)"  # colour of the travel that training has not seen


class Slider:
    """A label, a slider over the soft range, a number over the hard range, and a way back."""

    def __init__(
        self,
        control: Control,
        label: str,
        changed: Callable[[float], None],
        estimate: Callable[[str, Callable[[float], None]], None],
    ) -> None:
        """Show `label`, with its access key; call `changed` with each value a hand chooses.

        `estimate` finds out what the control of an id should be, for those that have `auto`.
        """
        self._control, self._changed = control, changed
        self._is_following = False
        self._scale = Gtk.Scale.new_with_range(Gtk.Orientation.HORIZONTAL, 0.0, 1.0, 0.01)
        self._scale.set_draw_value(False)
        self._scale.set_hexpand(True)
        self._scale.set_size_request(190, -1)
        self._number = Gtk.SpinButton.new_with_range(*control.hard, control.step)
        self._number.set_digits(control.digits)
        self._label = Gtk.Label.new_with_mnemonic(label)
        self._label.set_xalign(0)
        self._label.set_mnemonic_widget(self._number)
        self._back = Gtk.Button(label="↺", relief=Gtk.ReliefStyle.NONE)
        self._back.set_tooltip_text(
            _("Back to {value}").format(value=control.format(control.default))
        )
        self._widgets = [self._label, self._scale, self._number, self._back]
        if control.auto:
            auto = Gtk.Button(label=_("Auto"), relief=Gtk.ReliefStyle.NONE)
            auto.set_tooltip_text(_("Find out what the picture needs"))
            auto.connect("clicked", lambda _button: estimate(control.id, self._take))
            self._widgets.append(auto)
        for widget in (self._label, self._scale, self._number):
            widget.set_tooltip_text(explanation(control))
        self._mark()
        self._scale.connect("value-changed", self._slid)
        self._number.connect("value-changed", self._typed)
        self._back.connect("clicked", lambda _button: self._choose(control.default))

    def attach(self, grid: Any, row: int) -> None:
        """Put the widgets into a row of a grid."""
        for column, widget in enumerate(self._widgets):
            grid.attach(widget, column, row, 1, 1)

    def show(self, value: float) -> None:
        """Stand at `value`, which somebody else has chosen."""
        self._is_following = True
        self._number.set_value(value)
        self._scale.set_value(min(1.0, max(0.0, self._control.position(value))))
        self._is_following = False

    def _choose(self, value: float) -> None:
        self.show(value)
        self._changed(value)

    def _take(self, value: float) -> None:
        self._choose(self._control.rounded(value))

    def _slid(self, scale: Any) -> None:
        if not self._is_following:
            self._take(self._control.value(scale.get_value()))

    def _typed(self, number: Any) -> None:
        if not self._is_following:
            self._choose(float(number.get_value()))

    def _mark(self) -> None:
        """Words at the ends, a mark where it is off, a colour where it was not trained."""
        control = self._control
        for position, word in zip((0.0, 1.0), control.ends):
            if word:
                self._scale.add_mark(position, Gtk.PositionType.BOTTOM, f"<small>{word}</small>")
        if control.off is not None:
            off = control.position(control.off)
            is_end = off in (0.0, 1.0) and any(control.ends)
            words = None if is_end else f"<small>{_('off')}</small>"
            self._scale.add_mark(off, Gtk.PositionType.TOP, words)
        low, high = (100 * control.position(value) for value in control.trained)
        if low > 0 or high < 100:
            style = Gtk.CssProvider()
            style.load_from_data(_shade(low, high).encode())
            context = self._scale.get_style_context()
            context.add_provider(style, Gtk.STYLE_PROVIDER_PRIORITY_APPLICATION)


def _shade(low: float, high: float) -> str:
    """A style that colours a slider's travel outside of low..high per cent."""
    stops = (
        f"{UNTRAINED} 0%, {UNTRAINED} {low:.1f}%, transparent {low:.1f}%, "
        f"transparent {high:.1f}%, {UNTRAINED} {high:.1f}%, {UNTRAINED} 100%"
    )
    return f"scale trough {{ background-image: linear-gradient(to right, {stops}); }}"
