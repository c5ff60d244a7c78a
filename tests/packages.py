"""Where things are, and tiny models that are real packages, with random weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from rheostat.nets import Denoiser, Network, Upscaler
from rheostat.package import GOLDEN, WEIGHTS
from rheostat.packing import seal, write_golden
from safetensors.torch import save_file

from benchmarks.machine import DATA

REPOSITORY = Path(__file__).parents[1]
ZOO = REPOSITORY / "models" / "zoo"
BACKBONES = DATA / "backbones"
needs_data = pytest.mark.skipif(
    not BACKBONES.is_dir(), reason="needs the backbones and paintings that CONTRIBUTING.md names"
)

MANIFEST = """
schema = 1
id = "{id}"
name = "Tiny"
summary = "A small denoiser with random weights, for tests."
version = "1.0.0"
licence = "Apache-2.0"
architecture = {{ name = "denoiser", config = {{ width = {width}, blocks = {blocks} }} }}

[[controls]]
id = "noise"
label = "Noise"
help = "How strong the noise is that goes away."
unit = "8-bit noise σ"
hard = [0.0, 75.0]
soft = [0.0, 75.0]
trained = [0.0, 75.0]
default = 25.0
off = 0.0
step = 0.5
curve = "sqrt"
map = true
auto = "noise"

[[controls]]
id = "detail"
label = "Detail"
help = "How much texture is kept."
unit = "artistic"
hard = [0.0, 1.0]
soft = [0.0, 1.0]
trained = [0.0, 1.0]
default = 0.3
map = true
stage = "head"
"""

PackageMaker = Callable[..., Path]


def random_denoiser(width: int = 8, blocks: int = 1, seed: int = 1, bent: bool = False) -> Denoiser:
    """A denoiser whose kernels, slopes included, are random enough for λ to matter."""
    network = Denoiser(width, blocks, bent=bent)
    generator = torch.Generator().manual_seed(seed)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.05, generator=generator)
    return network.eval().requires_grad_(False)


def write_upscaler(models: Path, scale: int = 2) -> Path:
    """Write the package `upscaler`, which makes pictures larger, into the folder `models`."""
    network = Upscaler(scale, width=8, blocks=1)
    generator = torch.Generator().manual_seed(1)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.05, generator=generator)
    manifest = MANIFEST.format(id="upscaler", width=8, blocks=1)
    manifest = manifest.replace(
        '"denoiser", config = { ', f'"upscaler", config = {{ scale = {scale}, '
    )
    manifest = manifest.replace("off = 0.0\n", "").replace("75.0", "50.0")
    return _write(models / "upscaler", network.eval().requires_grad_(False), manifest)


def write_package(
    models: Path, id: str = "tiny", width: int = 8, blocks: int = 1, seed: int = 1
) -> Path:
    """Write the package `id` into the folder `models`; returns its own folder."""
    manifest = MANIFEST.format(id=id, width=width, blocks=blocks)
    return _write(models / id, random_denoiser(width, blocks, seed), manifest)


def _write(folder: Path, network: Network, manifest: str) -> Path:
    folder.mkdir(parents=True)
    save_file(network.state_dict(), folder / WEIGHTS)
    picture = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    write_golden(folder / GOLDEN, network, picture, [[10, 0], [40, 1]])
    (folder / "model.toml").write_text(manifest, encoding="utf-8")
    seal(folder)
    return folder
