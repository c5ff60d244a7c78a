"""Draw docs/images/sliders-*.jpg: every shipped model along each of its sliders.

One part of a photograph with the fault the model repairs; in each row one slider travels while the
others stand where they are right for the fault, or at their default. And the paintings of `style`,
each alone at full strength on three photographs of GB82 (CC0).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw
from rheostat.data import read_rgb, to_float
from rheostat.degradations import add_camera_noise, add_gaussian_noise, blur, compress, shrink
from rheostat.nets import Network
from rheostat.package import Package, find_packages, read_package
from rheostat.tasks.style import PAINTINGS, SIDE, measured, position
from rheostat_client.controls import Control
from torch import Tensor

REPOSITORY = Path(__file__).parents[1]
sys.path.append(str(REPOSITORY))  # benchmarks are not installed
from benchmarks.machine import DATA  # noqa: E402

PHOTOGRAPH = REPOSITORY / "docs" / "images" / "astronaut.png"
PART = (slice(40, 216), slice(150, 326))  # rows, columns: face, hair, collar
GB82 = DATA / "test" / "GB82"
PAINTED = ("city", "dog", "flowers")
TRAVEL = (0.0, 0.25, 0.5, 0.75, 1.0)
LABEL = 20  # pixels above each picture
QUALITY = 88


def noisy(clean: Tensor, sigma: float) -> Tensor:
    """White noise of `sigma` 8-bit levels."""
    return add_gaussian_noise(clean, torch.tensor([sigma]), torch.Generator().manual_seed(0))


def photographed(clean: Tensor, sigma: float) -> Tensor:
    """A camera's noise of `sigma` 8-bit levels, interpolated from a mosaic, saved as JPEG."""
    share, mosaic = torch.tensor([0.7]), torch.tensor([True])
    generator = torch.Generator().manual_seed(0)
    seen = add_camera_noise(clean, torch.tensor([sigma]), share, mosaic, generator)
    return compress(seen[0], 92, "4:2:0")[None]


def blurred(clean: Tensor, radius: float, motion: float) -> Tensor:
    """Blur of a lens and of a motion at 30°, and a little noise."""
    return noisy(blur(clean, torch.tensor([[radius, motion, 30.0]])), 2.0)


# What is wrong with the picture, and the sliders that are right for it, by model or by control.
FAULTS: Mapping[str, tuple[Callable[[Tensor], Tensor], dict[str, float]]] = {
    "denoise": (lambda x: noisy(x, 25.0), {"noise": 25.0}),
    "denoise camera": (lambda x: photographed(x, 25.0), {"noise": 25.0}),
    "dejpeg": (lambda x: compress(x[0], 15, "4:2:0")[None], {"quality": 15.0}),
    "deblur": (lambda x: blurred(x, 1.5, 6.0), {"radius": 1.5, "motion": 6.0, "angle": 30.0}),
    "upscale2": (lambda x: shrink(x, 2), {"noise": 0.0}),
    "upscale4": (lambda x: shrink(x, 4), {"noise": 0.0}),
}


def main() -> None:
    """Draw the sheets of all models."""
    photograph = to_float(read_rgb(PHOTOGRAPH))[None]
    for name, folder in find_packages().items():
        package = read_package(folder)
        path = REPOSITORY / "docs" / "images" / f"sliders-{name}.jpg"
        sheet(package, photograph[:, :, PART[0], PART[1]]).save(path, quality=QUALITY)
        print(path.relative_to(REPOSITORY))
    path = REPOSITORY / "docs" / "images" / "paintings.jpg"
    paintings(read_package(find_packages()["style"])).save(path, quality=QUALITY)


def paintings(package: Package) -> Image.Image:
    """A row for each photograph: as it is, and in the manner of each painting."""
    pictures = [measured(to_float(read_rgb(GB82 / f"{name}.png"))[None]) for name in PAINTED]
    network, names, side = package.load(), list(PAINTINGS), SIDE
    canvas = Image.new("RGB", ((1 + len(names)) * side, len(pictures) * (side + LABEL)), "white")
    for row, photograph in enumerate(pictures):
        photograph = photograph[:, :, :side, :side]
        _put(canvas, 0, row * (side + LABEL), "photograph", photograph)
        for column, name in enumerate(names, 1):
            with torch.inference_mode():
                painted = network(photograph, torch.tensor([position({name: 1.0})]))
            _put(canvas, column * side, row * (side + LABEL), name, painted)
    return canvas


def sheet(package: Package, clean: Tensor) -> Image.Image:
    """A row for each control of `package`: the input, and the results along its travel."""
    id, controls = package.info.id, package.info.controls
    height, width = clean.shape[2:]
    canvas = Image.new(
        "RGB", ((1 + len(TRAVEL)) * width, len(controls) * (height + LABEL)), "white"
    )
    network = package.load()
    for row, control in enumerate(controls):
        spoil, right = FAULTS.get(f"{id} {control.id}", FAULTS.get(id, (lambda x: x, {})))
        before = spoil(clean)
        values = {c.id: right.get(c.id, c.default) for c in controls}
        shown = F.interpolate(before, scale_factor=package.scale, mode="nearest")
        cells = [("input", shown), *_travel(network, package, before, control, values)]
        for column, (label, picture) in enumerate(cells):
            _put(canvas, column * width, row * (height + LABEL), label, picture)
    return canvas


def _travel(
    network: Network,
    package: Package,
    before: Tensor,
    control: Control,
    values: Mapping[str, float],
) -> list[tuple[str, Tensor]]:
    cells = []
    for place in TRAVEL:
        value = control.rounded(control.value(place))
        here = {**values, control.id: value}
        with torch.inference_mode():
            picture = before
            if not package.is_off(here):
                picture = network(before, package.coordinates(here)[None])
        cells.append((f"{control.id} {control.format(value)}", picture))
    return cells


def _put(canvas: Image.Image, x: int, y: int, label: str, picture: Tensor) -> None:
    ImageDraw.Draw(canvas).text((x + 4, y + 3), label, fill="black", font_size=13)
    levels = (picture[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0)
    canvas.paste(Image.fromarray(levels.numpy()), (x, y + LABEL))


if __name__ == "__main__":
    main()
