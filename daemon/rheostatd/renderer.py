"""Renderer: picture × λ -> picture, tile by tile, equal to one pass over the whole.

A tile is cut with the context its pixels can see, the network's halo, so tiles meet without a
seam. At the picture's border a tile ends where the whole ends, so both see the same padding.

Where λ is one value the network is baked, and runs in two stages: features that the moved slider
does not change are kept from the last time. Where λ is painted it runs unbaked.
"""

from __future__ import annotations

import logging
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from rheostat.nets import Baked, Network
from rheostat.package import Package
from rheostat_client.controls import Control
from rheostat_client.errors import RheostatError
from rheostat_client.messages import CHUNK
from torch import Tensor

from .cache import Cache
from .precision import Precision, choose
from .raster import Box, Picture, Values, fill, hidden, pack, pad, unpack

log = logging.getLogger(__name__)

CPU_TILE = 512  # pixels; larger tiles leave the caches
CUDA_TILE = 1024
MIN_TILE = 64
DEFAULT_CACHE = 512 * 2**20  # bytes
MAX_BAKED = 8  # networks at as many slider positions
SEEN = (-1.0, 2.0)  # values networks were trained on: 0..1 and the strongest noise


@dataclass(frozen=True)
class View:
    """One slider position on one picture: what a renderer needs to know of a job.

    controls  every control of the package, by id
    maps      painted λ: grey pictures of the picture's own size, by control id. Black stands for
              the control's `off` (its low end, if it has none), white for its value in `controls`,
              and grey for what lies between
    origin    names the pixels (their content hash) and the maps'; equal names mean equal pixels.
              None: nothing is looked up or kept in a cache
    """

    package: Package
    picture: Picture
    controls: Mapping[str, float]
    maps: Mapping[str, Picture] = field(default_factory=dict)
    origin: Hashable = None

    def values(self, window: Box) -> dict[str, float] | None:
        """The controls where they are the same all over `window`, None where they are not."""
        found = dict(self.controls)
        for control in self.package.info.controls:
            if control.id in self.maps:
                painted = self._painted(control, window)
                if painted.min() != painted.max():
                    return None
                found[control.id] = float(painted.flat[0])
        return found

    def painted(self, window: Box) -> Tensor:
        """λ (1, P, height, width) in `window`."""
        size = window.height, window.width
        return torch.stack(
            [
                torch.from_numpy(self._painted(control, window))
                if control.id in self.maps
                else torch.full(size, self.controls[control.id])
                for control in self.package.info.controls
            ]
        )[None]

    def _painted(self, control: Control, window: Box) -> npt.NDArray[np.float32]:
        picture = self.maps[control.id]
        grey = picture.values(window)[..., 0].astype(np.float32)
        if picture.dtype.kind == "u":
            grey /= np.iinfo(picture.dtype).max
        elif not ((grey >= 0) & (grey <= 1)).all():
            raise RheostatError(
                "bad-value",
                f"The map of {control.id} has values outside 0 to 1.",
                "Paint it between black and white.",
            )
        low = control.soft[0] if control.off is None else control.off
        return low + grey * np.float32(self.controls[control.id] - low)


