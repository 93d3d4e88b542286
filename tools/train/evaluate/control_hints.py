"""Writes hints/: what the controls are measured with.  python evaluate/control_hints.py

Lines of 24 drawings that were held out of the controls' training, one pixel wide; 12 things drawn
by hand (below), in strokes of about two pixels that no drawing has; colour grids of 24 held-out
pictures, and four that are of nothing. hints.json says what each is of.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from starter import pictures  # noqa: E402
from starter.dataset import COMMON  # noqa: E402
from starter.lines import UNIT, maps  # noqa: E402
from starter.runtime import arguments  # noqa: E402

#: Strokes in a square of 64; "~" before a stroke rounds its corners, "o" is (x, y, rx, ry).
DRAWN = {
    "house": ["8,32 32,9 56,32", "14,28 14,57 50,57 50,28", "27,57 27,42 37,42 37,57",
              "19,36 24,36 24,42 19,42 19,36", "41,36 46,36 46,42 41,42 41,36"],
    "red apple": ["~32,20 24,15 12,20 9,34 16,50 26,58 32,56 38,58 48,50 55,34 52,20 40,15 32,20",
                  "~32,20 33,13 37,8", "~37,14 44,8 50,9 44,15 37,14"],
    "umbrella": ["~7,32 12,16 32,8 52,16 57,32", "~7,32 13,28 20,32", "~20,32 26,28 32,32",
                 "~32,32 38,28 44,32", "~44,32 51,28 57,32", "~32,32 32,50 30,56 25,56 23,51"],
    "star": ["32,6 40,25 60,26 44,39 50,58 32,47 14,58 20,39 4,26 24,25 32,6"],
    "red heart": ["~32,56 12,38 6,24 12,12 23,10 32,20 41,10 52,12 58,24 52,38 32,56"],
    "mushroom": ["~7,34 10,18 32,7 54,18 57,34 32,38 7,34", "~25,37 23,52 28,57 36,57 41,52 39,37",
                 "o22,22,4,4", "o38,18,5,4", "o47,28,3,3"],
    "sailboat": ["8,44 56,44 48,56 16,56 8,44", "30,44 30,8", "30,10 30,38 10,38 30,10",
                 "34,16 34,38 52,38 34,16"],
    "fish": ["~8,32 20,18 38,18 48,32 38,46 20,46 8,32", "48,32 58,20 58,44 48,32", "o19,28,2,2",
             "~30,20 34,32 30,44"],
    "automobile": ["~6,44 7,34 18,31 24,20 44,20 51,31 58,34 58,44", "6,44 12,44", "24,44 40,44",
                   "52,44 58,44", "o18,45,6,6", "o46,45,6,6", "24,30 28,23 33,23 33,30 24,30",
                   "36,23 42,23 47,30 36,30 36,23"],
    "deciduous tree": ["~28,58 29,46 22,44", "~36,58 35,46 42,44", "28,58 36,58",
                       "~22,44 12,42 9,30 14,20 22,10 34,6 46,12 54,24 53,36 46,43 42,44"],
    "hot beverage": ["10,26 46,26 42,54 14,54 10,26", "~45,31 54,30 55,40 44,44",
                     "~20,20 17,14 21,8", "~34,20 31,14 35,8", "6,58 50,58"],
    "balloon": ["~32,44 16,34 13,20 21,9 32,6 43,9 51,20 48,34 32,44", "28,48 32,44 36,48 28,48",
                "~32,48 34,52 30,56 33,61"],
}


def rounded(points: np.ndarray) -> np.ndarray:
    """Catmull-Rom through the points."""
    p = np.concatenate([[2 * points[0] - points[1]], points, [2 * points[-1] - points[-2]]])
    if np.array_equal(points[0], points[-1]):
        p[0], p[-1] = points[-2], points[1]
    t = np.linspace(0, 1, 8, endpoint=False)[:, None]
    parts = [0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2
                    + (3 * b - 3 * c + d - a) * t**3)
             for a, b, c, d in zip(p, p[1:], p[2:], p[3:])]
    return np.concatenate([*parts, points[-1:]])


def draw(strokes: list[str], rng: np.random.Generator) -> np.ndarray:
    """White on black; drawn four times as large, with an unsteady hand, and reduced."""
    canvas = np.zeros((512, 512), np.uint8)
    for stroke in strokes:
        if stroke[0] == "o":
            x, y, a, b = map(float, stroke[1:].split(","))
            turn = np.linspace(0, 2 * np.pi, 24)
            points = np.stack([x + a * np.cos(turn), y + b * np.sin(turn)], 1)
        else:
            points = np.array([[float(v) for v in pair.split(",")]
                               for pair in stroke.lstrip("~").split()])
            points = points + rng.normal(0, 0.4, (1, 2))
            if stroke[0] == "~":
                points = rounded(points)
        cv2.polylines(canvas, [np.round(points * 8 + 4).astype(np.int32)], False, 255, 8)
    return cv2.resize(canvas, (pictures.SIZE, pictures.SIZE), interpolation=cv2.INTER_AREA)


def main() -> None:
    args = arguments(__doc__).parse_args()
    out = Path(__file__).parent / "hints"
    out.mkdir(exist_ok=True)
    rgba, _ = pictures.load(args.cache)
    records = json.loads((args.cache / "dataset.json").read_text())
    pixels = np.load(args.cache / "variants.npy", mmap_mode="r")
    held = [i for i, r in enumerate(records)
            if pictures.drawing_held_out(r["picture"]) and r["rank"] < COMMON]
    plain = [i for i in held if records[i]["kind"] == "plain"]
    lines, grids = [], []
    for k, i in enumerate(plain[:: len(plain) // 24][:24]):
        edges = maps(rgba[records[i]["picture"]])[..., 0] < UNIT
        Image.fromarray(edges).save(out / f"lines-{k:02d}.png")
        lines.append({"file": f"lines-{k:02d}.png", "label": records[i]["label"], "drawn": False})
    rng = np.random.default_rng(args.seed)
    for k, (label, strokes) in enumerate(DRAWN.items()):
        Image.fromarray(draw(strokes, rng)).save(out / f"drawn-{k:02d}.png", optimize=True)
        lines.append({"file": f"drawn-{k:02d}.png", "label": label, "drawn": True})
    for k, i in enumerate(held[7 :: len(held) // 24][:24]):
        cells = pixels[i].reshape(8, 16, 8, 16, 3).mean((1, 3))
        Image.fromarray(cells.round().astype(np.uint8)).save(out / f"grid-{k:02d}.png")
        grids.append({"file": f"grid-{k:02d}.png", "label": records[i]["label"], "made": False})
    up = np.linspace(0, 1, 8)[:, None, None]
    for k, (label, top, bottom) in enumerate((
            ("sailboat", (250, 170, 90), (40, 60, 140)), ("deciduous tree", (150, 210, 250), (90, 160, 70)),
            ("house", (250, 220, 235), (120, 90, 160)), ("cat", (255, 240, 200), (200, 120, 60)))):
        cells = np.broadcast_to(np.array(top) * (1 - up) + np.array(bottom) * up, (8, 8, 3))
        name = f"made-{k:02d}.png"
        Image.fromarray(cells.round().astype(np.uint8)).save(out / name)
        grids.append({"file": name, "label": label, "made": True})
    rows = [f'  "{key}": [\n    ' + ",\n    ".join(json.dumps(x) for x in some) + "\n  ]"
            for key, some in (("lines", lines), ("grids", grids))]
    (out / "hints.json").write_text("{\n" + ",\n".join(rows) + "\n}\n")
    print(f"{len(lines)} line drawings, {len(grids)} grids")


if __name__ == "__main__":
    main()
