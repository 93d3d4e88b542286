"""Gathers what a later run starts from into weights/, in half precision.  python commit_weights.py"""

from __future__ import annotations

import shutil

from safetensors import safe_open
from safetensors.torch import load_file, save_file

from restore import WEIGHTS
from starter.runtime import arguments


def main() -> None:
    args = arguments(__doc__).parse_args()
    WEIGHTS.mkdir(exist_ok=True)
    for name, source in (("starter", "unet/ema"), ("vae", "vae/vae"), ("scorer", "text/scorer"),
                         ("lineart", "control-lineart/ema"), ("palette", "control-palette/ema")):
        path = args.cache / f"{source}.safetensors"
        with safe_open(path, "pt") as file:
            metadata = file.metadata()
        target = WEIGHTS / f"{name}.safetensors"
        save_file({k: v.half() for k, v in load_file(path).items()}, target, metadata)
        print(f"{target.name}: {target.stat().st_size / 1e6:.1f} MB")
    shutil.copytree(args.cache / "tokenizer", WEIGHTS / "tokenizer", dirs_exist_ok=True)


if __name__ == "__main__":
    main()
