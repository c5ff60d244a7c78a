"""Architectures, one file each, and the closed registry packages choose from by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from .denoiser import Denoiser

ARCHITECTURES: Mapping[str, Callable[..., nn.Module]] = {"denoiser": Denoiser}


def build(architecture: str, config: Mapping[str, Any]) -> nn.Module:
    """A fresh network by registered name; KeyError if the name is not registered."""
    return ARCHITECTURES[architecture](**config)
