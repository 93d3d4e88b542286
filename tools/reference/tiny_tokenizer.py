"""A CLIP tokenizer with a small vocabulary.

It is a real one: the first merges of the published list, and ids in CLIP's order (256 byte symbols,
the same 256 at a word's end, one token a merge, the two markers), so that whatever reads CLIP's
files reads these. Only the text encoder's embedding table is spared: 1,114 rows and not 49,408.
"""

import gzip
import json
from pathlib import Path

from transformers import CLIPTokenizer

START, END = "<|startoftext|>", "<|endoftext|>"
MERGES_FILE = Path(__file__).parent / "data" / "clip_merges_600.txt"
MODEL_MAX_LENGTH = 77

# Only the first 48,894 of the published list's lines belong to CLIP's vocabulary of 49,408.
CLIP_MERGES = 48_894


def read_merges(file: Path = MERGES_FILE) -> list[str]:
    """The merges of `file`: the short list kept here, or the whole published .txt.gz."""
    if file.suffix == ".gz":
        with gzip.open(file, "rt", encoding="utf-8") as stream:
            return stream.read().split("\n")[1 : CLIP_MERGES + 1]
    return file.read_text(encoding="utf-8").splitlines()


def byte_symbols() -> list[str]:
    """The printable character that stands for each byte, in the order that CLIP numbers them.

    Bytes that Latin-1 prints stand for themselves and come first; the others are lifted past 255.
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    lifted = 256 - len(printable)
    return [chr(byte) for byte in printable] + [chr(256 + i) for i in range(lifted)]


def build_vocab(merges: list[str]) -> dict[str, int]:
    """Token to id, in CLIP's order."""
    symbols = byte_symbols()
    tokens = [
        *symbols,
        *(symbol + "</w>" for symbol in symbols),
        *(merge.replace(" ", "") for merge in merges),
        START,
        END,
    ]
    vocab = {token: index for index, token in enumerate(tokens)}
    if len(vocab) != len(tokens):
        raise ValueError("two merges give the same token, so ids would have gaps")
    return vocab


def write_tokenizer(folder: Path, merges: list[str], pad_token: str = END) -> None:
    """Writes the four files that exporters put beside a Stable Diffusion model.

    `pad_token` is the end marker in Stable Diffusion 1 and "!" (id 0) in Stable Diffusion 2.
    """
    folder.mkdir(parents=True, exist_ok=True)
    vocab = build_vocab(merges)
    write_json(folder / "vocab.json", vocab, indent=None)
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges, ""]), encoding="utf-8")
    special = {"bos_token": START, "eos_token": END, "pad_token": pad_token, "unk_token": END}
    write_json(folder / "special_tokens_map.json", special)
    config = {
        "add_prefix_space": False,
        **special,
        "do_lower_case": True,
        "errors": "replace",
        "model_max_length": MODEL_MAX_LENGTH,
        "tokenizer_class": "CLIPTokenizer",
    }
    write_json(folder / "tokenizer_config.json", config)


def write_tokenizer_json(folder: Path) -> None:
    """Adds the `tokenizer.json` that today's transformers writes in place of vocab and merges."""
    CLIPTokenizer.from_pretrained(folder).backend_tokenizer.save(str(folder / "tokenizer.json"))


def write_json(file: Path, value: object, indent: int | None = 2) -> None:
    """JSON as the rest of the fixtures have it: UTF-8, unescaped, one newline at the end."""
    file.write_text(json.dumps(value, indent=indent, ensure_ascii=False) + "\n", encoding="utf-8")
