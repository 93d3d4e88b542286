"""Puts the committed weights where the training scripts look for them.  python restore.py"""

from __future__ import annotations

import shutil
from pathlib import Path

from safetensors import safe_open
from safetensors.torch import load_file, save_file

from starter.runtime import arguments

WEIGHTS = Path(__file__).parent / "weights"


def main() -> None:
    args = arguments(__doc__).parse_args()
    shutil.copytree(WEIGHTS / "tokenizer", args.cache / "tokenizer", dirs_exist_ok=True)
    for name, target in (("vae", "vae/vae"), ("scorer", "text/scorer"), ("starter", "unet/ema"),
                         ("lineart", "control-lineart/ema"), ("palette", "control-palette/ema")):
        path = args.cache / f"{target}.safetensors"
        path.parent.mkdir(parents=True, exist_ok=True)
        with safe_open(WEIGHTS / f"{name}.safetensors", "pt") as file:
            metadata = file.metadata()
        state = load_file(WEIGHTS / f"{name}.safetensors")
        save_file({k: v.float() for k, v in state.items()}, path, metadata)
        print(path)


if __name__ == "__main__":
    main()
