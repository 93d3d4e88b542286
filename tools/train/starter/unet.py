"""The denoiser: a small U-Net over 16 x 16 x 4 latents, conditioned on text by cross-attention.

The first layer folds each 2 x 2 of latents into channels and the last unfolds them, so that the
network works at 8 x 8 and 4 x 4 alone: what made training on a processor affordable.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .text import WIDTH
from .tokenizer import LENGTH
from .vae import LATENT_CHANNELS, upsample

HEAD = 32


@dataclass(frozen=True)
class UNetConfig:
    """Channels at 8 x 8 and at 4 x 4, width of the time embedding."""

    fine: int = 160
    coarse: int = 224
    time: int = 128

    def dict(self) -> dict:
        return asdict(self)


def padding_bias(places: int, device=None) -> Tensor:
    """Bias for attention over ``places`` text states that stands for all 77.

    The states after the end token are equal, and attention over n equal states is attention over
    one whose score has log n added; so the last place may stand for the 78 - places last ones.
    """
    bias = torch.zeros(places, device=device)
    bias[-1] = math.log(LENGTH - places + 1)
    return bias


def attention(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None) -> Tensor:
    b, n, d = q.shape
    q, k, v = (x.reshape(b, x.shape[1], d // HEAD, HEAD).transpose(1, 2) for x in (q, k, v))
    scores = (q @ k.transpose(-1, -2)) * (1 / math.sqrt(HEAD))
    if bias is not None:
        scores = scores + bias.to(scores.dtype)
    return (scores.softmax(-1).to(v.dtype) @ v).transpose(1, 2).reshape(b, n, d)


class TimedResidual(nn.Module):
    """Residual block whose second norm is scaled and shifted by time and pooled text."""

    def __init__(self, inner: int, outer: int, time: int):
        super().__init__()
        self.norm1 = nn.GroupNorm(8, inner)
        self.conv1 = nn.Conv2d(inner, outer, 3, padding=1)
        self.time = nn.Linear(time, 2 * outer)
        self.norm2 = nn.GroupNorm(8, outer)
        self.conv2 = nn.Conv2d(outer, outer, 3, padding=1)
        self.skip = nn.Conv2d(inner, outer, 1) if inner != outer else nn.Identity()
        for zero in (self.conv2.weight, self.time.weight, self.time.bias):
            nn.init.zeros_(zero)

    def forward(self, x: Tensor, e: Tensor) -> Tensor:
        h = self.conv1(F.silu(self.norm1(x)))
        scale, shift = self.time(e)[:, :, None, None].split(self.conv1.out_channels, 1)
        h = self.conv2(F.silu(self.norm2(h) * (1 + scale) + shift))
        return self.skip(x) + h


class Attend(nn.Module):
    """Self-attention, cross-attention to the text states, gated feed-forward."""

    def __init__(self, width: int, spread: int = 2):
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out1 = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.q = nn.Linear(width, width, bias=False)
        self.kv = nn.Linear(WIDTH, 2 * width, bias=False)
        self.out2 = nn.Linear(width, width)
        self.norm3 = nn.LayerNorm(width)
        self.up = nn.Linear(width, 2 * spread * width)
        self.down = nn.Linear(spread * width, width)
        for layer in (self.out1, self.out2, self.down):
            nn.init.zeros_(layer.weight)

    def forward(self, x: Tensor, text: Tensor, bias: Tensor | None) -> Tensor:
        b, c, height, width = x.shape
        y = x.flatten(2).transpose(1, 2)
        y = y + self.out1(attention(*self.qkv(self.norm1(y)).split(self.out1.in_features, -1)))
        k, v = self.kv(text).split(self.out2.in_features, -1)
        y = y + self.out2(attention(self.q(self.norm2(y)), k, v, bias))
        value, gate = self.up(self.norm3(y)).split(self.down.in_features, -1)
        y = y + self.down(value * F.gelu(gate))
        return y.transpose(1, 2).reshape(b, c, height, width)


class Stage(nn.Module):
    """One residual block and one attention block."""

    def __init__(self, inner: int, outer: int, time: int):
        super().__init__()
        self.residual = TimedResidual(inner, outer, time)
        self.attend = Attend(outer)

    def forward(self, x: Tensor, e: Tensor, text: Tensor, bias: Tensor | None) -> Tensor:
        return self.attend(self.residual(x, e), text, bias)


class Guess(nn.Module):
    """What the prompt alone says of the picture: its mean latents, given to the first layer.

    A small memory of how each thing is laid out. Taught by regression (train_guess.py), it has in
    minutes what the denoiser would need hours for, and the denoiser turns it into a picture. For
    pictures of other sizes than 128 x 128 it is stretched.
    """

    def __init__(self, width: int, hidden: int = 224, side: int = 8):
        super().__init__()
        self.side = side
        self.up = nn.Linear(WIDTH, hidden)
        self.down = nn.Linear(hidden, 4 * LATENT_CHANNELS * side * side)
        self.into = nn.Conv2d(4 * LATENT_CHANNELS, width, 1, bias=False)
        for layer in (self.down, self.into):
            nn.init.zeros_(layer.weight)

    def latents(self, text: Tensor) -> Tensor:
        """Text states [B, T, 192] -> [B, 16, 8, 8], as pixel_unshuffle folds latents."""
        flat = self.down(F.gelu(self.up(text[:, -1])))
        return flat.reshape(-1, 4 * LATENT_CHANNELS, self.side, self.side)

    def forward(self, latents: Tensor, size: tuple[int, int]) -> Tensor:
        return self.into(F.interpolate(latents, size, mode="bilinear", align_corners=False))


class UNet(nn.Module):
    """(latents [B, 4, h, w], timesteps [1] or [B], text states [B, T, 192]) -> v [B, 4, h, w]."""

    def __init__(self, config: UNetConfig = UNetConfig()):
        super().__init__()
        self.config = config
        a, b, t = config.fine, config.coarse, config.time
        self.register_buffer(
            "frequencies", torch.exp(-math.log(10000) * torch.arange(32) / 32), persistent=False)
        self.time1, self.time2 = nn.Linear(64, t), nn.Linear(t, t)
        # The end state goes straight into every block: nouns are learned sooner than by
        # cross-attention alone.
        self.pooled = nn.Linear(WIDTH, t)
        self.inp = nn.Conv2d(4 * LATENT_CHANNELS, a, 3, padding=1)
        self.guess = Guess(a)
        self.down1 = Stage(a, a, t)
        self.shrink = nn.Conv2d(a, a, 3, stride=2, padding=1)
        self.down2 = Stage(a, b, t)
        self.middle = Stage(b, b, t)
        self.up2 = Stage(2 * b, b, t)
        self.grow = nn.Conv2d(b, a, 1)
        self.up1 = nn.ModuleList([Stage(2 * a, a, t), Stage(2 * a, a, t)])
        self.norm = nn.GroupNorm(8, a)
        self.out = nn.Conv2d(a, 4 * LATENT_CHANNELS, 3, padding=1)
        nn.init.zeros_(self.out.weight)

    def embed(self, timesteps: Tensor, text: Tensor) -> Tensor:
        t = timesteps.reshape(-1).to(torch.float32).expand(text.shape[0])
        angle = t[:, None] * self.frequencies[None]
        e = self.time2(F.silu(self.time1(torch.cat([angle.cos(), angle.sin()], -1))))
        return F.silu(e + self.pooled(text[:, -1]))

    def down(self, sample: Tensor, e: Tensor, text: Tensor, bias: Tensor | None,
             guess: Tensor | None = None) -> list[Tensor]:
        """The three states that are kept for the up path, and the middle's end.

        ``guess``: ``self.guess.latents(text)``, where the caller has it.
        """
        first = self.inp(F.pixel_unshuffle(sample, 2))
        guess = self.guess.latents(text) if guess is None else guess
        first = first + self.guess(guess, first.shape[2:])
        second = self.down1(first, e, text, bias)
        third = self.down2(self.shrink(second), e, text, bias)
        return [first, second, third, self.middle(third, e, text, bias)]

    def up(self, states: list[Tensor], e: Tensor, text: Tensor, bias: Tensor | None) -> Tensor:
        """From what ``down`` returned to v."""
        first, second, third, h = states
        h = self.up2(torch.cat([h, third], 1), e, text, bias)
        # An odd number of rows at 8 x 8 comes back as one more.
        h = upsample(self.grow(h))[:, :, : second.shape[2], : second.shape[3]]
        h = self.up1[0](torch.cat([h, second], 1), e, text, bias)
        h = self.up1[1](torch.cat([h, first], 1), e, text, bias)
        return F.pixel_shuffle(self.out(F.silu(self.norm(h))), 2)

    def forward(self, sample: Tensor, timesteps: Tensor, text: Tensor,
                bias: Tensor | None = None, residuals: list[Tensor] | None = None,
                guess: Tensor | None = None) -> Tensor:
        """``residuals``: what a control adds to the three kept states and to the middle."""
        e = self.embed(timesteps, text)
        states = self.down(sample, e, text, bias, guess)
        if residuals is not None:
            states = [x + r for x, r in zip(states, residuals)]
        return self.up(states, e, text, bias)
