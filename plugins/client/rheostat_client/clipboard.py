"""Clipboard: settings as text, to be pasted in another dialog, another picture, another program."""

from __future__ import annotations

from collections.abc import Mapping

from .errors import RheostatError
from .models import ModelInfo
from .settings import Settings
from .texts import _


def copied(model: ModelInfo, values: Mapping[str, float]) -> str:
    """The text for these values of a model: a settings record."""
    return Settings(model.id, model.version, model.digest, dict(values)).to_json()


def pasted(text: str, model: ModelInfo) -> dict[str, float]:
    """The values by control id in a text; controls that the model does not have are left out.

    Raises RheostatError `bad-settings` for other texts and other models' settings, `bad-value` for
    values a control does not take.
    """
    try:
        settings = Settings.from_json(text)
    except RheostatError as error:
        raise RheostatError(
            "bad-settings",
            _("What was copied last are no settings of a filter."),
            _("Copy settings first."),
        ) from error
    if settings.model != model.id:
        raise RheostatError(
            "bad-settings",
            _("The copied settings are those of '{other}'.").format(other=settings.model),
            _("Copy settings of '{name}'.").format(name=model.name),
        )
    known = {control.id: control for control in model.controls}
    return {id: known[id].check(value) for id, value in settings.controls.items() if id in known}
