"""Colour words: which one a picture has, and pictures with another colour or ground."""

from __future__ import annotations

import numpy as np

#: Upper hue edges in degrees of the colour words.
_EDGES = np.array([12, 42, 68, 165, 262, 295, 342])
_HUES = ["red", "orange", "yellow", "green", "blue", "purple", "pink", "red"]

#: Word -> hue in degrees, factors of saturation and value. Hue None: drained of colour.
SHIFTS: dict[str, tuple[float | None, float, float]] = {
    "red": (0, 1, 1), "orange": (28, 1, 1), "yellow": (52, 1, 1), "green": (115, 1, 1),
    "blue": (215, 1, 1), "purple": (278, 1, 1), "pink": (325, 0.8, 1.1), "brown": (24, 1, 0.6),
    "black": (None, 0.08, 0.35), "gray": (None, 0.05, 0.85),
}

#: Grounds that captions name.
GROUNDS: dict[str, tuple[int, int, int]] = {
    "red": (235, 70, 70), "orange": (255, 165, 60), "yellow": (255, 225, 90),
    "green": (110, 200, 110), "blue": (90, 160, 240), "purple": (165, 110, 215),
    "pink": (255, 165, 200), "black": (20, 20, 20), "gray": (170, 170, 170),
}


def to_hsv(rgb: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bytes [..., 3] -> hue in degrees, saturation and value in [0, 1]."""
    rgb = rgb.astype(np.float32) / 255
    high, low = rgb.max(-1), rgb.min(-1)
    span = np.maximum(high - low, 1e-6)
    r, g, b = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    hue = np.where(high == r, (g - b) / span % 6,
                   np.where(high == g, (b - r) / span + 2, (r - g) / span + 4))
    hue = np.where(high - low > 1e-6, hue, 0)
    return hue * 60, (high - low) / np.maximum(high, 1e-6), high


def from_hsv(hue: np.ndarray, saturation: np.ndarray, value: np.ndarray) -> np.ndarray:
    """The inverse, as floats in [0, 255]."""
    sector = (np.array([5.0, 3.0, 1.0], np.float32) + (hue % 360)[..., None] / 60) % 6
    part = np.clip(np.minimum(sector, 4 - sector), 0, 1)
    return 255 * value[..., None] * (1 - saturation[..., None] * part)


class Picture:
    """One RGBA picture [H, W, 4] with its main colour, if it has one."""

    def __init__(self, rgba: np.ndarray):
        self.alpha = rgba[..., 3:].astype(np.float32) / 255
        self.rgb = rgba[..., :3]
        self.hue, self.saturation, self.value = to_hsv(self.rgb)
        self.area = int((rgba[..., 3] > 128).sum())
        #: The colour word, or None where no colour has 60 % of the coloured area.
        self.colour: str | None = None
        self._main_hue: float | None = None
        self._find_colour(rgba[..., 3] > 128)

    def _find_colour(self, opaque: np.ndarray) -> None:
        coloured = opaque & (self.saturation > 0.3) & (self.value > 0.25)
        if coloured.sum() <= 0.35 * opaque.sum():
            grey = opaque & (self.saturation < 0.2)
            if grey.sum() > 0.6 * opaque.sum() and np.median(self.value[opaque]) < 0.3:
                self.colour = "black"
            return
        bins = np.digitize(self.hue[coloured], _EDGES) % 7
        counts = np.bincount(bins, minlength=7)
        main = int(counts.argmax())
        if counts[main] <= 0.6 * counts.sum():
            return
        chosen = self.hue[coloured][bins == main]
        self._main_hue = float(np.median(np.where(chosen > 342, chosen - 360, chosen)))
        self.colour = _HUES[main]
        if self.colour == "orange" and np.median(self.value[coloured]) < 0.62:
            self.colour = "brown"

    @property
    def can_change(self) -> bool:
        return self._main_hue is not None

    def on(self, ground: tuple[int, int, int]) -> np.ndarray:
        """The picture over a ground, bytes [H, W, 3]."""
        return self._over(self.rgb, ground)

    def painted(self, word: str) -> np.ndarray:
        """The picture with its main colour changed to another, on white."""
        hue, saturation, value = SHIFTS[word]
        shift = 0 if hue is None else hue - (self._main_hue or 0)
        # Greys have no hue to turn; turning their noise would speckle them.
        turned = np.where(self.saturation > 0.08, self.hue + shift, self.hue)
        rgb = from_hsv(turned, np.clip(self.saturation * saturation, 0, 1),
                       np.clip(self.value * value, 0, 1))
        return self._over(rgb, (255, 255, 255))

    def _over(self, rgb: np.ndarray, ground: tuple[int, int, int]) -> np.ndarray:
        mixed = rgb * self.alpha + np.array(ground, np.float32) * (1 - self.alpha)
        return mixed.clip(0, 255).astype(np.uint8)
