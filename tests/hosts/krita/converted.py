"""Pixels are converted by Krita's own colour management, as a layer of a document."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from hosts.krita.filter import Steps
from hosts.krita.kinds import SRGB
from krita import Krita
from PyQt5.QtCore import QByteArray


def main(cases: dict[str, dict[str, Any]]) -> Steps:
    """By name of the case: its file's float sRGB pixels in the `space` that it names."""
    yield 500
    seen = {}
    for name, case in cases.items():
        size = case["width"], case["height"]
        document = Krita.instance().createDocument(*size, name, "RGBA", "F32", SRGB, 300.0)
        layer = document.createNode("", "paintlayer")
        layer.setPixelData(QByteArray(Path(case["file"]).read_bytes()), 0, 0, *size)
        layer.setColorSpace(*case["space"])
        seen[name] = base64.b64encode(bytes(layer.pixelData(0, 0, *size))).decode()
        document.setModified(False)
        document.close()
        yield 200
    return seen
