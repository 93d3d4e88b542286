"""Writes the image-text scorer as two graphs.  python export_scorer.py OUT

  OUT/image/model.onnx   sample [B, 3, 64, 64] in [-1, 1] -> image_embeds [B, 192], unit length
  OUT/text/model.onnx    input_ids [B, 77]                -> text_embeds  [B, 192], unit length

The score of a picture and a text is the dot product; OUT/config.json has the scale that training
ended with. The ids are those of the model's own tokenizer.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

from export import export
from starter.runtime import arguments
from starter.scorer import Scorer
from starter.text import TextEncoder
from starter.tokenizer import Tokenizer


class TextTower(nn.Module):
    def __init__(self, scorer: Scorer):
        super().__init__()
        self.scorer = scorer

    def forward(self, input_ids):
        return self.scorer.encode_text(input_ids.to(torch.int64))


def main() -> None:
    parser = arguments(__doc__, minutes=0, batch=0, lr=0)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    tokenizer = Tokenizer(args.cache / "tokenizer")
    scorer = Scorer(TextEncoder(len(tokenizer), tokenizer.eos)).eval()
    scorer.load_state_dict({k: v.float() for k, v in
                            load_file(args.cache / "text/scorer.safetensors").items()})

    def ids(*texts: str) -> torch.Tensor:
        return torch.tensor([tokenizer.encode(t) for t in texts], dtype=torch.int32)

    export(scorer.image, [(torch.rand(2, 3, 64, 64) * 2 - 1,), (torch.rand(5, 3, 64, 64),)],
           ["sample"], ["image_embeds"], {"sample": {0: "batch"}, "image_embeds": {0: "batch"}},
           args.out / "image/model.onnx")
    export(TextTower(scorer), [(ids("red apple", ""),), (ids("a blue car, flat style"),)],
           ["input_ids"], ["text_embeds"], {"input_ids": {0: "batch", 1: "sequence"},
                                            "text_embeds": {0: "batch"}},
           args.out / "text/model.onnx")
    (args.out / "config.json").write_text(json.dumps(
        {"sample_size": 64, "embedding": 192, "scale": scorer.log_scale.exp().item()}) + "\n")


if __name__ == "__main__":
    main()
