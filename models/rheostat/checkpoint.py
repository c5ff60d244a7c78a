"""Checkpoints: a training's whole state in one safetensors file, so that resuming is exact."""

from __future__ import annotations

from pathlib import Path

import torch
from rheostat_client.errors import RheostatError
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn


def save(
    path: Path,
    modules: dict[str, nn.Module],
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
    facts: dict[str, str],
) -> None:
    """Write modules, optimizer, generator and `facts`; replaces `path` in one step."""
    tensors: dict[str, Tensor] = {"generator": generator.get_state()}
    for name, module in modules.items():
        tensors |= {f"{name}.{k}": v for k, v in module.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{k}": torch.as_tensor(v) for k, v in state.items()}
    part = path.with_suffix(".part")
    save_file({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, part, facts)
    part.replace(path)


def load(
    path: Path,
    modules: dict[str, nn.Module],
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
) -> dict[str, str]:
    """Restore what `save` wrote and return its facts; RheostatError `bad-checkpoint`."""
    try:
        with safe_open(path, framework="pt") as file:
            facts: dict[str, str] = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        generator.set_state(tensors["generator"])
        for name, module in modules.items():
            module.load_state_dict(_below(tensors, name))
        states: dict[int, dict[str, Tensor]] = {}
        for key, value in _below(tensors, "optimizer").items():
            index, field = key.split(".", 1)
            states.setdefault(int(index), {})[field] = value
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": states, "param_groups": groups})
    except (OSError, SafetensorError, KeyError, RuntimeError) as error:
        raise RheostatError(
            "bad-checkpoint",
            f"The checkpoint {path} cannot be resumed: {error}.",
            "Start anew without --resume, or use the recipe the checkpoint was made with.",
        ) from error
    return facts


def load_weights(path: Path) -> dict[str, Tensor]:
    """Bare weights by name; RheostatError `bad-checkpoint`."""
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise RheostatError(
            "bad-checkpoint", f"{path} cannot be read: {error}.", "Name a file of weights."
        ) from error


def _below(tensors: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    prefix = f"{name}."
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
