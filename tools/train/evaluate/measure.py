"""Measures pictures against their prompts.  python evaluate/measure.py PICTURES

PICTURES holds 0000.png ... in the order of prompts.json (generate.py, or any other pipeline).
Prints, for each kind of prompt: how often the judge names the noun (top 1, top 5), the colour, the
ground and the style that were asked for, and how near the nearest training picture is. Writes
PICTURES/sheet.png: 64 pictures, every so-manyeth, unpicked, with their prompts beneath.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageDraw

sys.path.insert(0, str(Path(__file__).parents[1]))

from starter.runtime import arguments  # noqa: E402

HERE = Path(__file__).parent
KINDS = ("noun", "colour", "background", "style", "held out")


def judged(pictures: np.ndarray) -> list[np.ndarray]:
    """Order of the judge's classes, best first, for noun, style, colour, ground."""
    session = onnxruntime.InferenceSession(HERE / "judge/model.onnx")
    x = pictures.transpose(0, 3, 1, 2).astype(np.float32) / 127.5 - 1
    parts = [session.run(None, {"sample": x[i : i + 64]}) for i in range(0, len(x), 64)]
    return [np.argsort(-np.concatenate(part), 1) for part in zip(*parts)]


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


def sheet(pictures: np.ndarray, texts: list[str], path: Path) -> None:
    """64 pictures, eight in a row."""
    chosen = np.linspace(0, len(pictures) - 1, min(64, len(pictures))).round().astype(int)
    canvas = Image.new("RGB", (8 * 136, -(-len(chosen) // 8) * 152), "white")
    draw = ImageDraw.Draw(canvas)
    for place, k in enumerate(chosen):
        left, top = place % 8 * 136 + 4, place // 8 * 152 + 4
        canvas.paste(Image.fromarray(pictures[k]), (left, top))
        draw.text((left, top + 130), texts[k][:24], fill="black")
    canvas.save(path)


def main() -> None:
    parser = arguments(__doc__, minutes=0, batch=0, lr=0)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--nouns", type=int, default=1000, help="how many were taught")
    parser.add_argument("--prompts", type=Path, default=HERE / "prompts.json")
    args = parser.parse_args()
    every = json.loads(args.prompts.read_text())
    files = sorted(args.pictures.glob("[0-9]*.png"))
    pictures = np.stack([np.asarray(Image.open(f).convert("RGB")) for f in files])
    prompts = [every[int(f.stem)] for f in files]
    labels = json.loads((HERE / "judge/labels.json").read_text())
    noun, style, colour, ground = judged(pictures)
    near, nearby, apart = nearest(pictures, args.cache, args.nouns)
    heads = {"colour": (colour, labels["colour"]), "background": (ground, labels["ground"]),
             "style": (style, labels["style"])}

    def share(hits: list[bool]) -> str:
        return f"{100 * np.mean(hits):5.1f} % of {len(hits)}" if hits else "-"

    groups = [(k, lambda p, k=k: p["kind"] == k) for k in KINDS]
    groups += [("common", lambda p: p.get("common", True)), ("rare", lambda p: not p.get("common", True)),
               ("all", lambda p: True)]
    for kind, belongs in groups:
        rows = [i for i, p in enumerate(prompts) if belongs(p)]
        if not rows:
            continue
        first = [labels["noun"][noun[i, 0]] == prompts[i]["label"] for i in rows]
        five = [prompts[i]["label"] in [labels["noun"][k] for k in noun[i, :5]] for i in rows]
        line = f"{kind:10s} noun {share(first)}, top 5 {share(five)}"
        both = []
        for what, (order, words) in heads.items():
            asked = [i for i in rows if what in prompts[i]]
            if asked:
                right = [words[order[i, 0]] == prompts[i][what] for i in asked]
                line += f"; {what} {share(right)}"
                both += [r and labels["noun"][noun[i, 0]] == prompts[i]["label"]
                         for r, i in zip(right, asked)]
        if both:
            line += f"; with the noun {share(both)}"
        print(f"{line}; nearest {np.median(near[rows]):.3f}")
    print(f"nearest training picture: median {np.median(near):.3f} (10th percentile "
          f"{np.percentile(near, 10):.3f}); two drawings of the training set: median "
          f"{np.median(apart):.3f}")
    # A second opinion that owes nothing to the judge; styles that were held out have no drawing.
    for what, key in (("noun", "label"), ("style", "style")):
        asked = [i for i, p in enumerate(prompts) if key in p and p["kind"] != "held out"]
        print(f"the nearest one has the {what} asked for: "
              f"{share([nearby[i][key] == prompts[i][key] for i in asked])}")
    sheet(pictures, [p["prompt"] for p in prompts], args.pictures / "sheet.png")


if __name__ == "__main__":
    main()
