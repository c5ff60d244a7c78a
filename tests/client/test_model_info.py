"""ModelInfo and errors: small, but every host leans on them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rheostat_client.controls import Control
from rheostat_client.errors import RheostatError, nearest
from rheostat_client.models import ModelInfo

AMOUNT = Control("amount", "Amount", "More is more.", "artistic", (0, 1), (0, 1), (0, 1), 0.5)
PRESETS = {"Much": {"amount": 0.9}}
MODEL = ModelInfo("tiny", "Tiny", "Does little.", "1.0.0", "ab" * 32, (AMOUNT,), presets=PRESETS)


def test_a_model_survives_json() -> None:
    assert ModelInfo.from_dict(json.loads(json.dumps(MODEL.to_dict()))) == MODEL


@pytest.mark.parametrize(
    "damage",
    [
        {"controls": None},
        {"controls": [5]},
        {"controls": [{"id": "noise"}]},
        {"presets": ["Much"]},
        {"presets": {"Much": {"amount": "high"}}},
    ],
)
def test_a_damaged_model_says_which(damage: dict[str, Any]) -> None:
    with pytest.raises(RheostatError) as refused:
        ModelInfo.from_dict({**MODEL.to_dict(), **damage})
    assert refused.value.code == "bad-manifest"


def test_a_model_without_a_field_names_both() -> None:
    data = MODEL.to_dict()
    del data["digest"]
    with pytest.raises(RheostatError, match=r"'tiny'.*digest"):
        ModelInfo.from_dict(data)


def test_an_error_reads_as_sentence_and_remedy() -> None:
    assert (
        str(RheostatError("bad-value", "Noise is 80.", "Give less.")) == "Noise is 80. Give less."
    )
    assert str(RheostatError("cancelled", "It was cancelled.")) == "It was cancelled."


@pytest.mark.parametrize(
    ("wanted", "known", "remedy"),
    [
        ("denose", ["deblur", "denoise"], "Did you mean denoise"),
        ("xyz", ["denoise", "deblur"], "Known: deblur, denoise."),
        ("xyz", [], "None is known."),
    ],
)
def test_the_nearest_names_are_offered(wanted: str, known: list[str], remedy: str) -> None:
    assert nearest(wanted, known).startswith(remedy)
