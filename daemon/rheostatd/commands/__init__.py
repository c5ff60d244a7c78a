"""The commands of `rheostat`: each reads its words, calls what does the work, and prints.

What takes long to import (torch, the picture libraries) is imported by the command that needs it.
"""