class Renderer:
    """Runs networks over pictures on one device."""

    def __init__(
        self,
        device: torch.device | None = None,
        tile: int | None = None,
        cache: int = DEFAULT_CACHE,
        precision: Precision = "float32",
    ) -> None:
        """On `device` (default: CUDA if there is one, else the CPU), `tile` pixels at a time.

        `cache` bytes hold features and finished tiles for the next slider move. Where a tile
        does not fit the device's memory, tiles become half as wide and high from then on.
        `precision` "auto" is bfloat16 for the models and devices where that does not show.
        """
        self.device = device or torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.tile = tile or (CUDA_TILE if self.device.type == "cuda" else CPU_TILE)
        self.results: Cache[Values] = Cache(cache // 4)
        self.features: Cache[Tensor] = Cache(cache - cache // 4)
        self._precision = precision
        self._dtypes: dict[str, torch.dtype] = {}  # by a package's digest
        self._baked: Cache[Baked] = Cache(MAX_BAKED)  # counted, not weighed
        if self.device.type == "cuda":
            torch.backends.cudnn.allow_tf32 = False  # its 10-bit mantissa shows in 16-bit pictures

    @property
    def name(self) -> str:
        """What a person calls the device: `CPU (2 threads)`, or the GPU's name."""
        if self.device.type == "cuda":
            return torch.cuda.get_device_name(self.device)
        count = torch.get_num_threads()
        return f"CPU ({count} thread{'s' if count > 1 else ''})"

    def report(self) -> dict[str, dict[str, int]]:
        """For `status`: the caches."""
        return {"features": self.features.report(), "results": self.results.report()}

    def render(
        self, network: Network, view: View, region: Box, focus: Box | None = None
    ) -> Iterator[tuple[Box, Values]]:
        """Finished tiles (box in the picture, pixels in its format) that cover `region` once.

        Those that touch `focus` come first. Raises RheostatError `bad-value` for a map outside
        0..1, `too-large` if the device has not even the memory for the smallest tile.
        """
        planned = list(tiles(region, self.tile, view.package.multiple))
        if focus:
            planned.sort(key=lambda box: not box.touches(focus))
        for box in planned:
            key = view.origin and (view.origin, _position(view, view.controls), box)
            values = self.results.get(key) if key else None
            try:
                if values is None and max(box.width, box.height) <= self.tile:
                    values = self._tile(network, view, box)
            except torch.OutOfMemoryError:
                self._make_tiles_smaller()
            if values is None:  # tiles became smaller since this one was planned
                yield from self.render(network, view, box)
                continue
            if key:
                self.results.put(key, values, values.nbytes)
            yield box, values

    def rest(self) -> None:
        """Forget what was kept for the next slider move, and give the memory back."""
        for cache in (self.results, self.features, self._baked):
            cache.clear()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _make_tiles_smaller(self) -> None:
        if self.tile <= MIN_TILE:
            raise RheostatError(
                "too-large",
                f"{self.name} has no memory left for a tile of {self.tile} pixels.",
                "Close other programs that use it.",
            )
        self.tile //= 2
        self.features.clear()
        log.warning("out of memory on %s: tiles of %d pixels from now on", self.name, self.tile)
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    @torch.inference_mode()
    def _tile(self, network: Network, view: View, box: Box) -> Values:
        package, picture = view.package, view.picture
        original = picture.values(box)
        window = box.grown(package.halo, package.multiple).clipped(picture.box)
        here = view.values(window)
        if hidden(original, picture.format).all() or (here and package.is_off(here)):
            return original.copy()
        x = self._seen(view, box, window)
        usual = x.clamp(*SEEN)
        if here is None:
            lam = pad(view.painted(window), package.multiple).to(self.device)
            result = network(usual, lam)
        else:
            result = self._both_stages(network, view, here, usual, window)
        result = result + (x - usual)  # what is far brighter stays as it is
        rows, columns = box.within(window)
        return pack(result[0, :, rows, columns].cpu(), original, picture.format)

    def _seen(self, view: View, box: Box, window: Box) -> Tensor:
        """What the network is to see (1, 3, H, W) of `window`, to know the pixels in `box`."""
        form, halo, multiple = view.picture.format, view.package.halo, view.package.multiple
        values = view.picture.values(window)
        if hidden(values, form).any():
            # What is seen lies within one halo of `box`, and is filled from within another.
            wide = box.grown(2 * halo, multiple).clipped(view.picture.box)
            values = view.picture.values(wide)
            nothing = torch.from_numpy(hidden(values, form))
            rows, columns = window.within(wide)
            x = fill(unpack(values, form), nothing, halo)[:, rows, columns]
        else:
            x = unpack(values, form)
        return pad(x[None], multiple).to(self.device, memory_format=torch.channels_last)

    def _both_stages(
        self, network: Network, view: View, values: Mapping[str, float], x: Tensor, window: Box
    ) -> Tensor:
        """The baked network on `x`; its trunk only if no cached features fit."""
        baked = self._bake(network, view.package, values)
        trunk = _position(view, values, "trunk")
        key = view.origin and (view.origin, trunk, window)
        features = self.features.get(key) if key else None
        if features is None:
            features = baked.trunk(x)
            if key:
                self.features.put(key, features, features.nbytes)
        return baked.head(x, features)

    def _bake(self, network: Network, package: Package, values: Mapping[str, float]) -> Baked:
        """The plain network of `network` at `values`, kept for the next tile."""
        coordinates = package.coordinates(values)
        key = (package.info.digest, *coordinates.tolist())
        baked = self._baked.get(key)
        if baked is None:
            plain = network.bake(coordinates.to(self.device)).eval()
            dtype = self._dtype(network, package)
            baked = plain.to(self.device, dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
            self._baked.put(key, baked, 1)
        assert baked is not None
        return baked

    def _dtype(self, network: Network, package: Package) -> torch.dtype:
        digest = package.info.digest
        if digest not in self._dtypes:
            automatic = self._precision == "auto"
            self._dtypes[digest] = (
                choose(network, package, self.device) if automatic else torch.float32
            )
        return self._dtypes[digest]


def _position(view: View, values: Mapping[str, float], stage: str | None = None) -> Hashable:
    """Names a model and its slider position; with a `stage`, only of the controls that move it."""
    info = view.package.info
    moved = (c.id for c in info.controls if stage in (None, c.stage))
    return info.digest, tuple((name, values[name]) for name in moved)


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
