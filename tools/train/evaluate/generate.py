"""Makes the evaluation's pictures from the ONNX files, in Python.

  python evaluate/generate.py MODEL OUT [--limit 100] [--seeds 1]

Writes OUT/0000.png ... in the order of prompts.json. Any other pipeline that writes the same files
can be measured by measure.py as well.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from starter.diffusion import sample  # noqa: E402
from starter.runtime import arguments  # noqa: E402
from starter.tokenizer import Tokenizer  # noqa: E402


class Pipeline:
    """The four graphs' text-to-image path: DDIM, 20 steps, guidance 4."""

    def __init__(self, folder: Path, threads: int = 2):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.text, self.unet, self.decoder = (
            onnxruntime.InferenceSession(folder / part / "model.onnx", options,
                                         providers=["CPUExecutionProvider"])
            for part in ("text_encoder", "unet", "vae_decoder"))
        self.tokenizer = Tokenizer(folder / "tokenizer")
        side = json.loads((folder / "unet/config.json").read_text())["sample_size"]
        self.size = (side, side)

    def _states(self, prompts: list[str]) -> torch.Tensor:
        ids = np.array([self.tokenizer.encode(p) for p in prompts], np.int32)
        return torch.from_numpy(self.text.run(None, {"input_ids": ids})[0])

    def _predict(self, x, t, text, bias):
        return torch.from_numpy(self.unet.run(None, {
            "sample": x.numpy(), "timestep": t.numpy(), "encoder_hidden_states": text.numpy()})[0])

    def __call__(self, prompts: list[str], seed: int = 0, **options) -> np.ndarray:
        """Bytes [N, H, W, 3]; the prompts share one stream of noise."""
        x = sample(self._predict, self._states(prompts), self._states([""]), seed,
                   size=self.size, **options)
        x = self.decoder.run(None, {"latent_sample": x.numpy()})[0]
        return ((x.clip(-1, 1) + 1) * 127.5).round().astype(np.uint8).transpose(0, 2, 3, 1)


def main() -> None:
    parser = arguments(__doc__, minutes=0, batch=20, lr=0)
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--prompts", type=Path, default=Path(__file__).parent / "prompts.json")
    parser.add_argument("--every", type=int, default=1, help="take one prompt in so many")
    parser.add_argument("--guidance", type=float, default=4.0)
    parser.add_argument("--steps", type=int, default=20)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    args.out.mkdir(parents=True, exist_ok=True)
    pipeline = Pipeline(args.model, args.threads)
    prompts = [p["prompt"] for p in json.loads(args.prompts.read_text())]
    numbers = list(range(0, len(prompts), args.every))
    for i in range(0, len(numbers), args.batch):
        part = numbers[i : i + args.batch]
        pictures = pipeline([prompts[k] for k in part], args.seed + i, guidance=args.guidance,
                            steps=args.steps)
        for k, picture in zip(part, pictures):
            Image.fromarray(picture).save(args.out / f"{k:04d}.png")
    print(f"{len(numbers)} pictures in {args.out}")


if __name__ == "__main__":
    main()
