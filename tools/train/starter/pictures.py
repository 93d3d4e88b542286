"""The drawn icons: RGBA pictures and the records that tell where each comes from."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

SIZE = 64
#: One label in this many is held out of the autoencoder's training, to measure it honestly.
HELD_OUT = 25


def load(cache: Path) -> tuple[np.ndarray, list[dict]]:
    """RGBA bytes [N, 64, 64, 4] (mapped, not read) and one record a picture."""
    records = json.loads((cache / "pictures.json").read_text())
    shape = (len(records), SIZE, SIZE, 4)
    return np.memmap(cache / "pictures.rgba", np.uint8, "r", shape=shape), records


def held_out(record: dict) -> bool:
    """By name, which most sets share, so that few drawings of the same thing are in training."""
    name = record["icon"].replace("-", "")
    return sum(ord(c) * (i + 1) for i, c in enumerate(name)) % HELD_OUT == 0


def drawing_held_out(index: int) -> bool:
    """One drawing in twenty-four, whose thing is known from other sets: for controls and scorer."""
    return index % 24 == 5
