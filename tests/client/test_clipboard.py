"""Settings as text: they come back, and what cannot is refused with a remedy."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rheostat_client.clipboard import copied, pasted
from rheostat_client.controls import Control
from rheostat_client.errors import RheostatError
from rheostat_client.models import ModelInfo
from rheostat_client.settings import Settings

NOISE = Control("noise", "Noise", "", "px", (0, 75), (0, 75), (0, 75), 25)
DETAIL = Control("detail", "Detail", "", "artistic", (0, 1), (0, 1), (0, 1), 0.3)
MODEL = ModelInfo("denoise", "Denoise", "", "0.2.0", "ab", (NOISE, DETAIL))


def test_what_was_copied_comes_back() -> None:
    values = {"noise": 12.5, "detail": 0.4}
    assert pasted(copied(MODEL, values), MODEL) == values


def test_a_layers_record_can_be_pasted_too() -> None:
    record = Settings("denoise", "0.1.0", "cd", {"noise": 3.0}, region=(0, 0, 5, 5))
    assert pasted(record.to_json(), MODEL) == {"noise": 3.0}


def test_a_control_that_is_gone_is_left_out() -> None:
    text = copied(MODEL, {"noise": 3.0, "detail": 0.4})
    assert pasted(text, replace(MODEL, controls=(DETAIL,))) == {"detail": 0.4}


@pytest.mark.parametrize("text", ["", "hello", "[]", "{}", "\ud83d"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(RheostatError, match="no settings") as refused:
        pasted(text, MODEL)
    assert refused.value.remedy == "Copy settings first."


def test_other_models_and_impossible_values_are_named() -> None:
    text = copied(MODEL, {"noise": 3.0})
    with pytest.raises(RheostatError, match="'denoise'"):
        pasted(text, replace(MODEL, id="deblur", name="Deblur"))
    with pytest.raises(RheostatError, match="400"):
        pasted(copied(MODEL, {"noise": 400.0}), MODEL)
