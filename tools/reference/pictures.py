"""The pictures that image-to-image starts from: smooth ramps, hard edges, fine detail, a disc."""

from pathlib import Path

import numpy as np
from PIL import Image

SIZES = [(64, 64), (96, 64)]


def synthetic_picture(width: int, height: int) -> np.ndarray:
    """Height x width x 3, uint8, from whole-number arithmetic alone so that it never varies."""
    y, x = np.mgrid[0:height, 0:width]
    picture = np.stack(
        [255 * x // (width - 1), 255 * y // (height - 1), 255 - 127 * (x + y) // (width + height)],
        axis=-1,
    )
    disc = (x - width // 3) ** 2 + (y - height // 2) ** 2 < (height // 4) ** 2
    picture[disc] = (230, 60, 40)
    picture[(x > 2 * width // 3) & (y > x - width // 3)] = (20, 40, 90)
    corner = (x < width // 4) & (y < height // 4)
    picture[corner] = np.where((x + y)[corner][:, None] % 2 == 0, 250, 5)
    return picture.astype(np.uint8)


def write_pictures(folder: Path) -> None:
    """One PNG a size, named after it: `inputs/64x64.png`."""
    folder.mkdir(parents=True, exist_ok=True)
    for width, height in SIZES:
        image = Image.fromarray(synthetic_picture(width, height))
        image.save(folder / f"{width}x{height}.png", optimize=True)
