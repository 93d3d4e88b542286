"""The drawn icons: RGBA pictures and the records that tell where each comes from."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch.nn.functional as F
from torch import Tensor

#: Side of the pictures that the model makes.
SIZE = 128
#: One label in this many is held out of the autoencoder's training, to measure it honestly.
HELD_OUT = 25


def load(cache: Path) -> tuple[np.ndarray, list[dict]]:
    """RGBA bytes [N, 128, 128, 4] (mapped, not read) and one record a picture."""
    records = json.loads((cache / "pictures.json").read_text())
    shape = (len(records), SIZE, SIZE, 4)
    return np.memmap(cache / "pictures.rgba", np.uint8, "r", shape=shape), records


def halved(pictures: Tensor) -> Tensor:
    """[B, C, 128, 128] -> [B, C, 64, 64], which is all that encoder, scorer and judge look at."""
    return F.avg_pool2d(pictures, 2)


def held_out(record: dict) -> bool:
    """By name, which most sets share, so that few drawings of the same thing are in training."""
    name = record["icon"].replace("-", "")
    return sum(ord(c) * (i + 1) for i, c in enumerate(name)) % HELD_OUT == 0


def drawing_held_out(index: int) -> bool:
    """One drawing in twenty-four, whose thing is known from other sets: for controls and scorer."""
    return index % 24 == 5
