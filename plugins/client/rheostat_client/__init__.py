"""Rheostat's ground floor: what every host shares. Standard library plus msgpack, Python 3.9."""

__version__ = "0.1.0"
