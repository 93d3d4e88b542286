"""Tells memorised from new.  python evaluate/nearest.py PICTURES

PICTURES holds 0000.png ... in the order of prompts.json, as evaluate.mjs writes them. Prints, for each
kind of prompt, how near the nearest training picture is, and how often that one has the noun and the
style that were asked for: an opinion that owes nothing to the judge.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from starter.runtime import arguments  # noqa: E402

KINDS = ("noun", "colour", "background", "style", "held out")


def nearest(pictures: np.ndarray, cache: Path,
            nouns: int) -> tuple[np.ndarray, list[dict], np.ndarray]:
    """Root mean square distance (in units of the range) to the nearest training variant, and its
    record; and, for comparison, the distance of a training drawing to the nearest other one."""
    records = json.loads((cache / "dataset.json").read_text())
    pixels = np.load(cache / "variants.npy", mmap_mode="r")
    index = [i for i, r in enumerate(records) if r["rank"] < nouns and not r["style_held_out"]]
    small = shrink(np.stack([pixels[i] for i in index]))
    apart = distances(shrink(pictures), small)
    found = apart.min(1)
    nearby = [records[index[k]] for k in apart.argmin(1)]
    plain = [k for k, i in enumerate(index) if records[i]["kind"] == "plain"]
    some = plain[:: max(1, len(plain) // 300)]
    between = distances(small[some], small[plain])
    own = np.array([[records[index[a]]["picture"] == records[index[b]]["picture"] for b in plain]
                    for a in some])
    return found, nearby, np.where(own, np.inf, between).min(1)


def shrink(pictures: np.ndarray) -> np.ndarray:
    """To 16 x 16, where a shift by a pixel matters little; flat float vectors in [0, 1]."""
    count = len(pictures)
    side = pictures.shape[1] // 16
    x = pictures.reshape(count, 16, side, 16, side, 3).astype(np.float32).mean((2, 4)) / 255
    return x.reshape(count, -1)


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    squares = (a * a).sum(1)[:, None] + (b * b).sum(1)[None] - 2 * a @ b.T
    return np.sqrt(np.maximum(squares, 0) / a.shape[1])


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--nouns", type=int, default=1000, help="how many were taught")
    parser.add_argument("--prompts", type=Path, default=Path(__file__).parent / "prompts.json")
    args = parser.parse_args()
    every = json.loads(args.prompts.read_text())
    files = sorted(args.pictures.glob("[0-9]*.png"))
    pictures = np.stack([np.asarray(Image.open(f).convert("RGB")) for f in files])
    prompts = [every[int(f.stem)] for f in files]
    near, nearby, apart = nearest(pictures, args.cache, args.nouns)
    for kind in KINDS:
        rows = [i for i, p in enumerate(prompts) if p["kind"] == kind]
        if rows:
            print(f"{kind:10s} nearest training picture: median {np.median(near[rows]):.3f}")
    print(f"{'all':10s} nearest training picture: median {np.median(near):.3f} (10th percentile "
          f"{np.percentile(near, 10):.3f}); from a training drawing to the nearest other one: median "
          f"{np.median(apart):.3f}")
    # What was held out has no drawing that could be the nearest.
    for what, key in (("noun", "label"), ("style", "style")):
        asked = [i for i, p in enumerate(prompts) if key in p and p["kind"] != "held out"]
        right = np.mean([nearby[i][key] == prompts[i][key] for i in asked])
        print(f"the nearest one has the {what} asked for: {100 * right:.1f} % of {len(asked)}")


if __name__ == "__main__":
    main()
