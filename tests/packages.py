"""Where things are, and tiny models that are real packages, with random weights."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from rheostat.nets import Denoiser
from rheostat.package import GOLDEN, WEIGHTS
from rheostat.packing import seal, write_golden
from safetensors.torch import save_file

REPOSITORY = Path(__file__).parents[1]
ZOO = REPOSITORY / "models" / "zoo"
BACKBONES = REPOSITORY.parent / "shared" / "data" / "backbones"

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


def random_denoiser(width: int = 8, blocks: int = 1, seed: int = 1) -> Denoiser:
    """A denoiser whose kernels, slopes included, are random enough for λ to matter."""
    network = Denoiser(width, blocks)
    generator = torch.Generator().manual_seed(seed)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.05, generator=generator)
    return network.eval().requires_grad_(False)


def write_package(
    models: Path, id: str = "tiny", width: int = 8, blocks: int = 1, seed: int = 1
) -> Path:
    """Write the package `id` into the folder `models`; returns its own folder."""
    folder = models / id
    folder.mkdir(parents=True)
    network = random_denoiser(width, blocks, seed)
    save_file(network.state_dict(), folder / WEIGHTS)
    picture = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(seed))
    write_golden(folder / GOLDEN, network, picture, [[10, 0], [40, 1]])
    manifest = MANIFEST.format(id=id, width=width, blocks=blocks)
    (folder / "model.toml").write_text(manifest, encoding="utf-8")
    seal(folder)
    return folder
