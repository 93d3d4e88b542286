"""Line drawings of the training pictures: white lines on black, in as many manners as people draw.

From each drawing four maps are made once (``maps``); what a network sees of them is varied anew each
time (``manners``, ``moved``, ``draw_lines``), so that it learns lines and not one extractor.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import distance_transform_edt
from torch import Tensor

#: The maps of a drawing, in this order. The first two are distances to the nearest line, an eighth
#: of a pixel a unit, from which lines of any width can be drawn; the others are lines as they are.
MAPS = ("edges", "outline", "xdog", "lineart_standard")
UNIT = 8
#: How often each manner is shown.
_SHARES = torch.tensor([0.72, 0.12, 0.08, 0.08])


def canny(rgb: np.ndarray) -> np.ndarray:
    """Edges as booleans, thresholds 100 and 200, on the colour picture as annotators do."""
    return cv2.Canny(np.ascontiguousarray(rgb), 100, 200) > 0


def xdog(rgb: np.ndarray) -> np.ndarray:
    """Extended difference of Gaussians, sigmas 0.5 and 5, threshold 32; bytes, white lines."""
    x = rgb.astype(np.float32)
    difference = 255 - (cv2.GaussianBlur(x, (0, 0), 5) - cv2.GaussianBlur(x, (0, 0), 0.5)).min(2)
    return np.where(2 * (255 - difference) > 32, 255, 0).astype(np.uint8)


def lineart_standard(rgb: np.ndarray) -> np.ndarray:
    """Darkness against the surroundings (sigma 6), scaled by its median; bytes, white lines."""
    x = rgb.astype(np.float32)
    found = np.clip((cv2.GaussianBlur(x, (0, 0), 6) - x).min(2), 0, 255)
    strong = found[found > 8]
    scale = max(16.0, float(np.median(strong)) if len(strong) else 16.0)
    return np.clip(found / scale * 127, 0, 255).astype(np.uint8)


def on(rgba: np.ndarray, ground: int) -> np.ndarray:
    """The drawing over a grey ground, bytes."""
    alpha = rgba[..., 3:].astype(np.float32) / 255
    return (rgba[..., :3] * alpha + ground * (1 - alpha)).astype(np.uint8)


def maps(rgba: np.ndarray) -> np.ndarray:
    """[128, 128, 4] bytes of a drawing: see ``MAPS``."""
    white = on(rgba, 255)
    solid = (rgba[..., 3] > 128).astype(np.uint8)
    # White things on white have no edges: the outline is known from where the drawing ends.
    outline = (solid - cv2.erode(solid, np.ones((3, 3), np.uint8), borderValue=0)) > 0
    inner = canny(white) | (canny(on(rgba, 128)) & (cv2.erode(solid, np.ones((3, 3), np.uint8)) > 0))
    near = cv2.dilate(outline.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    edges = outline | (inner & ~near)
    far = [np.minimum(distance_transform_edt(~e) * UNIT, 255).astype(np.uint8)
           if e.any() else np.full(e.shape, 255, np.uint8) for e in (edges, outline)]
    return np.stack([*far, xdog(white), lineart_standard(white)], -1)


def warp(x: Tensor, most: float) -> Tensor:
    """A hand's unsteadiness: a smooth shift of up to ``most`` pixels, another for each picture."""
    b, _, h, w = x.shape
    shift = torch.randn(b, 2, 6, 6).clamp(-1.5, 1.5) / 1.5 * most * torch.rand(b, 1, 1, 1)
    shift = F.interpolate(shift, (h, w), mode="bicubic", align_corners=True).permute(0, 2, 3, 1)
    still = F.affine_grid(torch.eye(2, 3).expand(b, 2, 3), [b, 1, h, w], align_corners=False)
    return F.grid_sample(x, still + shift * 2 / torch.tensor([w, h]), padding_mode="border",
                         align_corners=False)


def manners(count: int) -> Tensor:
    """Which of ``MAPS`` each of so many pictures is drawn from."""
    return torch.multinomial(_SHARES, count, replacement=True)


