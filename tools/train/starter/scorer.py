"""The image-text scorer: two towers trained by contrast (Radford et al. 2021, CLIP)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .text import WIDTH, TextEncoder
from .vae import Residual


class ImageTower(nn.Module):
    """Picture [B, 3, 64, 64] in [-1, 1] -> unit vector [B, 192]."""

    def __init__(self, width: int = WIDTH, sizes: tuple[int, int, int] = (64, 128, 192)):
        super().__init__()
        a, b, c = sizes
        self.inp = nn.Conv2d(48, a, 3, padding=1)
        self.stages = nn.Sequential(
            Residual(a, a), nn.Conv2d(a, b, 3, stride=2, padding=1), Residual(b, b),
            nn.Conv2d(b, c, 3, stride=2, padding=1), Residual(c, c), nn.GroupNorm(8, c), nn.SiLU())
        # Where a thing is in the picture tells little; what is where within it tells much.
        self.place = nn.Conv2d(c, 32, 1)
        self.mean = nn.Linear(c, width)
        self.layout = nn.Linear(32 * 16, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        h = self.stages(self.inp(F.pixel_unshuffle(x, 4)))
        layout = self.layout(self.place(h).flatten(1))
        return F.normalize(self.mean(h.mean((2, 3))) + layout, dim=-1)


class Scorer(nn.Module):
    """Cosine of picture and caption; the text encoder is the one that diffusion starts from."""

    def __init__(self, text: TextEncoder):
        super().__init__()
        self.text = text
        self.image = ImageTower()
        self.project = nn.Linear(WIDTH, WIDTH, bias=False)
        self.log_scale = nn.Parameter(torch.tensor(2.3))

    def encode_text(self, ids: Tensor) -> Tensor:
        return F.normalize(self.project(self.text(ids)[:, -1]), dim=-1)

    def logits(self, pictures: Tensor, ids: Tensor) -> Tensor:
        """[pictures, captions], scaled."""
        image, text = self.image(pictures).float(), self.encode_text(ids).float()
        return self.log_scale.clamp(max=4.6).exp() * image @ text.T
