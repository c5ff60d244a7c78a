"""Rheostat's library: make a network tunable, train it, prove it, pack it."""

from .tunable import Tunable, TunableConv2d, TunableNetwork, bake, convert

__all__ = ["Tunable", "TunableConv2d", "TunableNetwork", "bake", "convert"]
