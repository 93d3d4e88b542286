"""Makes the training set from the drawn icons.  python build_data.py

Writes to the cache: dataset.json (one record a variant), variants.npy (their pictures),
tokenizer/, and tools/train/data/manifest.csv: every picture that is used, with its licence.
"""

from __future__ import annotations

import csv
import json
import random
from collections import Counter
from pathlib import Path

import numpy as np
from PIL import Image

from starter import pictures, tokenizer
from starter.captions import caption, held_out
from starter.colours import GROUNDS, SHIFTS, Picture
from starter.labels import label
from starter.runtime import arguments
from starter.words import EVERYDAY, HOUSE_STYLE, STYLE_WORDS, ranked

MANIFEST = Path(__file__).parent / "data/manifest.csv"
#: Groups of emojibase whose things may have another colour: not faces of people, not signs.
_PAINTABLE = {0, 3, 4, 5, 6, 7}


def variants(record: dict, rgba: np.ndarray, rng: random.Random, each: int):
    """Yields (kind, word, colour, pixels) for a drawing: as it is, on grounds, in other colours.

    ``each`` grounds and colours; all of them in the house style.
    """
    each = max(len(GROUNDS), len(SHIFTS)) if record["style"] == HOUSE_STYLE else each
    picture = Picture(rgba)
    if picture.area < 240:
        return
    yield "plain", None, picture.colour, picture.on((255, 255, 255))
    name = record["label"]
    grounds = [w for w in GROUNDS if not held_out(name, "ground", w)]
    for word in rng.sample(grounds, min(each, len(grounds))):
        yield "ground", word, picture.colour, picture.on(GROUNDS[word])
    if not picture.can_change or record["group"] not in _PAINTABLE:
        return
    words = [w for w in SHIFTS if w != picture.colour and not held_out(name, "painted", w)]
    for word in rng.sample(words, min(each, len(words))):
        yield "painted", word, picture.colour, picture.painted(word)


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--each", type=int, default=3, help="grounds and colours a drawing")
    parser.add_argument("--merges", type=int, default=2000, help="of the tokenizer")
    parser.add_argument("--keep-tokenizer", action="store_true",
                        help="as it is in the cache: trained weights know no other")
    args = parser.parse_args()
    rng = random.Random(args.seed)
    rgba, records = pictures.load(args.cache)
    label(records)
    order = {name: i for i, name in enumerate(ranked(records))}

    dataset, pixels, used = [], [], []
    for index, record in enumerate(records):
        if record["label"] not in order:
            continue
        used.append((index, record))
        for kind, word, colour, image in variants(record, rgba[index], rng, args.each):
            dataset.append({
                "picture": index, "kind": kind, "word": word, "colour": colour,
                "label": record["label"], "rank": order[record["label"]],
                "tags": record["tags"][:8], "style": record["style"], "group": record["group"],
                "style_held_out": held_out(record["label"], "style", record["style"]),
            })
            pixels.append(image)
    # A run may have the former file mapped: it keeps it.
    (args.cache / "variants.npy").unlink(missing_ok=True)
    np.save(args.cache / "variants.npy", np.stack(pixels))
    (args.cache / "dataset.json").write_text(json.dumps(dataset))

    frequency: Counter[str] = Counter()
    for record in dataset:
        for _ in range(3):
            frequency.update(tokenizer.split(caption(record, rng)))
    for name in [*EVERYDAY.values(), *(w for words in STYLE_WORDS.values() for w in words)]:
        frequency.update(tokenizer.split(name) * 20)
    if not args.keep_tokenizer:
        tokenizer.train(frequency, args.merges, args.cache / "tokenizer")

    with MANIFEST.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["package", "version", "icon", "label", "licence"])
        for _, r in used:
            writer.writerow([r["package"], r["version"], r["icon"], r["label"], r["licence"]])
    print(f"{len(used)} drawings of {len(order)} nouns, {len(dataset)} variants",
          Counter(r["kind"] for r in dataset))
    show, side = rng.sample(range(len(dataset)), 128), pictures.SIZE
    sheet = np.stack([pixels[i] for i in show]).reshape(8, 16, side, side, 3).transpose(0, 2, 1, 3, 4)
    Image.fromarray(sheet.reshape(8 * side, 16 * side, 3)).save(args.cache / "variants.png")
    for i in show[:16]:
        print(caption(dataset[i], rng))


if __name__ == "__main__":
    main()
