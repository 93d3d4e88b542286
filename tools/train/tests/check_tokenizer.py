"""Our tokenizer against transformers' CLIPTokenizer, on captions and other ASCII text.

  python tests/check_tokenizer.py       (needs transformers; not in requirements.txt)
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from transformers import CLIPTokenizer  # noqa: E402

from export import write_configs  # noqa: E402
from starter.captions import caption  # noqa: E402
from starter.runtime import CACHE  # noqa: E402
from starter.tokenizer import Tokenizer  # noqa: E402
from starter.unet import UNetConfig  # noqa: E402

ours = Tokenizer(CACHE / "tokenizer")
with tempfile.TemporaryDirectory() as folder:
    write_configs(Path(folder), CACHE, ours, 400, UNetConfig())
    theirs = CLIPTokenizer.from_pretrained(f"{folder}/tokenizer")
rng = random.Random(0)
texts = [caption(r, rng) for r in json.loads((CACHE / "dataset.json").read_text())[::20]]
texts += ["", "  a  RED apple!! ", "it's 2026, isn't it?", "x" * 200, "100%_sure -- (yes)", "a\tb\nc"]
for text in texts:
    wanted = theirs(text, padding="max_length", truncation=True, max_length=77)["input_ids"]
    assert ours.encode(text) == wanted, (text, ours.encode(text), wanted)
print(f"{len(texts)} texts, all ids equal")
