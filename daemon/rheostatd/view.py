"""View: one slider position on one picture."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from rheostat.package import Package
from rheostat_client.controls import Control
from rheostat_client.errors import RheostatError
from torch import Tensor

from .raster import Box, Picture, fill, hidden, unpack


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

    def seen(self, window: Box) -> Tensor:
        """What a network is to see in `window`: (1, 3, height, width), sRGB-encoded float32.

        What is hidden takes the colour of what is visible within one halo of it.
        """
        form, halo, multiple = self.picture.format, self.package.halo, self.package.multiple
        values = self.picture.values(window)
        if not hidden(values, form).any():
            return unpack(values, form)[None]
        wide = window.grown(halo, multiple).clipped(self.picture.box)
        values = self.picture.values(wide)
        rows, columns = window.within(wide)
        filled = fill(unpack(values, form), torch.from_numpy(hidden(values, form)), halo)
        return filled[None, :, rows, columns]

    def name(self, values: Mapping[str, float], stage: str | None = None) -> Hashable:
        """Names a model and its slider position; with `stage` only of the controls that move it."""
        info = self.package.info
        moved = (c.id for c in info.controls if stage in (None, c.stage))
        return info.digest, tuple((name, values[name]) for name in moved)

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
        # White has to be the slider's value to the last bit.
        return np.float32(control.black) * (1 - grey) + grey * np.float32(self.controls[control.id])
