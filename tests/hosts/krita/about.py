"""Looks for the plug-in, as a person who starts Krita to see whether it works."""

from __future__ import annotations

from typing import Any

from hosts.krita.filter import Steps
from krita import Krita


def main() -> Steps:
    """The entries of ours in the Filter menu and the dockers of ours."""
    yield 500
    return there()


def there() -> dict[str, Any]:
    """What Krita has of ours."""
    krita = Krita.instance()
    actions = [a.text() for a in krita.actions() if a.objectName().startswith("rheostat")]
    dockers = [d.windowTitle() for d in krita.dockers() if d.objectName() == "rheostat_docker"]
    return {"entries": actions, "dockers": dockers}
