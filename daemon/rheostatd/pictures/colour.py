"""Colour: from the encoding a file's profile describes to sRGB, which networks know, and back.

A picture whose profile is not sRGB is sent to the network as float32, whatever its depth, so that
neither way costs precision. Colours outside sRGB are cut off for the network; what was cut off is
added again to its result, so that a wide-gamut picture keeps its saturated colours. Pixels the
filter left alone come back with the very values they had.
"""

from __future__ import annotations

from dataclasses import replace

import imagecodecs
import numpy as np

from . import notes
from .picture import Metadata, Picture, Values, to_depth

TOLERANCE = 1 / 255  # a profile nowhere farther from sRGB counts as sRGB
_SPACES = {1: ("gray", b"GRAY"), 3: ("rgb", b"RGB ")}
_SRGB: bytes = imagecodecs.cms_profile("srgb")


class Srgb:
    """A picture as sRGB; `picture` is what a network is to see, without metadata."""

    def __init__(self, original: Picture) -> None:
        """Convert, if `original` has a usable profile that is not sRGB."""
        self._original = original
        self._space, signature = _SPACES[original.colour.shape[2]]
        self.warnings: tuple[str, ...] = ()
        self._profile = self._usable(original.metadata.icc, signature)
        self.picture = replace(original, metadata=Metadata(), warnings=())
        if self._profile:
            wide = _transform(
                to_depth(original.colour, "32f"), self._profile, _SRGB, self._space, "rgb"
            )[..., : original.colour.shape[2]]
            self._sent = wide.clip(0, 1)
            self._beyond = wide - self._sent
            alpha = to_depth(original.alpha, "32f")
            self.picture = Picture(np.concatenate((self._sent, alpha), axis=2))

    def restore(self, pixels: bytes, scale: int = 1) -> Picture:
        """`original` with the network's result `pixels` (in the format of `picture`).

        The result may be `scale` times as large. Its notes say so, and show no old thumbnail.
        """
        original = self._original.repeated(scale)
        result = self.picture.repeated(scale).with_pixels(pixels)
        own = self._own(original, result, scale) if self._profile else result.pixels
        metadata = original.metadata
        if scale > 1 or not np.array_equal(own, original.pixels):
            metadata = notes.refreshed(metadata, original.width, original.height)
        return replace(original, pixels=own, metadata=metadata)

    def _own(self, original: Picture, result: Picture, scale: int) -> Values:
        """The pixels of `result` in the encoding of `original`, which is as large."""
        assert self._profile
        wide = result.colour + Picture(self._beyond).repeated(scale).pixels
        if self._space == "gray":
            wide = wide.repeat(3, axis=2)
        own = _transform(wide, _SRGB, self._profile, "rgb", self._space)
        sent = Picture(self._sent).repeated(scale).pixels
        changed = (result.colour != sent).any(axis=2, keepdims=True)
        own = np.where(changed, to_depth(own, original.depth), original.colour)
        alpha = original.alpha if scale == 1 else to_depth(result.alpha, original.depth)
        return np.concatenate((own, alpha), axis=2)

    def _usable(self, icc: bytes | None, signature: bytes) -> bytes | None:
        """`icc` if it says something about these pixels that a conversion is needed for."""
        if icc is None:
            return None
        if icc[16:20] != signature:
            self.warnings = (
                f"The colour profile is one for {icc[16:20].decode('ascii', 'replace').strip()}, "
                "not for these pixels; it is kept, and the pixels are read as sRGB.",
            )
            return None
        try:
            if _is_srgb(icc, self._space):
                return None
            black = np.zeros((1, 1, 3), np.float32)
            _transform(black, _SRGB, icc, "rgb", self._space)  # a scanner's may lead one way only
        except imagecodecs.CmsError as error:
            self.warnings = (
                f"The colour profile cannot be used ({error}); it is kept, and the pixels "
                "are read as sRGB.",
            )
            return None
        return icc


def _is_srgb(icc: bytes, space: str) -> bool:
    """Whether values mean the same colours with `icc` as with sRGB, tried on a grid of them."""
    steps = np.linspace(0, 1, 9, dtype=np.float32)
    axes = (steps,) if space == "gray" else (steps, steps, steps)
    grid = np.stack(np.meshgrid(*axes), axis=-1).reshape(1, -1, len(axes))
    return bool((np.abs(_transform(grid, icc, _SRGB, space, "rgb") - grid) < TOLERANCE).all())


def _transform(values: Values, source: bytes, target: bytes, have: str, want: str) -> Values:
    """float32 (H, W, C) by way of two profiles; matrix profiles do not cut off values."""
    result: Values = imagecodecs.cms_transform(
        values[..., 0] if have == "gray" else values,
        source,
        target,
        colorspace=have,
        outcolorspace=want,
        outdtype="float32",
        intent=imagecodecs.CMS.INTENT.RELATIVE_COLORIMETRIC,
        flags=imagecodecs.CMS.FLAGS.BLACKPOINTCOMPENSATION,
    )
    return result[..., None] if want == "gray" and result.ndim == 2 else result
