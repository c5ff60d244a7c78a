"""What the networks learn to undo."""

from __future__ import annotations

import io
import math

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from .data import LEVELS

REACH = 18  # pixels on each side that `blur` looks at
GAMMA = 2.2  # of the sRGB curve, about
DARKEST = 0.01  # of linear light; below, the curve is straight
HAIR = 0.3  # px; a moving point is not thinner than this Gaussian's σ, so that its line is smooth


def add_gaussian_noise(clean: Tensor, sigma: Tensor, generator: torch.Generator) -> Tensor:
    """`clean` (N, C, H, W) in 0..1 plus white noise of `sigma` (N,) 8-bit levels; not clipped."""
    noise = torch.randn(clean.shape, generator=generator, device=generator.device)
    return clean + noise.to(clean) * (_level(sigma.to(clean)) / LEVELS)


def add_camera_noise(
    clean: Tensor,
    sigma: Tensor,
    shot: Tensor,
    mosaic: Tensor,
    generator: torch.Generator,
    *,
    together: bool = False,
) -> Tensor:
    """`clean` (N, 3, H, W) in 0..1 plus a camera's noise of `sigma` (N,) 8-bit levels; not clipped.

    σ is the root mean square over each sample. With `together` samples are parts of one picture:
    σ is what their noise would have over all of it, and dark parts have more than that.

    shot    (N,) share 0..1 of the variance that comes from light itself (Poisson), the rest from
            reading it (Gaussian); both arise in linear light, so that shadows have more of either
    mosaic  (N,) bool: each pixel saw one colour, and the others were interpolated from neighbours,
            which makes noise coarse, coloured and correlated
    """
    noise = torch.randn(clean.shape, generator=generator, device=generator.device).to(clean)
    linear = clean.clamp(0, 1) ** GAMMA + DARKEST
    whole = (0, 1, 2, 3) if together else (1, 2, 3)
    light = linear / linear.mean(whole, keepdim=True)
    share, slope = _level(shot.to(clean)), linear ** (1 / GAMMA - 1)  # of the sRGB curve
    noise = (1 - share + share * light).sqrt() * slope * noise
    rms = _rms(noise)
    if together:  # what this sample's kind of noise has over all of them
        read, lit = ((variance * slope**2).mean(whole, keepdim=True) for variance in (1.0, light))
        rms = ((1 - share) * read + share * lit).sqrt()
    coarse = interpolate_mosaic(noise)
    noise = torch.where(_level(mosaic), coarse * _rms(noise) / _rms(coarse), noise)
    return clean + noise * (_level(sigma.to(clean)) / LEVELS) / rms


def interpolate_mosaic(picture: Tensor) -> Tensor:
    """`picture` (N, 3, H, W) seen through a Bayer filter (RGGB) and interpolated bilinearly."""
    seen = torch.zeros(3, 2, 2)
    seen[0, 0, 0] = seen[1, 0, 1] = seen[1, 1, 0] = seen[2, 1, 1] = 1
    height, width = picture.shape[-2:]
    seen = seen.repeat(1, -(-height // 2), -(-width // 2))[:, :height, :width]
    masked = picture * seen.to(picture)
    cross = torch.tensor([[0, 1, 0], [1, 4, 1], [0, 1, 0]]) / 4
    square = torch.tensor([[1, 2, 1], [2, 4, 2], [1, 2, 1]]) / 4
    kernels = torch.stack((square, cross, square))[:, None].to(picture)
    padded = F.pad(masked, (1, 1, 1, 1), mode="reflect")  # a mosaic goes on when it is mirrored
    return F.conv2d(padded, kernels, groups=3)


def _rms(picture: Tensor) -> Tensor:
    return picture.square().mean((1, 2, 3), keepdim=True).sqrt()


def _level(values: Tensor) -> Tensor:
    return values[:, None, None, None]


def compress(picture: Tensor, quality: int, subsampling: str) -> Tensor:
    """`picture` (3, H, W) in 0..1 after a JPEG file of `quality` 1–100 by libjpeg.

    subsampling  of the colour: "4:4:4", "4:2:2" or "4:2:0"
    """
    levels = (picture.clamp(0, 1) * LEVELS).round().byte().permute(1, 2, 0).contiguous()
    file = io.BytesIO()
    Image.fromarray(levels.numpy()).save(file, "JPEG", quality=quality, subsampling=subsampling)
    decoded: Tensor = torch.from_numpy(np.array(Image.open(file)))
    return decoded.permute(2, 0, 1).to(picture) / LEVELS


def shrink(clean: Tensor, scale: int) -> Tensor:
    """`clean` (N, C, H, W) in 0..1 at 1/`scale` of its size by the cubic filter, in 8-bit steps."""
    small = F.interpolate(clean, scale_factor=1 / scale, mode="bicubic", antialias=True)
    return (small.clamp(0, 1) * LEVELS).round() / LEVELS


def blur(clean: Tensor, shapes: Tensor) -> Tensor:
    """`clean` (N, C, H, W) blurred by `shapes` (N, 3): see `blur_kernels`; borders reflect."""
    kernels = blur_kernels(shapes).to(clean)
    padded = F.pad(clean, (REACH,) * 4, mode="reflect")
    size = padded.shape[-2:]
    spectrum = torch.fft.rfft2(kernels, s=size)[:, None]
    blurred: Tensor = torch.fft.irfft2(torch.fft.rfft2(padded) * spectrum, s=size)
    # The kernel's centre stands at REACH, so everything came out that much further down and right.
    return blurred[:, :, 2 * REACH :, 2 * REACH :].contiguous()


def blur_kernels(shapes: Tensor) -> Tensor:
    """Kernels (N, 2 REACH + 1, 2 REACH + 1), each summing to 1.

    shapes  (N, 3): the lens blur (Gaussian σ, px), the length of an even straight motion (px) and
            its angle (degrees, anticlockwise from the x axis)
    """
    radius, motion, angle = shapes.double().unbind(1)
    sigma = torch.hypot(radius, torch.where(motion > 0, HAIR, 0.0)).clamp_min(0.05)
    along = torch.linspace(-0.5, 0.5, 31, dtype=torch.float64)  # points of the line
    place = torch.arange(-REACH, REACH + 1, dtype=torch.float64)
    at_x = along * (motion * torch.cos(angle * (math.pi / 180)))[:, None]
    at_y = along * (-motion * torch.sin(angle * (math.pi / 180)))[:, None]
    spread = 2 * sigma[:, None, None] ** 2
    in_x = torch.exp(-((place - at_x[:, :, None]) ** 2) / spread)
    in_y = torch.exp(-((place - at_y[:, :, None]) ** 2) / spread)
    kernels = torch.einsum("npy,npx->nyx", in_y, in_x)
    return (kernels / kernels.sum((1, 2), keepdim=True)).float()
