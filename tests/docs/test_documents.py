"""Documents say what the code does: tables are current, links lead somewhere, codes are listed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from packages import REPOSITORY
from reference import TABLES, renewed

from benchmarks.control.results import page, read_comparison

SOURCES = ("models/rheostat", "daemon/rheostatd", "plugins")
RESULTS = REPOSITORY / "benchmarks" / "results"
PAGES = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/*.md"), *RESULTS.glob("*.md")])
CODE = re.compile(r'(?:RheostatError|Error|_refusal|_bad)\(\s*(?:code=)?"([a-z]+(?:-[a-z]+)*)"')


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_tables_are_current(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert renewed(text) == text, "run: python tools/reference.py"


def test_every_table_is_in_a_document() -> None:
    text = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert {name for name in TABLES if f"<!-- table: {name} -->" in text} == set(TABLES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_every_error_code_is_listed() -> None:
    listed = (REPOSITORY / "docs" / "protocol.md").read_text(encoding="utf-8")
    raised = {
        code
        for source in SOURCES
        for path in (REPOSITORY / source).rglob("*.py")
        for code in CODE.findall(path.read_text(encoding="utf-8"))
    }
    known = {"bad-value", "daemon-lost", "damaged-package", "busy"}
    assert known <= raised  # the pattern finds them
    assert {code for code in raised if f"`{code}`" not in listed} == set()


def test_the_reference_shows_values_as_code_and_what_is_called_on_classes() -> None:
    text = (REPOSITORY / "docs" / "api.md").read_text(encoding="utf-8")
    assert "strategy: str = 'tunable-conv'" in text
    assert "limits: str = ''" in text
    assert "training: Literal['joint', 'ends']" in text
    for heading in ("TunableNetwork.at", "TunableNetwork.added_parameters", "LPIPS", "convert"):
        assert f"\n### {heading}\n" in text


def test_the_page_of_the_comparison_says_what_was_measured() -> None:
    text = "\n".join(page(read_comparison())) + "\n"
    assert (RESULTS / "control.md").read_text(encoding="utf-8") == text


def test_the_page_for_network_makers_runs() -> None:
    page = REPOSITORY / "docs" / "make-your-network-tunable.md"
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 5
    exec("\n".join(blocks), {})
