"""Tunable convolution, and network interpolation: the same layers, trained otherwise."""

from __future__ import annotations

from ..kernels import make_tunable
from .strategy import Strategy

TUNABLE_CONV = Strategy(
    name="tunable-conv",
    source="Maggioni et al., Tunable Convolutions with Parametric Multi-Loss, CVPR 2023",
    wrap=make_tunable,
    site="kernels",
    training="joint",
    exact_base=True,
    folds=True,
    maps=True,
)
# θ(λ) = (1 − λ) θ_A + λ θ_B, θ_B fine-tuned from θ_A, is affine in λ: slopes θ_B − θ_A. Training
# the slopes alone at λ = 1 is fine-tuning a copy.
DNI = Strategy(
    name="dni",
    source="Wang et al., Deep Network Interpolation, CVPR 2019",
    wrap=make_tunable,
    site="kernels",
    training="ends",
    exact_base=True,
    folds=True,
    maps=True,
    limits="Between its ends it was never trained.",
)
