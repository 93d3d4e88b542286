"""The autoencoder: 128 x 128 x 3 pictures <-> 16 x 16 x 4 latents (a factor of 8 a side).

1,024 numbers a picture. The encoder halves the picture first and does all of its work on 64 x 64:
where an edge runs between two pixels is told there by how grey they are, and the decoder, which
knows that drawings have sharp edges, gives the picture back at 128 x 128.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .pictures import halved

LATENT_CHANNELS = 4
FACTOR = 8


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
    """Halved picture in [-1, 1], [B, 3, 4h, 4w] -> mean and log-variance of the latents, [B, 8, h, w]."""

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
    """Latents [B, 4, h, w] -> picture [B, 3, 8h, 8w], about in [-1, 1]."""

    #: Channels at each side, from the picture's to the latents'.
    WIDTHS = (12, 20, 56, 112)

    def __init__(self):
        super().__init__()
        full, half, fine, coarse = self.WIDTHS
        self.inp = nn.Conv2d(LATENT_CHANNELS, coarse, 3, padding=1)
        self.coarse = nn.Sequential(Residual(coarse, coarse), Residual(coarse, coarse))
        self.up = nn.Conv2d(coarse, fine, 1)
        self.fine = nn.Sequential(Residual(fine, fine), Residual(fine, fine))
        self.norm = nn.GroupNorm(8, fine)
        self.spread = nn.Conv2d(fine, 4 * half, 3, padding=1)
        self.half1 = nn.Conv2d(half, half, 3, padding=1)
        self.half2 = nn.Conv2d(half, half, 3, padding=1)
        self.spread2 = nn.Conv2d(half, 4 * full, 3, padding=1)
        self.out = nn.Conv2d(full, 3, 3, padding=1)
        nn.init.zeros_(self.half2.weight)

    def forward(self, z: Tensor) -> Tensor:
        x = self.coarse(self.inp(z))
        x = self.fine(upsample(self.up(x)))
        x = F.pixel_shuffle(self.spread(F.silu(self.norm(x))), 2)
        x = x + self.half2(F.silu(self.half1(F.silu(x))))
        x = F.pixel_shuffle(self.spread2(F.silu(x)), 2)
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
        return self.encode_halved(halved(pictures))

    def encode_halved(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """The same of pictures that have been halved."""
        mean, logvar = self.encoder(pictures).float().chunk(2, 1)
        return (mean - self.mean) / self.deviation, logvar.clamp(-12, 4) - 2 * self.deviation.log()

    def decode(self, latents: Tensor) -> Tensor:
        return self.decoder(latents * self.deviation + self.mean)
