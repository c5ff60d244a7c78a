"""The denoiser behind other servers, for the benchmark `servers`."""

from __future__ import annotations

import numpy as np
from rheostat.package import find_packages, read_package
from rheostat_client.pixels import pixel_format
from rheostatd.raster import Picture
from rheostatd.renderer import Renderer
from rheostatd.view import View

SIDE = 1024
MODEL = "denoise"


class Filter:
    """The model, ready to run."""

    def __init__(self) -> None:
        self.package = read_package(find_packages()[MODEL])
        self.network = self.package.load()
        self.renderer = Renderer(precision="auto", cache=0)

    def __call__(self, pixels: bytes, noise: float) -> bytes:
        """Pixels in, pixels out, as rgb8."""
        picture = Picture(pixel_format("rgb8"), SIDE, SIDE, pixels)
        view = View(self.package, picture, {"noise": noise, "camera": 0.0, "detail": 0.0})
        out = np.empty((SIDE, SIDE, 3), np.uint8)
        for box, values in self.renderer.render(self.network, view, picture.box):
            out[box.within(picture.box)] = values
        return out.tobytes()
