"""CLIP's byte-level byte-pair encoding (lower case, "</w>" ends a word): training and use.

Radford et al. 2021; the files are those that every CLIP tokenizer reads: vocab.json, merges.txt.
Captions are ASCII, so that this reader's pattern agrees with CLIP's on all that it is used for.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from pathlib import Path

BOS, EOS = "<|startoftext|>", "<|endoftext|>"
LENGTH = 77
_PATTERN = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d|[^\W\d_]+|\d|(?:[^\s\w]|_)+")


def _byte_letters() -> list[str]:
    """A printable letter for each byte, as GPT-2 chose them."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {b: chr(b) for b in kept}
    for b in range(256):
        letters.setdefault(b, chr(256 + len(letters) - len(kept)))
    return [*(letters[b] for b in kept), *(letters[b] for b in range(256) if b not in kept)]


def split(text: str) -> list[str]:
    return _PATTERN.findall(re.sub(r"\s+", " ", text.lower()).strip())


def _merge(symbols: list[str], pair: tuple[str, str]) -> list[str]:
    merged, i = [], 0
    while i < len(symbols):
        if tuple(symbols[i : i + 2]) == pair:
            merged.append(symbols[i] + symbols[i + 1])
            i += 2
        else:
            merged.append(symbols[i])
            i += 1
    return merged


def train(frequency: Counter[str], merges: int, folder: Path) -> None:
    """Learns the merges from word counts and writes vocab.json and merges.txt."""
    words = {w: [*w[:-1], w[-1] + "</w>"] for w in frequency}
    counts: Counter[tuple[str, str]] = Counter()
    where: dict[tuple[str, str], set[str]] = defaultdict(set)

    def count(word: str, sign: int) -> None:
        for pair in zip(words[word], words[word][1:]):
            counts[pair] += sign * frequency[word]
            where[pair].add(word)

    for word in words:
        count(word, 1)
    learned: list[tuple[str, str]] = []
    while len(learned) < merges and counts:
        best = max(counts, key=lambda p: (counts[p], p))
        if counts[best] < 2:
            break
        learned.append(best)
        for word in list(where[best]):
            count(word, -1)
            words[word] = _merge(words[word], best)
            count(word, 1)
        del counts[best]
    letters = _byte_letters()
    vocabulary = [*letters, *(x + "</w>" for x in letters), *("".join(p) for p in learned)]
    vocabulary = list(dict.fromkeys([*vocabulary, BOS, EOS]))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(
        json.dumps({t: i for i, t in enumerate(vocabulary)}, ensure_ascii=False))
    (folder / "merges.txt").write_text(
        "#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in learned))


class Tokenizer:
    """Reads a folder with vocab.json and merges.txt."""

    def __init__(self, folder: Path):
        self.vocabulary: dict[str, int] = json.loads((folder / "vocab.json").read_text())
        lines = (folder / "merges.txt").read_text().split("\n")[1:]
        self._rank = {tuple(x.split(" ")): i for i, x in enumerate(lines) if x}
        self._known: dict[str, list[int]] = {}
        self.bos, self.eos = self.vocabulary[BOS], self.vocabulary[EOS]

    def __len__(self) -> int:
        return len(self.vocabulary)

    def _word(self, word: str) -> list[int]:
        if word not in self._known:
            symbols = [*word[:-1], word[-1] + "</w>"]
            while len(symbols) > 1:
                best = min(zip(symbols, symbols[1:]), key=lambda p: self._rank.get(p, 1e9))
                if best not in self._rank:
                    break
                symbols = _merge(symbols, best)
            self._known[word] = [self.vocabulary[s] for s in symbols]
        return self._known[word]

    def encode(self, text: str, length: int = LENGTH) -> list[int]:
        """Ids with start and end, padded with the end token, cut to ``length``."""
        ids = [i for word in split(text) for i in self._word(word)][: length - 2]
        return [self.bos, *ids, *[self.eos] * (length - 1 - len(ids))]
