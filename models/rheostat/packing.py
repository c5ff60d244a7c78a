"""Packing: trained weights become a package, with golden picture, evidence, card and digests."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from rheostat_client.errors import RheostatError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from .kernels import TunableKernel
from .nets import Network, build
from .package import (
    EVIDENCE,
    FILE_NAME,
    GOLDEN,
    MANIFEST,
    WEIGHTS,
    Manifest,
    file_digest,
    read_manifest,
)
from .tasks import TASKS
from .training import LOG

CARD = "card.md"
CURVE = "training.jsonl"
# Up to the next table, but for the comments before that.
FILES = re.compile(r"^\[files\].*(\n(?!([ \t]*(#.*)?\n)*[ \t]*\[).*)*\n*", re.MULTILINE)


def pack(weights: Path, folder: Path, reach: float = 1.0, *, half: bool = False) -> Manifest:
    """Put `weights` (safetensors) into the package whose model.toml stands in `folder`.

    `reach` is how much of the trained travel of the last control its slider covers: a loss can
    turn before the end of it. Kernels are affine in λ, so that only the slopes change. With `half`
    weights are stored in half precision; they are computed with in float32 all the same.
    The training's log beside the weights, if there is one, comes along as the curve on the card.
    Evidence of other weights is removed: measure again with `rheostat evaluate`.
    """
    manifest = read_manifest(folder)
    network = build(manifest.architecture.name, manifest.architecture.config)
    try:
        network.load_state_dict(load_file(weights))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise RheostatError(
            "bad-package",
            f"{weights} does not fit the architecture of {manifest.id}: {error}.",
            "Train with the recipe of the same package.",
        ) from error
    network.eval().requires_grad_(False)
    if reach != 1.0 and not network.last_powers:
        raise RheostatError(
            "bad-package",
            f"The last slider of {manifest.id} cannot reach {reach:g} of what was trained; only 1.",
            "Change its range in model.toml instead.",
        )
    if reach != 1.0:
        _shorten(network, reach)
    if half:
        network.half()
    save_file(network.state_dict(), folder / WEIGHTS)
    network.float()  # golden is what the stored weights give
    (folder / EVIDENCE).unlink(missing_ok=True)
    (folder / CURVE).unlink(missing_ok=True)
    if (weights.parent / LOG).exists():
        shutil.copyfile(weights.parent / LOG, folder / CURVE)
    write_card(folder)
    positions = [[c.value(t) for c in manifest.controls] for t in (0.25, 0.5, 1.0)]
    write_golden(folder / GOLDEN, network, golden_picture(), positions)
    return seal(folder)


def _shorten(network: Network, reach: float) -> None:
    """Let 1 of the last control mean what `reach` meant, in the layers that it moves as well."""
    places = list(enumerate(reversed(network.last_powers), 1))
    layers = [layer for layer in network.modules() if isinstance(layer, TunableKernel)]
    most = max(layer.controls for layer in layers)
    for layer in layers:
        for slopes in (layer.weight_slopes, layer.bias_slopes):
            if layer.controls == most and slopes is not None:
                for place, power in places:
                    slopes[-place] *= reach**power


def golden_picture() -> Tensor:
    """A small picture with a ramp, an edge and noise, always the same: (1, 3, 32, 32)."""
    ramp = torch.linspace(0.1, 0.9, 32)
    picture = torch.stack((ramp.expand(32, 32), ramp.expand(32, 32).T, ramp.flip(0).expand(32, 32)))
    picture[:, 8:24, 12:20] = 0.8
    noise = torch.randn(picture.shape, generator=torch.Generator().manual_seed(0))
    return (picture + 0.1 * noise)[None]


def write_golden(
    path: Path, network: Network, x: Tensor, positions: Sequence[Sequence[float]]
) -> None:
    """Write `x` (1, 3, H, W), the positions (K, P) and what the network makes of x at each."""
    lam = torch.tensor(positions, dtype=torch.float32)
    with torch.inference_mode():
        output = network(x.expand(len(lam), -1, -1, -1), lam)
    np.savez_compressed(path, input=x.numpy(), lam=lam.numpy(), output=output.numpy())


def seal(folder: Path) -> Manifest:
    """Write the digests of all files in `folder` into its model.toml (below `[files]`).

    Files that cannot be named there, like those an editor or a system leaves behind, are no part
    of the package.
    """
    path = folder / MANIFEST
    named = sorted(p for p in folder.iterdir() if re.fullmatch(FILE_NAME, p.name))
    files = [p for p in named if p.is_file() and p.name != MANIFEST]
    head = FILES.sub("", path.read_text(encoding="utf-8")).rstrip()
    lines = [f'"{p.name}" = "{file_digest(p)}"' for p in files]
    path.write_text("\n".join([head, "", "[files]", *lines, ""]), encoding="utf-8")
    return read_manifest(folder)


def read_evidence(folder: Path) -> dict[str, Any]:
    """evidence.json by name of the test folder; empty if there is none."""
    path = folder / EVIDENCE
    return msgspec.json.decode(path.read_bytes(), type=dict[str, Any]) if path.exists() else {}


def write_evidence(folder: Path, evidence: Mapping[str, Any]) -> None:
    """Write evidence.json, the card made from it, and the digests."""
    text = msgspec.json.format(msgspec.json.encode(evidence, order="sorted"), indent=1)
    (folder / EVIDENCE).write_bytes(text + b"\n")
    write_card(folder)
    seal(folder)


def write_card(folder: Path) -> None:
    """Write card.md from model.toml and evidence.json."""
    manifest = read_manifest(folder)
    lines = [f"# {manifest.name} {manifest.version}", "", manifest.summary, ""]
    lines += ["| control | what more does | unit | range | off |", "|---|---|---|---|---|"]
    for c in manifest.controls:
        off = "–" if c.off is None else c.format(c.off)
        span = f"{c.format(c.hard[0])}–{c.format(c.hard[1])}"
        lines.append(f"| {c.label} (`{c.id}`) | {c.help} | {c.unit} | {span} | {off} |")
    for title, items in (("Good at", manifest.good_at), ("Bad at", manifest.bad_at)):
        lines += ["", f"## {title}", "", *(f"- {item}" for item in items)]
    lines += ["", "## Trained on", "", f"{manifest.training_data}. Recipe: `recipe.toml`."]
    lines += _curve(folder / CURVE)
    lines += ["", "## Terms", "", f"Weights: {manifest.licence}."]
    for name, found in read_evidence(folder).items():
        lines += ["", f"## Measured on {name}", "", f"{found['pictures']} pictures, by"]
        lines += [f"`{found['command']}`.", ""]
        captions = _captions(manifest.architecture.name)
        for sweep, columns in found["sweeps"].items():
            lines += [captions.get(sweep, sweep), "", *_table(columns), ""]
    (folder / CARD).write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


def _curve(path: Path) -> list[str]:
    """The training's log as a table: loss and scores on held-out pictures by step."""
    if not path.exists():
        return []
    rows = [msgspec.json.decode(line) for line in path.read_bytes().splitlines()]
    known = list({row["step"]: row for row in rows}.values())  # one that was killed repeats some
    columns = {"step": [row["step"] for row in known], "loss": [row["loss"] for row in known]}
    for name in known[0]["validation"]:
        columns[name] = [row["validation"][name] for row in known]
    return ["", "On pictures held out from training, as it went on:", "", *_table(columns)]


def _captions(architecture: str) -> Mapping[str, str]:
    blend = "The same travel as an opacity blend of the two ends: the baseline."
    heard = "What the first control's estimator says of the faults of `{}`: the mean and its error."
    for task in TASKS.values():
        if task.architecture == architecture:
            series = getattr(task, "series", {})
            estimates = {f"auto_{name}": heard.format(name) for name in series}
            return {"blend": blend, **estimates, **task.captions}
    return {}


def _table(columns: Mapping[str, Sequence[float]]) -> list[str]:
    rows = zip(*columns.values(), strict=True)
    return [
        "| " + " | ".join(columns) + " |",
        "|" + "---|" * len(columns),
        *("| " + " | ".join(f"{value:.4g}" for value in row) + " |" for row in rows),
    ]
