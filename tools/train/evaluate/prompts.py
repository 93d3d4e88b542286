"""Writes prompts.json: the 500 prompts of the evaluation, each with what must be seen.

  python evaluate/prompts.py --nouns 1000       (from tools/train; needs the cache's dataset)

A hundred prompts of each kind: noun; colour + noun; noun + background; noun + style; and held-out
combinations, which captions.held_out kept from training. Half of each is about the 400 common
nouns, half about the others, and says so, so that figures can be given for both and for all.
"""

from __future__ import annotations

import json
import random
import sys
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from starter.captions import held_out, without_colour  # noqa: E402
from starter.colours import GROUNDS, SHIFTS  # noqa: E402
from starter.dataset import COMMON  # noqa: E402
from starter.runtime import arguments  # noqa: E402
from starter.words import MAIN_STYLES  # noqa: E402

#: Prompts of each kind from the common nouns, and from the others.
EACH = 50


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--nouns", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "prompts.json")
    args = parser.parse_args()
    rng = random.Random(args.seed)
    dataset = json.loads((args.cache / "dataset.json").read_text())
    styles, paintable, natural = defaultdict(set), set(), {}
    for record in dataset:
        if record["rank"] >= args.nouns:
            continue
        if record["kind"] == "painted":
            paintable.add(record["label"])
        if record["kind"] == "plain" and record["style"] in MAIN_STYLES:
            styles[record["label"]].add(record["style"])
            natural.setdefault(record["label"], set()).add(record["colour"])
    rank = {r["label"]: r["rank"] for r in dataset}
    every = sorted(styles, key=rank.__getitem__)

    def colour(name: str, held: bool) -> list[str]:
        return [w for w in SHIFTS if held_out(name, "painted", w) == held
                and w not in natural[name]]

    def ground(name: str, held: bool) -> list[str]:
        return [w for w in GROUNDS if held_out(name, "ground", w) == held]

    def style(name: str, held: bool) -> list[str]:
        return [w for w in MAIN_STYLES if w in styles[name]
                and held_out(name, "style", w) == held]

    prompts = []

    def combine(source: list[str], choices, what: str, held: bool, count: int) -> None:
        found = [(n, w) for n in source for w in choices(n, held)]
        for name, word in rng.sample(found, count):
            text = {"colour": f"{word} {without_colour(name)}",
                    "background": f"{name} on a {word} background",
                    "style": f"{name}, {word} style"}[what]
            prompts.append({"kind": "held out" if held else what, "prompt": text, "label": name,
                            what: word})

    for names in (every[:COMMON], every[COMMON:]):
        each = EACH if len(every) > COMMON else 2 * EACH
        if not names:
            continue
        # "purple heart" is no fair question about the noun "yellow heart".
        coloured = [n for n in names if n in paintable and without_colour(n) == n]
        prompts += [{"kind": "noun", "prompt": n, "label": n} for n in rng.sample(names, each)]
        for what, source, choices in (("colour", coloured, colour), ("background", names, ground),
                                      ("style", names, style)):
            combine(source, choices, what, False, each)
            combine(source, choices, what, True, each // 3 + (what == "colour") * (each % 3))
    for prompt in prompts:
        prompt["common"] = rank[prompt["label"]] < COMMON
    kinds = ["noun", "colour", "background", "style", "held out"]
    prompts.sort(key=lambda p: kinds.index(p["kind"]))
    args.out.write_text("[\n" + ",\n".join(json.dumps(p) for p in prompts) + "\n]\n")
    print(f"{len(prompts)} prompts, {len(every)} nouns")


if __name__ == "__main__":
    main()
