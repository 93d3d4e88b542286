"""The text encoder: a small causal transformer in the manner of CLIP's."""

from __future__ import annotations

import math
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from .tokenizer import LENGTH

WIDTH = 192


class Block(nn.Module):
    """Pre-norm transformer block that starts as the identity."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.down.weight)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        b, t, d = *x.shape[:2], self.out.in_features
        q, k, v = (part.reshape(b, t, self.heads, d // self.heads).transpose(1, 2)
                   for part in self.qkv(self.norm1(x)).split(d, -1))
        scores = (q @ k.transpose(-1, -2)) * (1 / math.sqrt(d // self.heads)) + mask.to(q.dtype)
        mixed = (scores.softmax(-1).to(v.dtype) @ v).transpose(1, 2).reshape(b, t, d)
        x = x + self.out(mixed)
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class TextEncoder(nn.Module):
    """Ids [B, T] -> states [B, T, 192]; every place after the first end token repeats its state.

    The repetition makes the end state what most of the 77 places hold, whatever the length of the
    prompt; training on fewer places is then exact with a bias in cross-attention (see unet.py).
    """

    def __init__(self, vocabulary: int, eos: int, width: int = WIDTH, layers: int = 3, heads: int = 4):
        super().__init__()
        self.eos = eos
        self.token = nn.Embedding(vocabulary, width)
        self.position = nn.Parameter(torch.randn(LENGTH, width) * 0.01)
        self.blocks = nn.ModuleList([Block(width, heads) for _ in range(layers)])
        self.norm = nn.LayerNorm(width)
        nn.init.normal_(self.token.weight, std=0.02)

    def forward(self, ids: Tensor) -> Tensor:
        t = ids.shape[1]
        x = self.token(ids) + self.position[:t]
        mask = torch.full((t, t), -1e4, dtype=torch.float32, device=ids.device).triu(1)
        for block in self.blocks:
            x = block(x, mask)
        x = self.norm(x)
        end = (ids == self.eos).to(torch.int32).argmax(1).to(torch.int64)
        place = torch.minimum(torch.arange(t, device=ids.device)[None], end[:, None])
        return torch.gather(x, 1, place[..., None].expand(-1, -1, x.shape[2]))


def text_weights(path: Path) -> dict[str, Tensor]:
    """The text encoder's part of a scorer's or a model's weights."""
    return {k.removeprefix("text."): v.float() for k, v in load_file(path).items()
            if k.startswith("text.")}
