"""Writes held-out.png: the drawings that the autoencoder never saw, on white, 25 in a row.

  python evaluate/held_out.py      (from tools/train; needs the cache's drawings)
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from starter import pictures  # noqa: E402
from starter.lines import on  # noqa: E402
from starter.runtime import arguments  # noqa: E402

COLUMNS = 25


def main() -> None:
    args = arguments(__doc__).parse_args()
    rgba, records = pictures.load(args.cache)
    held = [i for i, record in enumerate(records) if pictures.held_out(record)]
    # Whole rows: an empty place would count as a drawing.
    held = held[: len(held) // COLUMNS * COLUMNS]
    x = np.stack([on(rgba[i], 255) for i in held])
    side = pictures.SIZE
    x = x.reshape(-1, COLUMNS, side, side, 3).transpose(0, 2, 1, 3, 4)
    path = Path(__file__).parent / "held-out.png"
    Image.fromarray(x.reshape(-1, COLUMNS * side, 3)).save(path, optimize=True)
    print(f"{len(held)} drawings, {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
