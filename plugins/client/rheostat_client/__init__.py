"""Rheostat's ground floor: what every host shares. Standard library plus msgpack, Python 3.9."""
