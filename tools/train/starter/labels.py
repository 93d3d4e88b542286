"""Which thing a picture shows: emojibase's label, tags and group for an icon's name."""

from __future__ import annotations

import json
import re
from pathlib import Path

EMOJIBASE = Path(__file__).parents[1] / "data/node_modules/emojibase-data/en/data.json"

#: fxemoji has names of its own for things that the other sets have too.
OTHER_NAMES = {
    "frontfacingchick": "front facing baby chick", "hampster": "hamster",
    "blackheartsuit": "heart suit", "blackspadesuit": "spade suit", "gamedie": "game die",
    "tropicalfish": "tropical fish", "whitesun": "sun", "speedboat": "speedboat",
}


def plain(text: str) -> str:
    """Lower case, ASCII letters, digits and apostrophes, single spaces."""
    text = text.lower().replace("’", "'").replace("&", " and ").replace("ñ", "n")
    return re.sub(r"\s+", " ", re.sub(r"[^a-z0-9' ]+", " ", text)).strip()


def squeezed(text: str) -> str:
    return re.sub(r"[' ]", "", plain(text))


def label(records: list[dict], emojibase: Path = EMOJIBASE) -> None:
    """Adds ``label``, ``tags``, ``group`` to each record in place; label None where unknown."""
    entries = json.loads(emojibase.read_text())
    by_code = {e["hexcode"].replace("-FE0F", "").upper(): e for e in entries}
    by_name = {squeezed(e["label"]): e for e in entries}
    for record in records:
        code = (record["hexcode"] or "").replace("-FE0F", "").upper()
        name = OTHER_NAMES.get(record["icon"], record["icon"]).replace("-", " ")
        entry = by_code.get(code) or by_name.get(squeezed(name))
        record["label"] = plain(entry["label"]) if entry else None
        tags = [plain(t) for t in entry.get("tags", [])] if entry else []
        record["tags"] = [t for t in tags if t and t != record["label"]]
        record["group"] = entry.get("group", -1) if entry else -1
