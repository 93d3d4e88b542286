"""Writes the two controls beside an exported model.  python export_control.py OUT

  OUT/controlnet_lineart/model.onnx   sample, timestep, encoder_hidden_states, controlnet_cond
  OUT/controlnet_palette/model.onnx   controlnet_cond
      -> down_block_res_sample_0 ... 2, mid_block_res_sample

``controlnet_cond`` is RGB in [0, 1] of the picture's size: white lines on black; or a grid of
colours of 16 x 16 pixels a cell. OUT/model_index.json is told of both.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn

from export import export
from starter.control import CELL, make
from starter.pictures import SIZE
from starter.runtime import arguments
from starter.text import WIDTH
from starter.unet import UNetConfig
from starter.vae import FACTOR, LATENT_CHANNELS

#: Both halves of the guidance get the palette's residuals, so that guidance amplifies the words and
#: not the palette. What it gives is made stronger by this much; chosen by evaluate/control.mjs.
PALETTE_STRENGTH = 1.5
OUTPUTS = [*(f"down_block_res_sample_{i}" for i in range(3)), "mid_block_res_sample"]


class AsTuple(nn.Module):
    def __init__(self, control):
        super().__init__()
        self.control = control

    def forward(self, *inputs):
        return tuple(self.control(*inputs))


def load_control(path: Path, kind: str):
    with safe_open(path, "pt") as file:
        config = UNetConfig(**{k: int(v) for k, v in (file.metadata() or {}).items()
                               if k in UNetConfig.__dataclass_fields__})
    control = make(kind, config).eval()
    control.load_state_dict({k: v.float() for k, v in load_file(path).items()})
    return control


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--lineart", type=Path, help="default: control-lineart/ema.safetensors")
    parser.add_argument("--palette", type=Path, help="default: control-palette/ema.safetensors")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    axes = {0: "batch", 2: "height", 3: "width"}
    # The residuals' sizes are the hint's, an eighth and a sixteenth.
    fine, coarse = ({0: "batch", 2: f"height_{k}", 3: f"width_{k}"} for k in (8, 16))
    out_axes = dict(zip(OUTPUTS, (fine, fine, coarse, coarse)))
    for kind in ("lineart", "palette"):
        control = load_control(
            getattr(args, kind) or args.cache / f"control-{kind}/ema.safetensors", kind)
        if kind == "palette":
            for parameter in control.zeros.parameters():
                parameter.data *= PALETTE_STRENGTH
        folder = args.out / f"controlnet_{kind}"
        hint = {"controlnet_cond": {0: "batch", 2: "hint_height", 3: "hint_width"}}
        if kind == "lineart":
            text = torch.randn(3, 77, WIDTH)
            cases = [(torch.randn(2, 4, 16, 16), torch.tensor([500]), text[:2],
                      torch.rand(2, 3, 128, 128)),
                     (torch.randn(1, 4, 18, 24), torch.tensor([3]), text[:1],
                      (torch.rand(1, 3, 144, 192) > 0.8).float()),
                     (torch.randn(3, 4, 32, 16), torch.tensor([999]), text[:, :24],
                      torch.rand(3, 3, 256, 128))]
            names = ["sample", "timestep", "encoder_hidden_states", "controlnet_cond"]
            inputs = {"sample": axes, "encoder_hidden_states": {0: "batch", 1: "sequence"}, **hint}
        else:
            cases = [(torch.rand(2, 3, 128, 128),), (torch.rand(1, 3, 144, 192),)]
            names, inputs = ["controlnet_cond"], hint
        export(AsTuple(control), cases, names, OUTPUTS, {**inputs, **out_axes},
               folder / "model.onnx")
        (folder / "config.json").write_text(json.dumps({
            "_class_name": "ControlNetModel",
            "sample_size": SIZE // FACTOR, "in_channels": LATENT_CHANNELS,
            "conditioning_channels": 3, "cross_attention_dim": WIDTH,
            "block_out_channels": [control.config.fine, control.config.coarse],
            **({} if kind == "lineart" else {"_underpaint_cell": CELL})}, indent=2) + "\n")
    path = args.out / "model_index.json"
    index = json.loads(path.read_text())
    index["_underpaint_controls"] = {k: f"controlnet_{k}" for k in ("lineart", "palette")}
    path.write_text(json.dumps(index, indent=2) + "\n")


if __name__ == "__main__":
    main()
