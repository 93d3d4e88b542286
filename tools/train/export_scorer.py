"""Writes the image-text scorer as two graphs.  python export_scorer.py OUT

  OUT/scorer/image.onnx   sample [B, 3, 64, 64] in [-1, 1] -> image_embeds [B, 192], unit length
  OUT/scorer/text.onnx    input_ids [B, 77]                -> text_embeds  [B, 192], unit length

The score of a picture and a text is the dot product; times the scale in OUT/scorer/config.json it
is what training took the softmax of, over the texts that are to be told apart. The ids are those of
the model's own tokenizer.
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
from starter.text import WIDTH, TextEncoder
from starter.tokenizer import LENGTH, Tokenizer


class TextTower(nn.Module):
    def __init__(self, scorer: Scorer):
        super().__init__()
        self.scorer = scorer

    def forward(self, input_ids):
        return self.scorer.encode_text(input_ids.to(torch.int64))


def main() -> None:
    parser = arguments(__doc__)
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
           args.out / "scorer/image.onnx")
    export(TextTower(scorer), [(ids("red apple", ""),), (ids("a blue car, flat style"),)],
           ["input_ids"], ["text_embeds"], {"input_ids": {0: "batch", 1: "sequence"},
                                            "text_embeds": {0: "batch"}},
           args.out / "scorer/text.onnx")
    scale = scorer.log_scale.clamp(max=4.6).exp().item()
    (args.out / "scorer/config.json").write_text(json.dumps({
        "image_size": 64, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5],
        "max_position_embeddings": LENGTH, "projection_dim": WIDTH,
        "logit_scale": round(scale, 4)}, indent=2) + "\n")


if __name__ == "__main__":
    main()
