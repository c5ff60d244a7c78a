"""Rheostat's library: make a network tunable, train it, prove it, pack it."""

from importlib.metadata import version

from .kernels import TunableConv2d, TunableConvTranspose2d, TunableLinear, TunableScale
from .losses import MultiLoss
from .strategies import STRATEGIES, Cost, Strategy, convert, cost
from .tunable import Tunable, TunableLayer, TunableNetwork, bake

__version__ = version("rheostat")

__all__ = [
    "STRATEGIES",
    "Cost",
    "MultiLoss",
    "Strategy",
    "Tunable",
    "TunableConv2d",
    "TunableConvTranspose2d",
    "TunableLayer",
    "TunableLinear",
    "TunableNetwork",
    "TunableScale",
    "bake",
    "convert",
    "cost",
]
