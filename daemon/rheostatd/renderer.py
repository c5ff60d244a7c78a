"""Renderer: picture × λ -> picture, piece by piece, equal to one pass over the whole.

Where λ is one value the network is baked and streams over the picture in strips, two stages one
after the other: every pixel of every layer is computed once, and features that the moved slider
does not change are kept from the last time. Where λ is painted the network runs unbaked, on tiles
that are cut with the context their pixels can see, its halo, so that they meet without a seam. At
the picture's border both end where the whole ends and see the same padding.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass

import msgspec
import numpy as np
import torch
import torch.nn.functional as F
from rheostat.nets import Baked, Network
from rheostat.package import Package
from rheostat.streaming import NotStreamableError, Run, Stages
from rheostat_client.errors import RheostatError
from rheostat_client.messages import CHUNK
from torch import Tensor, nn

from .cache import Cache
from .features import Features, FeaturesLostError
from .pace import LONGEST_STEP, Pace, Paces, best
from .precision import Precision, choose
from .raster import Box, Values, enlarged, pack, pad
from .regions import columns, focussed, tiles, unchanged, visible
from .view import View

log = logging.getLogger(__name__)

CPU_TILE = 256  # pixels
CUDA_TILE = 1024
MIN_TILE = 64
WARM_SIDE = 64  # pixels of the picture a model is tried on before it is called ready
ROUNDS = 3  # in which sizes of steps are timed, by turns: a busy moment hits them all
COLUMN = 2048  # times the multiple, pixels; what is wider is cut: a strip has to have some rows
DEFAULT_CACHE = DEFAULT_BAKED = 512 * 2**20  # bytes
MAX_BAKED = 8  # networks at as many slider positions
SEEN = (-1.0, 2.0)  # values networks were trained on: 0..1 and the strongest noise


@dataclass(frozen=True)
class _Plain:
    """A network at one position; `stages` is None if it cannot stream."""

    digest: str
    baked: Baked
    stages: Stages | None


def devices() -> list[torch.device]:
    """Every GPU; where there is none, the CPU."""
    if torch.cuda.is_available():
        return [torch.device("cuda", number) for number in range(torch.cuda.device_count())]
    return [torch.device("cpu")]


class Renderer:
    """Runs networks over pictures on one device."""

    def __init__(
        self,
        device: torch.device | None = None,
        tile: int | None = None,
        cache: int = DEFAULT_CACHE,
        baked: int = DEFAULT_BAKED,
        precision: Precision = "float32",
        paces: Paces | None = None,
    ) -> None:
        """On `device` (default: CUDA if there is one, else the CPU), about `tile`² pixels a step
        for a network that works at half the picture's size.

        `cache` bytes hold features and finished strips for the next slider move, `baked` bytes
        networks at slider positions. Where a step does not fit the device's memory, steps become a
        quarter as large from then on.
        `precision` "auto" is bfloat16 for the models and devices where that does not show. With
        `paces` the size of steps is measured for each model when it is warmed up.
        """
        self.device = device or devices()[0]
        self.tile = tile or (CUDA_TILE if self.device.type == "cuda" else CPU_TILE)
        self.results: Cache[tuple[Box, Values]] = Cache(cache // 4)
        self.features: Cache[Features] = Cache(cache - cache // 4)
        self.baked: Cache[_Plain] = Cache(baked, MAX_BAKED)
        self._precision = precision
        self._paces = paces
        self._shrunk = 1  # by what the sides of steps are divided since memory ran out
        self._pace: dict[str, Pace] = {}  # by a package's digest
        self._dtypes: dict[str, torch.dtype] = {}  # by a package's digest
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
        return {
            "features": self.features.report(),
            "results": self.results.report(),
            "baked": self.baked.report(),
        }

    def rest(self) -> None:
        """Forget what was kept for the next slider move, and give the memory back."""
        for cache in (self.results, self.features, self.baked):
            cache.clear()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def forget(self, package: Package) -> None:
        """Let go of the package's networks at slider positions."""
        self.baked.drop(lambda plain: plain.digest == package.info.digest)

    def column(self, package: Package) -> int:
        """Columns of a picture that go through the network at once."""
        return COLUMN * package.multiple

    def pace(self, package: Package) -> Pace | None:
        """How fast the model is, if it was measured."""
        return self._pace.get(package.info.digest)

    @torch.inference_mode()
    def warm(self, network: Network, package: Package) -> None:
        """Run `network` for the first time, and find out how large its steps should be.

        Raises RheostatError `bad-package` if what comes out is no picture of numbers.
        """
        defaults = {control.id: control.default for control in package.info.controls}
        coordinates = package.coordinates(defaults).to(self.device)
        side = WARM_SIDE + -WARM_SIDE % package.multiple
        x = torch.full((1, 3, side, side), 0.5, device=self.device)
        y = network(x, coordinates[None])
        if y.shape[2] != package.scale * side or not bool(torch.isfinite(y).all()):
            raise RheostatError(
                "bad-package",
                f"Model {package.info.id} does not give a picture of numbers back.",
                "Install it again.",
            )
        stages = self._bake(network, package, defaults).stages
        if self._paces is None or stages is None:
            return
        dtype = str(self._dtype(network, package)).removeprefix("torch.")
        name = f"{self.name}, {torch.__version__}, {dtype}, {package.info.digest}"
        pace = self._paces.get(name)
        if pace is None:
            pace = self._measured(stages, package)
            self._paces.put(name, pace)
            log.info("measured", extra={"model": package.info.id, **msgspec.to_builtins(pace)})
        self._pace[package.info.digest] = pace

    def _measured(self, stages: Stages, package: Package) -> Pace:
        sides, fastest = self._candidates(), dict[int, Pace]()
        for _ in range(ROUNDS):
            for side in sides:
                pace = self._try(stages, package, side)
                fastest[side] = min(pace, fastest.get(side, pace), key=lambda pace: pace.seconds)
                if fastest[side].step > 2 * LONGEST_STEP:
                    break  # larger ones take longer still, and a slow network minutes of it
            sides = list(fastest)
        return best(list(fastest.values()))

    def _candidates(self) -> list[int]:
        sides = (self.tile // 2, 3 * self.tile // 4, self.tile, 2 * self.tile)
        return [side for side in sides if side >= MIN_TILE]

    def _try(self, stages: Stages, package: Package, side: int) -> Pace:
        """A step of about `side`² pixels, behind one that fills the layers and before the end."""
        multiple = package.multiple
        width = min(4 * side, COLUMN) * multiple // 2
        rows = max(1, (side * multiple // 2) ** 2 // (width * multiple)) * multiple
        strip = torch.full((1, 3, rows, width), 0.5, device=self.device)
        strip = strip.to(memory_format=torch.channels_last)
        trunk, head = stages.start(4 * rows)
        start = 0.0
        for _ in range(2):
            start = time.perf_counter()
            head.push(strip, trunk.push(strip))
            if self.device.type == "cuda":
                torch.cuda.synchronize(self.device)
        seconds = (time.perf_counter() - start) / (rows * width) * 1e6
        return Pace(side, seconds, (trunk.nbytes + head.nbytes) // width)

    @torch.inference_mode()
    def render(
        self, network: Network, view: View, region: Box, focus: Box | None = None
    ) -> Iterator[tuple[Box, Values]]:
        """Finished pieces (box, pixels in the picture's format) that cover `region` once.

        Boxes are in the result's pixels, `scale` times the picture's. What lies in `focus` comes
        first. Raises RheostatError `bad-value` for a map outside 0..1, `too-large` if the device
        has not even the memory for the smallest step.
        """
        values = None if view.maps else view.controls
        if values and view.package.is_off(values):
            yield from unchanged(view.picture, region)
            return
        for part in focussed(region, focus):
            for band, is_visible in visible(view.picture, part, 2 * view.package.halo):
                if not is_visible and view.package.scale == 1:
                    yield from unchanged(view.picture, band)
                elif values and self._bake(network, view.package, values).stages:
                    yield from self._in_strips(network, view, band)
                else:
                    yield from self._in_tiles(network, view, band)

    def _in_strips(self, network: Network, view: View, region: Box) -> Iterator[tuple[Box, Values]]:
        for column in columns(region, self.column(view.package), view.package.multiple):
            rest = column
            while rest.height:
                try:
                    for box, values in self._strips(network, view, rest):
                        bottom = box.bottom // view.package.scale
                        rest = Box(rest.x, bottom, rest.width, rest.bottom - bottom)
                        yield box, values
                except FeaturesLostError:
                    log.info("begun anew", extra={"model": view.package.info.id})
                except torch.OutOfMemoryError:
                    self._make_steps_smaller()

    def _strips(self, network: Network, view: View, region: Box) -> Iterator[tuple[Box, Values]]:
        """Strips of `region` from top to bottom: those seen before, then those still to compute."""
        key = view.origin and (view.origin, view.name(view.controls), region.x, region.width)
        row, scale = region.y, view.package.scale
        for seen in self._known(key, region.times(scale), scale):
            yield seen
            row = seen[0].bottom // scale
        if row == region.bottom:
            return
        region = Box(region.x, row, region.width, region.bottom - row)
        for box, values in self._stream(network, view, region):
            if key:
                self.results.put((key, box.y // scale), (box, values), values.nbytes)
            yield box, values

    def _known(self, key: Hashable, wanted: Box, scale: int) -> Iterator[tuple[Box, Values]]:
        """The strips at the top of `wanted` that were seen before, joined up to `CHUNK` bytes."""
        box, parts = Box(wanted.x, wanted.y, wanted.width, 0), list[Values]()
        while key and box.bottom < wanted.bottom:
            seen = self.results.get((key, box.bottom // scale))
            if seen is None or not wanted.contains(seen[0]):
                break
            if parts and sum(part.nbytes for part in parts) + seen[1].nbytes > CHUNK:
                yield box, np.concatenate(parts)
                box, parts = Box(box.x, box.bottom, box.width, 0), []
            box = Box(box.x, box.y, box.width, box.height + seen[0].height)
            parts.append(seen[1])
        if parts:
            yield box, np.concatenate(parts)

    def _stream(self, network: Network, view: View, region: Box) -> Iterator[tuple[Box, Values]]:
        """Compute `region`, strip by strip."""
        multiple, scale = view.package.multiple, view.package.scale
        window = region.grown(view.package.halo, multiple).clipped(view.picture.box)
        strips = self._cut(window, view.package)
        features, head = self._start(network, view, window, len(strips))
        wanted, finished = region.times(scale), window.y * scale
        for number, strip in enumerate(strips):
            x = self._seen(view, strip)
            result = head.push(x, features.take(number, x))
            if result is None:
                continue
            done = Box(window.x * scale, finished, result.shape[3], result.shape[2])
            finished = done.bottom
            if done.touches(wanted):
                box = done.clipped(wanted)
                rows, columns = box.within(done)
                yield box, self._packed(view, box, result[0, :, rows, columns])

    def _start(
        self, network: Network, view: View, window: Box, strips: int
    ) -> tuple[Features, Run]:
        """Runs over `window`: the trunk's, perhaps begun by an earlier job, and the head's."""
        stages = self._bake(network, view.package, view.controls).stages
        assert stages is not None
        trunk, head = stages.start(window.height + -window.height % view.package.multiple)
        key = view.origin and (view.origin, view.name(view.controls, "trunk"), window, strips)
        begun = self.features.get(key) if key else None
        if begun is None or not begun.is_usable:
            begun = Features(trunk, strips, self.features, key)
        return begun, head

    def _cut(self, window: Box, package: Package) -> list[Box]:
        multiple = package.multiple
        rows = max(1, self._side(package) ** 2 // (window.width * multiple)) * multiple
        return [
            Box(window.x, y, window.width, rows).clipped(window)
            for y in range(window.y, window.bottom, rows)
        ]

    def _in_tiles(self, network: Network, view: View, region: Box) -> Iterator[tuple[Box, Values]]:
        package = view.package
        for box in list(tiles(region, self._side(package), package.multiple)):
            values = None
            try:
                if max(box.width, box.height) <= self._side(package):
                    values = self._tile(network, view, box)
            except torch.OutOfMemoryError:
                self._make_steps_smaller()
            if values is None:  # tiles became smaller since this one was planned
                yield from self._in_tiles(network, view, box)
            else:
                yield box.times(package.scale), values

    def _side(self, package: Package) -> int:
        """Side of a tile, in pixels: what is computed at a size `multiple` times smaller."""
        pace = self.pace(package)
        side = (pace.side if pace else self.tile) // self._shrunk
        return max(1, side * package.multiple // 2)

    @torch.inference_mode()
    def _tile(self, network: Network, view: View, box: Box) -> Values:
        package, scale = view.package, view.package.scale
        window = box.grown(package.halo, package.multiple).clipped(view.picture.box)
        here = view.values(window)
        if here and package.is_off(here):
            return view.picture.values(box).copy()
        x = self._seen(view, window)
        if here is None:
            lam = pad(view.painted(window), package.multiple).to(self.device)
            result = network(x, lam)
        else:
            result = self._bake(network, package, here).baked(x)
        rows, columns = box.times(scale).within(window.times(scale))
        return self._packed(view, box.times(scale), result[0, :, rows, columns])

    def _seen(self, view: View, window: Box) -> Tensor:
        """What the network sees of `window`: (1, 3, H, W) on the device, sides whole multiples."""
        x = pad(view.seen(window).clamp(*SEEN), view.package.multiple)
        return x.to(self.device, memory_format=torch.channels_last)

    def _packed(self, view: View, box: Box, result: Tensor) -> Values:
        """`result` (3, height, width) as pixels of `box`, which is in the result's pixels."""
        scale, form = view.package.scale, view.picture.format
        values = enlarged(view.picture, box.part(scale), scale)
        colour = result.cpu()
        if values.dtype.kind == "f":  # what is far brighter than networks know stays as it is
            x = view.seen(box.part(scale))
            colour = colour + F.interpolate(x - x.clamp(*SEEN), scale_factor=scale)[0]
        return pack(colour, values, form)

    def _make_steps_smaller(self) -> None:
        side = self.tile // self._shrunk
        if side <= MIN_TILE:
            raise RheostatError(
                "too-large",
                f"{self.name} has no memory left for a tile of {side} pixels.",
                "Close other programs that use it.",
            )
        self._shrunk *= 2
        self.features.clear()
        log.warning("out of memory: steps become a quarter as large", extra={"device": self.name})
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _bake(self, network: Network, package: Package, values: Mapping[str, float]) -> _Plain:
        """The plain network of `network` at `values`, kept for the next step."""
        coordinates = package.coordinates(values)
        key = (package.info.digest, *coordinates.tolist())
        plain = self.baked.get(key)
        if plain is None:
            baked = network.bake(coordinates.to(self.device)).eval()
            dtype = self._dtype(network, package)
            baked = baked.to(self.device, dtype, memory_format=torch.channels_last)  # type: ignore[call-overload]
            plain = _Plain(package.info.digest, baked, _stages(baked, package))
            self.baked.put(key, plain, size_of(baked))
        return plain

    def _dtype(self, network: Network, package: Package) -> torch.dtype:
        digest = package.info.digest
        if digest not in self._dtypes:
            automatic = self._precision == "auto"
            self._dtypes[digest] = (
                choose(network, package, self.device) if automatic else torch.float32
            )
        return self._dtypes[digest]


def size_of(network: nn.Module) -> int:
    """Bytes that its weights take."""
    return sum(t.nbytes for t in (*network.parameters(), *network.buffers()))


def _stages(baked: Baked, package: Package) -> Stages | None:
    try:
        return Stages(baked)
    except NotStreamableError as error:
        log.info("runs in tiles", extra={"model": package.info.id, "reason": str(error)})
        return None
