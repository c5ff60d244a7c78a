"""A baked network is an ordinary one: it leaves PyTorch like any other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import rheostat
import torch
from packages import random_denoiser
from rheostat import STRATEGIES
from rheostat.nets.restorer import ResidualBlock
from torch import nn


def exported(
    network: nn.Module, x: torch.Tensor, path: Path
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """What the ONNX runtime makes of `x` with `network`."""
    torch.onnx.export(network.eval(), (x,), path, dynamo=True, verbose=False)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (y,) = session.run(None, {session.get_inputs()[0].name: x.numpy()})
    return np.asarray(y)


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("name", ["denoiser", *(n for n, s in STRATEGIES.items() if s.folds)])
def test_baked_and_exported_equals_dynamic(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    x = torch.rand(1, 3, 16, 24)
    tunable: nn.Module
    if name == "denoiser":
        tunable, lam = random_denoiser(), torch.tensor([[25.0, 0.6]])
    else:
        plain = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), ResidualBlock(6))
        tunable, lam = rheostat.convert(plain, 2, strategy=name), torch.rand(1, 2)
        with torch.no_grad():
            for parameter in tunable.added_parameters():
                parameter.add_(0.1 * torch.randn_like(parameter))
    y = exported(rheostat.bake(tunable, lam[0]), x, tmp_path / "network.onnx")
    np.testing.assert_allclose(y, tunable(x, lam).detach().numpy(), atol=1e-5)
