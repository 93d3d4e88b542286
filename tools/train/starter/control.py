"""Small networks that steer the frozen denoiser: by lines, and by a grid of colours.

Both give what is added to the denoiser's three kept states and to its middle, in diffusers' order.
They begin with zeros, so that training begins at the denoiser as it is (Zhang et al. 2023).
"""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .pictures import SIZE
from .unet import UNet, UNetConfig
from .vae import Residual

#: Pixels of the picture to one place of the denoiser's finest states.
CELL = 16


def zero(inner: int, outer: int) -> nn.Conv2d:
    layer = nn.Conv2d(inner, outer, 1)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


class LineControl(nn.Module):
    """A ControlNet: a trainable copy of the denoiser's down path that sees the lines as well.

    The middle block is not copied: at 4 x 4 it has no lines to tell, and it would be a third of
    the weights. The middle's residual comes from the last state of the down path.
    """

    def __init__(self, config: UNetConfig = UNetConfig()):
        super().__init__()
        self.config = config
        a, b = config.fine, config.coarse
        unet = UNet(config)
        self.time1, self.time2, self.pooled = unet.time1, unet.time2, unet.pooled
        self.register_buffer("frequencies", unet.frequencies, persistent=False)
        self.inp, self.down1, self.shrink, self.down2 = (
            unet.inp, unet.down1, unet.shrink, unet.down2)
        self.hint = nn.Sequential(
            nn.Conv2d(48, 32, 3, padding=1), nn.SiLU(),
            nn.Conv2d(32, 64, 3, stride=2, padding=1), Residual(64, 64), nn.SiLU(),
            nn.Conv2d(64, a, 3, stride=2, padding=1), nn.SiLU(), zero(a, a))
        self.zeros = nn.ModuleList([zero(a, a), zero(a, a), zero(b, b), zero(b, b)])

    def begin(self, unet: UNet) -> None:
        """Takes over the denoiser's weights."""
        for name in ("time1", "time2", "pooled", "inp", "down1", "shrink", "down2"):
            getattr(self, name).load_state_dict(copy.deepcopy(getattr(unet, name).state_dict()))

    def forward(self, sample: Tensor, timesteps: Tensor, text: Tensor, hint: Tensor,
                bias: Tensor | None = None) -> list[Tensor]:
        """``hint`` [B, 3, H, W], white lines on black in [0, 1], for latents of H/8 x W/8."""
        e = UNet.embed(self, timesteps, text)
        first = self.inp(F.pixel_unshuffle(sample, 2)) + self.hint(F.pixel_unshuffle(hint, 4))
        second = self.down1(first, e, text, bias)
        third = self.down2(self.shrink(second), e, text, bias)
        return [layer(x) for layer, x in zip(self.zeros, (first, second, third, third))]


class PaletteControl(nn.Module):
    """Colours where they are wanted; sees nothing else, and is run once a picture.

    The hint is a grid of colours, enlarged to the picture's size without blending, as for the
    T2I-Adapter of colours (Mou et al. 2023). It is averaged over cells of 16 x 16 pixels.
    """

    def __init__(self, config: UNetConfig = UNetConfig(), width: int = 64, deep: int = 96):
        super().__init__()
        self.config = config
        a, b = config.fine, config.coarse
        self.inp = nn.Conv2d(3, width, 3, padding=1)
        self.fine = nn.Sequential(Residual(width, width), Residual(width, width))
        self.shrink = nn.Conv2d(width, deep, 3, stride=2, padding=1)
        self.coarse = Residual(deep, deep)
        self.zeros = nn.ModuleList([zero(width, a), zero(width, a), zero(deep, b), zero(deep, b)])

    def begin(self, unet: UNet) -> None:
        """Has nothing to take over."""

    def forward(self, hint: Tensor) -> list[Tensor]:
        """``hint`` [B, 3, H, W] in [0, 1]."""
        fine = self.fine(self.inp(F.avg_pool2d(hint, CELL) * 2 - 1))
        coarse = F.silu(self.coarse(self.shrink(F.silu(fine))))
        return [layer(x) for layer, x in zip(self.zeros, (F.silu(fine), fine, coarse, coarse))]


def make(kind: str, config: UNetConfig) -> LineControl | PaletteControl:
    return LineControl(config) if kind == "lineart" else PaletteControl(config)


def palette(pictures: Tensor) -> Tensor:
    """Pictures [B, 3, H, W] in [-1, 1] -> their grids of 8 x 8 cells, enlarged to 128 x 128, in [0, 1]."""
    cells = F.adaptive_avg_pool2d((pictures + 1) / 2, SIZE // CELL)
    return F.interpolate(cells, scale_factor=float(CELL), mode="nearest")


def vary(hint: Tensor) -> Tensor:
    """Grids as people give them: colours a little off, some of them in few steps."""
    count = len(hint)
    cells = F.avg_pool2d(hint, CELL)
    cells = cells + 0.03 * torch.rand(count, 1, 1, 1) * torch.randn_like(cells)
    steps = torch.randint(4, 9, (count, 1, 1, 1)).float()
    cells = torch.where(torch.rand(count, 1, 1, 1) < 0.25, (cells * steps).round() / steps, cells)
    return F.interpolate(cells.clamp(0, 1), scale_factor=float(CELL), mode="nearest")
