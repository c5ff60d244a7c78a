"""The row of the dialog with which positions are kept under a name and found again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gi.repository import Gdk, Gimp, Gtk
from rheostat_client.clipboard import copied, pasted
from rheostat_client.errors import RheostatError
from rheostat_client.models import ModelInfo
from rheostat_client.presets import Presets
from rheostat_client.texts import _

Values = dict[str, float]
COPIED = "rheostat-copied"  # parasite of GIMP itself


class PresetsRow:
    """A list to choose from, and buttons to save and delete."""

    def __init__(
        self,
        window: Any,
        model: ModelInfo,
        get: Callable[[], Values],
        set: Callable[[Values], None],
    ) -> None:
        """Over the model's sliders, which `get` reads and `set` moves."""
        self._window, self._get, self._set = window, get, set
        self._model = model
        self._defaults = {control.id: control.default for control in model.controls}
        self._presets = Presets(model.id, model.controls, shipped=model.presets)
        self.widget = Gtk.Box(spacing=6)
        self._list = Gtk.ComboBoxText()
        self._list.connect("changed", self._choose)
        self.widget.pack_start(self._list, True, True, 0)
        acts = (
            (_("Save…"), _("Keep these settings under a name"), self._save),
            (_("Delete"), _("Forget the preset that is chosen"), self._delete),
            (_("Copy"), _("Copy these settings, for another layer or image"), self._copy),
            (_("Paste"), _("Take over the settings that were copied"), self._paste),
        )
        for label, words, act in acts:
            button = Gtk.Button(label=label)
            button.set_tooltip_text(words)
            button.connect("clicked", lambda _button, act=act: self._try(act))
            self.widget.pack_start(button, False, False, 0)
        self._try(self._fill)

    def _fill(self, chosen: str = "") -> None:
        first, names = (_("Presets…"), _("Defaults")), self._presets.names()
        self._list.remove_all()
        for name in (*first, *names):
            self._list.append_text(name)
        # A preset may be called like one of the first.
        self._list.set_active(len(first) + names.index(chosen) if chosen else 0)

    def _choose(self, _list: Any) -> None:
        place, name = self._list.get_active(), self._list.get_active_text()
        if place == 1:
            self._set(self._defaults)
        elif place > 1:
            self._try(lambda: self._set(self._presets.values(name)))

    def _save(self) -> None:
        name = self._ask_name()
        if name:
            self._presets.save(name, self._get())
            self._fill(name.strip())

    def _delete(self) -> None:
        if self._list.get_active() > 1:
            self._presets.delete(self._list.get_active_text())
            self._fill()

    def _copy(self) -> None:
        text = copied(self._model, self._get())
        clipboard = Gtk.Clipboard.get(Gdk.SELECTION_CLIPBOARD)
        clipboard.set_text(text, -1)
        clipboard.store()
        # Where no program keeps the clipboard it ends with this process; GIMP keeps this.
        Gimp.attach_parasite(Gimp.Parasite.new(COPIED, 0, text.encode()))

    def _paste(self) -> None:
        text = Gtk.Clipboard.get(Gdk.SELECTION_CLIPBOARD).wait_for_text()
        if text is None and (kept := Gimp.get_parasite(COPIED)):
            text = bytes(kept.get_data()).decode()
        self._set(pasted(text or "", self._model))

    def _ask_name(self) -> str:
        question = Gtk.Dialog(title=_("Save preset"), transient_for=self._window, modal=True)
        question.add_buttons(_("_Cancel"), Gtk.ResponseType.CANCEL, _("_Save"), Gtk.ResponseType.OK)
        question.set_default_response(Gtk.ResponseType.OK)
        entry = Gtk.Entry(activates_default=True)
        if self._list.get_active() > 1:
            entry.set_text(self._list.get_active_text())
        question.get_content_area().pack_start(entry, True, True, 12)
        question.show_all()
        name = entry.get_text() if question.run() == Gtk.ResponseType.OK else ""
        question.destroy()
        return str(name)

    def _try(self, act: Callable[[], None]) -> None:
        try:
            act()
        except RheostatError as error:
            notice = Gtk.MessageDialog(
                transient_for=self._window,
                modal=True,
                message_type=Gtk.MessageType.WARNING,
                buttons=Gtk.ButtonsType.CLOSE,
                text=str(error),
            )
            notice.run()
            notice.destroy()
