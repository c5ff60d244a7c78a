"""Muon: momentum whose step is made orthogonal, kernel by kernel.

Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024). A kernel (out, in,
h, w) is the matrix (out, in · h · w) that a convolution multiplies with, and its step has all
singular values near 1: directions that the gradient hardly shows are learned as fast as the strong
ones. That is what networks without normalisation lack. Steps are scaled as Adam's are (Liu et al.,
"Muon is Scalable for LLM Training", 2025, §2.2), so learning rates mean the same for both.

torch.optim.Muon takes matrices alone, not slopes, and iterates in bfloat16, which processors
without it compute many times slower than float32.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the Newton–Schulz step (Jordan et al.)
ITERATIONS = 5
SCALE = 0.2  # root mean square of a step's elements at learning rate 1, like Adam's


class Muon(torch.optim.Optimizer):
    """For every parameter of a network with tunable kernels.

    Slopes (P, *kernel) are P matrices of their own; a bias is a matrix of one row, whose
    orthogonal form is itself at length 1.
    """

    def __init__(self, network: nn.Module, momentum: float = 0.9) -> None:
        """All parameters of `network`; the learning rate is to be set before the first step."""
        slopes, plain = list[nn.Parameter](), list[nn.Parameter]()
        for name, parameter in network.named_parameters():
            (slopes if name.endswith("_slopes") else plain).append(parameter)
        groups = [{"params": plain, "stacked": False}, {"params": slopes, "stacked": True}]
        super().__init__([group for group in groups if group["params"]], {"lr": 0.0})
        self.momentum = momentum

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # nothing to evaluate
        """Update every parameter that has a gradient."""
        del closure
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if not state:
                    state["momentum"] = torch.zeros_like(parameter)
                mean = state["momentum"].mul_(self.momentum).add_(parameter.grad)
                ahead = parameter.grad + self.momentum * mean  # Nesterov
                matrices = _matrices(ahead, stacked=group["stacked"])
                size = SCALE * math.sqrt(max(matrices.shape[1:]))
                update = orthogonal(matrices).reshape(parameter.shape)
                parameter.add_(update, alpha=-group["lr"] * size)


def orthogonal(matrices: Tensor) -> Tensor:
    """U Vᵀ of every `matrices` (N, rows, columns) = U S Vᵀ, nearly: singular values 0.7 to 1.2.

    Zero stays zero.
    """
    upright = matrices.shape[1] > matrices.shape[2]
    x: Tensor = matrices.mT if upright else matrices
    x = x / torch.linalg.matrix_norm(x, keepdim=True).clamp_min(1e-12)
    if x.shape[1] > 1:
        first, third, fifth = COEFFICIENTS
        for _ in range(ITERATIONS):
            square = x @ x.mT
            x = first * x + (third * square + fifth * square @ square) @ x
    return x.mT if upright else x


def _matrices(kernels: Tensor, *, stacked: bool) -> Tensor:
    """(P, *kernel), or without `stacked` one kernel, as (P or 1, rows, columns)."""
    kernels = kernels if stacked else kernels[None]
    return kernels.flatten(2) if kernels.ndim > 2 else kernels.reshape(len(kernels), 1, -1)
