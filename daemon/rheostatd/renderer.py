"""Renderer: picture × network -> picture, tile by tile, equal to one pass over the whole.

A tile is cut with the context its pixels can see, the network's halo, so tiles meet without a
seam. At the picture's border a tile ends where the whole ends, so both see the same padding.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from rheostat import bake
from rheostat.nets import Network
from rheostat.package import Package
from rheostat_client.messages import CHUNK
from torch import Tensor, nn

from .raster import Box, Picture, Values, fill, hidden, pack, pad, unpack

CPU_TILE = 512  # pixels; larger tiles leave the caches
CUDA_TILE = 1024
SEEN = (-1.0, 2.0)  # values networks were trained on: 0..1 and the strongest noise


class Renderer:
    """Runs plain networks over pictures on one device, in float32."""

    def __init__(self, device: torch.device | None = None, tile: int | None = None) -> None:
        """On `device` (default: CUDA if there is one, else the CPU), `tile` pixels at a time."""
        self.device = device or torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.tile = tile or (CUDA_TILE if self.device.type == "cuda" else CPU_TILE)
        if self.device.type == "cuda":
            torch.backends.cudnn.allow_tf32 = False  # its 10-bit mantissa shows in 16-bit pictures

    @property
    def name(self) -> str:
        """What a person calls the device: `CPU (2 threads)`, or the GPU's name."""
        if self.device.type == "cuda":
            return torch.cuda.get_device_name(self.device)
        count = torch.get_num_threads()
        return f"CPU ({count} thread{'s' if count > 1 else ''})"

    @torch.inference_mode()
    def bake(self, network: Network, coordinates: Tensor) -> nn.Module:
        """The plain network of `network` at λ = `coordinates` (P,), ready for `render`."""
        plain = bake(network, coordinates.to(self.device)).eval()
        return plain.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    def render(
        self, network: nn.Module, package: Package, picture: Picture, region: Box
    ) -> Iterator[tuple[Box, Values]]:
        """Finished tiles (box in the picture, pixels in its format) that cover `region` once."""
        for box in tiles(region, self.tile, package.multiple):
            yield box, self._tile(network, package, picture, box)

    @torch.inference_mode()
    def _tile(self, network: nn.Module, package: Package, picture: Picture, box: Box) -> Values:
        form, halo, multiple = picture.format, package.halo, package.multiple
        original = picture.values(box)
        window = box.grown(halo, multiple).clipped(picture.box)
        values = picture.values(window)
        if hidden(original, form).all():
            return original.copy()
        if hidden(values, form).any():
            # What is seen lies within one halo of `box`, and is filled from within another.
            wide = box.grown(2 * halo, multiple).clipped(picture.box)
            values = picture.values(wide)
            nothing = torch.from_numpy(hidden(values, form))
            rows, columns = window.within(wide)
            x = fill(unpack(values, form), nothing, halo)[:, rows, columns]
        else:
            x = unpack(values, form)
        x = pad(x[None], multiple).to(self.device, memory_format=torch.channels_last)
        usual = x.clamp(*SEEN)
        result = network(usual) + (x - usual)  # what is far brighter stays as it is
        rows, columns = box.within(window)
        return pack(result[0, :, rows, columns].cpu(), original, form)


def tiles(region: Box, size: int, multiple: int) -> Iterator[Box]:
    """Boxes of about equal size, at most `size` wide and high, that cover `region` once.

    Inner edges lie on multiples of `multiple`.
    """
    grid = region.grown(0, multiple)
    width, height = _side(grid.width, size, multiple), _side(grid.height, size, multiple)
    for y in range(grid.y, grid.bottom, height):
        for x in range(grid.x, grid.right, width):
            yield Box(x, y, width, height).clipped(region)


def unchanged(picture: Picture, region: Box) -> Iterator[tuple[Box, Values]]:
    """The input itself, bit for bit, in strips of at most `CHUNK` bytes."""
    rows = max(1, CHUNK // picture.format.size(region.width, 1))
    for y in range(region.y, region.bottom, rows):
        strip = Box(region.x, y, region.width, rows).clipped(region)
        yield strip, picture.values(strip)


def _side(length: int, size: int, multiple: int) -> int:
    """Of the fewest equal parts of `length` that fit `size`, the length of one."""
    limit = max(multiple, size - size % multiple)
    parts = -(-length // limit)
    part = -(-length // parts)
    return part + -part % multiple