def moved(pictures: Tensor, drawn: Tensor, manner: Tensor) -> tuple[Tensor, Tensor]:
    """Pictures [B, 3, h, w] and a map of each [B, H, W], bytes, of the manner that is given; most of
    them turned, shrunk, shifted, mirrored. The maps may be larger than the pictures.

    The denoiser knows where a thing's drawing usually is; a control that only ever saw lines where
    the denoiser expects them would not learn to overrule it.
    """
    b = len(pictures)
    still = (torch.rand(b) < 0.3).float()[:, None, None]
    scale = 1 + 0.35 * torch.rand(b)  # of the place that is looked up: the thing becomes smaller
    angle = torch.randn(b) * 0.15
    mirror = torch.where(torch.rand(b) < 0.5, -1.0, 1.0)
    cos, sin = scale * angle.cos(), scale * angle.sin()
    shift = (torch.rand(2, b) * 2 - 1) * (0.06 + 0.6 * (scale - 1))
    affine = torch.stack([cos * mirror, -sin, shift[0], sin * mirror, cos, shift[1]], 1).view(b, 2, 3)
    affine = still * torch.eye(2, 3) + (1 - still) * affine
    grid, fine = (F.affine_grid(affine, [b, 1, *x.shape[-2:]], align_corners=False)
                  for x in (pictures, drawn))
    ground = pictures[:, :, :1, :1]
    found = F.grid_sample(pictures - ground, grid, "bicubic", align_corners=False) + ground
    # Distances grow as the thing does; beyond the border everything is far.
    distances = (manner < 2)[:, None, None, None]
    x = drawn[:, None].float()
    x = F.grid_sample(torch.where(distances, 255 - x, x), fine, align_corners=False)
    shrunk = torch.where(still.view(b) > 0, 1, scale)[:, None, None, None]
    x = torch.where(distances, (255 - x) / shrunk, x).clamp(0, 255)
    return found.clamp(-1, 1), x


def draw_lines(drawn: Tensor, manner: Tensor) -> Tensor:
    """Maps [B, 1, H, W], 0 to 255, of the manner that is given -> hints [B, 3, H, W] in [0, 1]."""
    count = len(drawn)
    x = warp(drawn, 1.2)
    width = torch.rand(count, 1, 1, 1) * 3.4 + 0.6
    stroked = (width / 2 + 0.5 - x / UNIT).clamp(0, 1)
    # Extractors' maps: as they are, or cut to black and white.
    level = torch.rand(count, 1, 1, 1) * 0.5 + 0.15
    soft = x / 255
    soft = torch.where(torch.rand(count, 1, 1, 1) < 0.3, (soft > level).float(), soft)
    lines = torch.where((manner < 2)[:, None, None, None], stroked, soft)
    # Hand-drawn lines have gaps; some sheets are drawn faintly.
    patches = F.interpolate(torch.rand(count, 1, 8, 8), x.shape[2:], mode="bilinear")
    holes = torch.where(torch.rand(count, 1, 1, 1) < 0.3, torch.rand(count, 1, 1, 1) * 0.25 + 0.1, 0)
    lines = lines * (patches > holes)
    faint = torch.where(torch.rand(count, 1, 1, 1) < 0.3, torch.rand(count, 1, 1, 1) * 0.5 + 0.5, 1)
    return (lines * faint).expand(-1, 3, -1, -1).contiguous()


def f_score(found: np.ndarray, wanted: np.ndarray, tolerance: float = 2) -> tuple[float, float, float]:
    """F-score, precision and recall of one set of edge pixels against another, with slack."""
    if not found.any() or not wanted.any():
        return 0.0, 0.0, 0.0
    precision = (distance_transform_edt(~wanted)[found] <= tolerance).mean()
    recall = (distance_transform_edt(~found)[wanted] <= tolerance).mean()
    return 2 * precision * recall / max(precision + recall, 1e-9), float(precision), float(recall)
