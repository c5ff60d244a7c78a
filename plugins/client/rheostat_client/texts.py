"""Texts: what hosts show, in the user's language.

Whatever a person reads in a plug-in goes through `_`; names of values go in by `format` afterwards.
English remains: what the daemon says, details of answers and files that a program cannot read, and
what only a command line or a programmer can meet. The catalogs are `locale/*.po`, which
`tools/texts.py` keeps complete and `rheostat install` compiles.
"""

from __future__ import annotations

import gettext
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # errors, which those import, speak too
    from .controls import Control
    from .models import ModelInfo

DOMAIN = "rheostat"
_FOLDER = Path(__file__).with_name("locale")

_catalog: gettext.NullTranslations = gettext.NullTranslations()


def use(languages: Sequence[str] | None = None, folder: Path = _FOLDER) -> None:
    """Speak the first of `languages` (de, pt-BR) there is a catalog for, or else English.

    Without `languages`, what LANGUAGE, LC_ALL, LC_MESSAGES and LANG say; that is done on import.
    """
    global _catalog
    wanted = None if languages is None else [name.replace("-", "_") for name in languages]
    _catalog = gettext.translation(DOMAIN, folder, wanted, fallback=True)


def _(text: str) -> str:
    """The text in the user's language."""
    return _catalog.gettext(text) if text else ""  # gettext keeps its own notes under ""


def localized(model: ModelInfo) -> ModelInfo:
    """The model with its names and explanations in the user's language."""
    controls = tuple(_localized(control) for control in model.controls)
    presets = {_(name): values for name, values in model.presets.items()}
    return replace(
        model, name=_(model.name), summary=_(model.summary), controls=controls, presets=presets
    )


def painting(control: Control) -> str:
    """What white and black do in a map of `control`."""
    if control.off is not None:
        return _("White has the slider's value, black leaves the picture alone, grey lies between.")
    words = _("White has the slider's value, black has {lowest}, grey lies between.")
    return words.format(lowest=control.format(control.black))


def advance(state: str, share: float, left: float = 0) -> str:
    """`Rendering: 40 %, 3 s left`: how far a job is; `left` in milliseconds, 0 if nobody knows."""
    states = {
        "uploading": _("Uploading"),
        "queued": _("Waiting for its turn"),
        "loading": _("Loading the model"),
        "rendering": _("Rendering"),
    }
    name = states.get(state, state)
    if left < 1500:
        return _("{state}: {percent} %").format(state=name, percent=round(100 * share))
    return _("{state}: {percent} %, {seconds} s left").format(
        state=name, percent=round(100 * share), seconds=round(left / 1000)
    )


def explanation(control: Control) -> str:
    """What the slider does, between which ends, in what unit, where it is off; line by line."""
    lines = [control.help]
    if any(control.ends):
        lines.append(" – ".join(filter(None, control.ends)))
    if control.unit != "artistic":
        lines.append(_("Unit: {unit}").format(unit=_(control.unit)))
    if control.off is not None:
        lines.append(_("Off at {value}").format(value=control.format(control.off)))
    if control.trained != control.hard:
        low, high = (control.format(value) for value in control.trained)
        lines.append(_("Trained from {low} to {high}").format(low=low, high=high))
    return "\n".join(filter(None, lines))


def _localized(control: Control) -> Control:
    low, high = control.ends
    ends = (_(low), _(high))
    return replace(control, label=_(control.label), help=_(control.help), ends=ends)


use()
