"""The training set that build_data.py wrote, and how it is sampled."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from .captions import caption
from .tokenizer import Tokenizer
from .words import HOUSE_STYLE, MAIN_STYLES

#: Captions are cut here while training; the longest that occur in practice are shorter.
PLACES = 24
#: Share of each kind among what is sampled.
KINDS = {"plain": 0.48, "ground": 0.2, "painted": 0.32}
#: So many of the ranked nouns count as common: what newcomers ask for, and what must be drawn best.
COMMON = 400


class Dataset:
    """Records, their pictures, and weighted draws of both.

    ``nouns``: only the first so many of the ranked nouns. ``other_styles``: weight of the two
    older sets against the main ones, ``main_styles`` that of those against the house style.
    ``rare``: weight of the nouns after the common ones.
    ``kinds``: share of each kind. ``leave``: which records are never drawn.
    """

    def __init__(self, cache: Path, nouns: int, seed: int, other_styles: float = 1.0,
                 hold_styles: bool = True, rare: float = 1.0, main_styles: float = 1.0,
                 kinds: dict[str, float] = KINDS,
                 leave: Callable[[dict], bool] = lambda record: False):
        self.records = json.loads((cache / "dataset.json").read_text())
        self.pictures = np.load(cache / "variants.npy", mmap_mode="r")
        self.tokenizer = Tokenizer(cache / "tokenizer")
        self.rng = random.Random(seed)
        self.empty = self.tokenizer.encode("", PLACES)
        counts = {kind: 0 for kind in KINDS}
        chosen = [r["rank"] < nouns and not (hold_styles and r["style_held_out"])
                  and not leave(r)
                  for r in self.records]
        for record, keep in zip(self.records, chosen):
            counts[record["kind"]] += keep
        styles = dict.fromkeys(MAIN_STYLES, main_styles) | {HOUSE_STYLE: 1.0}
        weights = np.array([
            keep * kinds[r["kind"]] / counts[r["kind"]]
            * styles.get(r["style"], other_styles)
            * (1 if r["rank"] < COMMON else rare)
            for r, keep in zip(self.records, chosen)])
        #: Indices that can be drawn, with cumulative probability.
        self.index = np.flatnonzero(weights)
        self._cumulative = np.cumsum(weights[self.index]) / weights.sum()

    def draw(self, count: int) -> np.ndarray:
        """Stratified draw: every stretch of the distribution is hit in each batch."""
        points = (np.arange(count) + np.random.rand(count)) / count
        found = np.searchsorted(self._cumulative, points).clip(0, len(self.index) - 1)
        return self.index[found]

    def captions(self, index: np.ndarray, drop: float = 0.0) -> torch.Tensor:
        """Ids of a fresh caption each; empty with probability ``drop`` (for guidance)."""
        return torch.tensor([
            self.empty if self.rng.random() < drop
            else self.tokenizer.encode(caption(self.records[i], self.rng), PLACES)
            for i in index])

    def images(self, index: np.ndarray) -> torch.Tensor:
        """[B, 3, 128, 128] in [-1, 1]."""
        x = torch.from_numpy(np.stack([self.pictures[i] for i in index]))
        return x.permute(0, 3, 1, 2).float() / 127.5 - 1
