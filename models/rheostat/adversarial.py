"""Adversarial loss: a small patch discriminator and the hinge objective.

Optional: where a perceptual distance is enough, leave it out. It is slow to train, easy to upset.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


class PatchDiscriminator(nn.Sequential):
    """(N, 3, H, W) -> (N, 1, H/8, W/8): how real each patch looks (Isola et al., CVPR 2017).

    Spectral normalisation keeps it Lipschitz (Miyato et al., ICLR 2018); there is no batch
    statistic, so a patch is judged by itself.
    """

    def __init__(self, width: int = 32) -> None:
        """`width` channels after the first layer, doubled by each of the next two."""
        layers: list[nn.Module] = []
        channels = 3
        for out in (width, 2 * width, 4 * width):
            layers += [spectral_norm(nn.Conv2d(channels, out, 4, 2, 1)), nn.LeakyReLU(0.2)]
            channels = out
        super().__init__(*layers, spectral_norm(nn.Conv2d(channels, 1, 3, padding=1)))


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Hinge loss (scalar) of the discriminator's answers (N, 1, h, w) (Lim & Ye, 2017)."""
    return torch.relu(1 - real).mean() + torch.relu(1 + fake).mean()


def generator_loss(fake: Tensor) -> Tensor:
    """What the network is asked for (N,): answers (N, 1, h, w) as high as can be."""
    return -fake.mean((1, 2, 3))
