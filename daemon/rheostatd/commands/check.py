"""`rheostat doctor`."""

from __future__ import annotations

from dataclasses import asdict

import typer

from ..terminal import Json, say, say_json, table


def doctor(json: Json = False) -> None:
    """Look for what could keep Rheostat from working, and say what to do. Exit code 1: problems."""
    from ..doctor import PROBLEM, examine

    findings = examine()
    if json:
        say_json([asdict(finding) for finding in findings])
    else:
        lines = table()
        for finding in findings:
            lines.add_row(
                finding.state, finding.subject, f"{finding.text} {finding.remedy}".strip()
            )
        say(lines)
    if any(finding.state == PROBLEM for finding in findings):
        raise typer.Exit(1)
