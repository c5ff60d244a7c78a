"""Rheostat's library: make a network tunable, train it, prove it, pack it."""

from importlib.metadata import version

from .tunable import Tunable, TunableConv2d, TunableNetwork, bake, convert

__version__ = version("rheostat")

__all__ = ["Tunable", "TunableConv2d", "TunableNetwork", "bake", "convert"]
