"""The autoencoder: 64 x 64 x 3 pictures <-> 16 x 16 x 4 latents (a factor of 4 a side).

Four channels at a quarter of the side hold 1,024 numbers a picture. An eighth of the side with
four channels would hold 256, and reached 22 dB at best; here 27 dB and more is easily had, and the
U-Net folds 2 x 2 latents into channels at its first layer, so that both cost the same.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LATENT_CHANNELS = 4
FACTOR = 4


def upsample(x: Tensor) -> Tensor:
    """Nearest-neighbour doubling. By expand and reshape when training: see check_gradients."""
    if torch.onnx.is_in_onnx_export():
        return F.interpolate(x, scale_factor=2.0, mode="nearest")
    b, c, h, w = x.shape
    return x[:, :, :, None, :, None].expand(b, c, h, 2, w, 2).reshape(b, c, 2 * h, 2 * w)


class Residual(nn.Module):
    """Pre-activation residual block that starts as the identity."""

    def __init__(self, inner: int, outer: int):
        super().__init__()
        self.norm1 = nn.GroupNorm(8, inner)
        self.conv1 = nn.Conv2d(inner, outer, 3, padding=1)
        self.norm2 = nn.GroupNorm(8, outer)
        self.conv2 = nn.Conv2d(outer, outer, 3, padding=1)
        self.skip = nn.Conv2d(inner, outer, 1) if inner != outer else nn.Identity()
        nn.init.zeros_(self.conv2.weight)

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv1(F.silu(self.norm1(x)))
        return self.skip(x) + self.conv2(F.silu(self.norm2(h)))


class Encoder(nn.Module):
    """Picture in [-1, 1] -> mean and log-variance of the latents, [B, 8, H/4, W/4]."""

    def __init__(self, fine: int = 32, coarse: int = 96):
        super().__init__()
        self.inp = nn.Conv2d(12, fine, 3, padding=1)
        self.fine = Residual(fine, fine)
        self.down = nn.Conv2d(fine, coarse, 3, stride=2, padding=1)
        self.coarse = Residual(coarse, coarse)
        self.norm = nn.GroupNorm(8, coarse)
        self.out = nn.Conv2d(coarse, 2 * LATENT_CHANNELS, 3, padding=1)
        nn.init.constant_(self.out.bias[LATENT_CHANNELS:], -5.0)

    def forward(self, x: Tensor) -> Tensor:
        x = self.fine(self.inp(F.pixel_unshuffle(x, 2)))
        x = self.coarse(self.down(x))
        return self.out(F.silu(self.norm(x)))


class Decoder(nn.Module):
    """Latents [B, 4, h, w] -> picture [B, 3, 4h, 4w], about in [-1, 1]."""

    def __init__(self, coarse: int = 112, fine: int = 56, last: int = 16):
        super().__init__()
        self.inp = nn.Conv2d(LATENT_CHANNELS, coarse, 3, padding=1)
        self.coarse = nn.Sequential(Residual(coarse, coarse), Residual(coarse, coarse))
        self.up = nn.Conv2d(coarse, fine, 1)
        self.fine = nn.Sequential(Residual(fine, fine), Residual(fine, fine))
        self.norm = nn.GroupNorm(8, fine)
        self.spread = nn.Conv2d(fine, 4 * last, 3, padding=1)
        self.out = nn.Conv2d(last, 3, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        x = self.coarse(self.inp(z))
        x = self.fine(upsample(self.up(x)))
        x = F.pixel_shuffle(self.spread(F.silu(self.norm(x))), 2)
        return self.out(F.silu(x))


class Autoencoder(nn.Module):
    """Encoder and decoder with the latents' mean and deviation, which both apply themselves.

    Latents outside have zero mean and unit deviation a channel, so that the scaling factor in
    the model's config is 1.
    """

    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.decoder = Decoder()
        self.register_buffer("mean", torch.zeros(1, LATENT_CHANNELS, 1, 1))
        self.register_buffer("deviation", torch.ones(1, LATENT_CHANNELS, 1, 1))

    def encode(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of the normalised latents."""
        mean, logvar = self.encoder(pictures).float().chunk(2, 1)
        return (mean - self.mean) / self.deviation, logvar.clamp(-12, 4) - 2 * self.deviation.log()

    def decode(self, latents: Tensor) -> Tensor:
        return self.decoder(latents * self.deviation + self.mean)
