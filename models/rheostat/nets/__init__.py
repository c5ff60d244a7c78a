"""Architectures, one file each, and the closed registry packages choose from by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .deblocker import Deblocker
from .deblurrer import Deblurrer
from .denoiser import CameraDenoiser, Denoiser
from .network import Baked, Network
from .stylizer import Stylizer
from .upscaler import Upscaler

__all__ = [
    "ARCHITECTURES",
    "Baked",
    "CameraDenoiser",
    "Deblocker",
    "Deblurrer",
    "Denoiser",
    "Network",
    "Stylizer",
    "Upscaler",
    "build",
]

ARCHITECTURES: Mapping[str, Callable[..., Network]] = {
    "camera-denoiser": CameraDenoiser,
    "denoiser": Denoiser,
    "deblocker": Deblocker,
    "deblurrer": Deblurrer,
    "stylizer": Stylizer,
    "upscaler": Upscaler,
}


def build(architecture: str, config: Mapping[str, Any]) -> Network:
    """A fresh network by registered name; KeyError if the name is not registered."""
    return ARCHITECTURES[architecture](**config)
