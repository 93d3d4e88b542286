"""Captions: a new one is drawn for a picture each time that it is seen."""

from __future__ import annotations

import hashlib
import random
import re

from .words import EVERYDAY, STYLE_WORDS

#: Share of captions that name no style. The same for every style: seeds differ by that.
_UNSTYLED = 0.45

_COLOUR_WORD = re.compile(r"\b(red|orange|yellow|green|blue|purple|pink|brown|black|violet)\b")


def without_colour(text: str) -> str:
    """Drops colour words, but never all words ("orange" the fruit stays)."""
    rest = re.sub(r"\s+", " ", _COLOUR_WORD.sub("", text)).strip()
    return rest or text


def held_out(label: str, kind: str, value: str) -> bool:
    """One combination in ten is never seen in training, so that what is new can be measured."""
    return hashlib.sha256(f"{label}|{kind}|{value}".encode()).digest()[0] < 26


def caption(record: dict, rng: random.Random) -> str:
    """A caption of a training picture.

    ``record``: ``label``, ``tags``, ``style`` and ``colour`` of the drawing; ``kind`` is "plain",
    "ground" (``word`` names the ground) or "painted" (``word`` is the new colour).
    """
    label, tags, kind = record["label"], record["tags"], record["kind"]
    text = EVERYDAY[label] if label in EVERYDAY and rng.random() < 0.5 else label
    draw = rng.random()
    if tags and draw < 0.12:
        text += ", " + ", ".join(rng.sample(tags, min(len(tags), rng.randint(1, 3))))
    elif len(tags) >= 2 and draw < 0.16:
        text = ", ".join(rng.sample(tags, min(len(tags), rng.randint(2, 4))))
    if kind == "painted":
        text = f"{record['word']} {without_colour(text)}"
    elif record["colour"] and record["colour"] not in text and rng.random() < 0.25:
        text = f"{record['colour']} {without_colour(text)}"
    if rng.random() < 0.2:
        text = "a " + text
    if kind == "ground":
        place = rng.choice((" on a {} background", " on a {} background", ", {} background",
                            " on {}"))
        text += place.format(record["word"])
    if rng.random() >= _UNSTYLED:
        style, draw = rng.choice(STYLE_WORDS[record["style"]]), rng.random()
        if draw < 0.6:
            text = f"{text}, {style} style"
        else:
            text = f"{style} style {text}" if draw < 0.8 else f"{text} in {style} style"
    return text
