"""Tools ▸ Scripts ▸ Import Python Plugin from File…, as a person uses it."""

from __future__ import annotations

from pathlib import Path

from hosts.krita.exchange import confirm
from hosts.krita.filter import Steps
from krita import Krita
from PyQt5.QtCore import QTimer


def main(archive: str, settings: str) -> Steps:
    """What Krita's settings say afterwards."""
    krita = Krita.instance()
    confirm(archive)
    QTimer.singleShot(0, krita.action("plugin_importer_file").trigger)
    yield 8000
    document = krita.createDocument(50, 50, "any", "RGBA", "U8", "", 300.0)
    krita.activeWindow().addView(document)
    yield 2000
    return Path(settings).read_text()
