"""Pictures: files <-> pixels, with depth, colour profile and notes kept."""

from .colour import Srgb
from .files import FORMATS, Target, read_picture, with_record
from .picture import Metadata, Picture
from .pillow import quality

__all__ = [
    "FORMATS",
    "Metadata",
    "Picture",
    "Srgb",
    "Target",
    "quality",
    "read_picture",
    "with_record",
]
