"""Writes the trained model in Stable Diffusion's layout.  python export.py OUT

Graphs as exporters of Stable Diffusion name them (text_encoder, unet, vae_decoder, vae_encoder),
dynamic in batch and size; weights as int8 with a scale a channel, cast in the graph and computed
in float32. Each graph is compared with torch, before and after the weights are rounded.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn

from simplify import simplify
from starter.pictures import SIZE
from starter.runtime import arguments
from starter.text import WIDTH
from starter.tokenizer import BOS, EOS, LENGTH, Tokenizer
from starter.unet import UNetConfig
from starter.vae import FACTOR, LATENT_CHANNELS, Autoencoder, Decoder
from starter.words import EVERYDAY
from train_unet import Model


#: Guidance that the figures in the model card were taken at.
GUIDANCE = 2.5


class TextGraph(nn.Module):
    def __init__(self, text):
        super().__init__()
        self.text = text

    def forward(self, input_ids):
        states = self.text(input_ids.to(torch.int64))
        return states, states[:, -1]


class DecoderGraph(nn.Module):
    def __init__(self, vae):
        super().__init__()
        self.vae = vae

    def forward(self, latent_sample):
        return self.vae.decode(latent_sample)


class EncoderGraph(nn.Module):
    def __init__(self, vae):
        super().__init__()
        self.vae = vae

    def forward(self, sample):
        return torch.cat(self.vae.encode(sample), 1)


def channel_axis(graph: onnx.GraphProto, name: str, rank: int) -> int:
    """The axis of output channels of a weight, by the first node that uses it."""
    node = next(n for n in graph.node if name in n.input)
    if node.op_type in ("Conv", "Gather"):
        return 0
    if node.op_type == "Gemm":
        return 0 if any(a.name == "transB" and a.i for a in node.attribute) else 1
    return rank - 1


def store_small(source: Path, target: Path) -> None:
    """Large weights become int8 times a scale a channel, or float16 where they have one axis."""
    model = onnx.load(source)
    graph, kept, before = model.graph, [], []
    for tensor in graph.initializer:
        weight = numpy_helper.to_array(tensor)
        name = tensor.name
        if weight.dtype != np.float32 or weight.size < 256:
            kept.append(tensor)
        elif weight.ndim < 2:
            kept.append(numpy_helper.from_array(weight.astype(np.float16), f"{name}.half"))
            before.append(helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT))
        else:
            axis = channel_axis(graph, name, weight.ndim)
            others = tuple(i for i in range(weight.ndim) if i != axis)
            scale = np.abs(weight).max(others, keepdims=True) / 127
            scale = np.maximum(scale, 6e-5).astype(np.float16).astype(np.float32)
            whole = np.clip(np.round(weight / scale), -127, 127).astype(np.int8)
            kept.append(numpy_helper.from_array(whole, f"{name}.int8"))
            kept.append(numpy_helper.from_array(scale.astype(np.float16), f"{name}.half"))
            before.append(helper.make_node(
                "Cast", [f"{name}.half"], [f"{name}.scale"], to=TensorProto.FLOAT))
            before.append(helper.make_node(
                "Cast", [f"{name}.int8"], [f"{name}.whole"], to=TensorProto.FLOAT))
            before.append(helper.make_node("Mul", [f"{name}.whole", f"{name}.scale"], [name]))
    nodes = [*before, *graph.node]
    shorten(nodes, kept, {v.name for v in (*graph.input, *graph.output)})
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(kept)
    onnx.checker.check_model(model)
    onnx.save(model, target)


def declare_sizes(path: Path, module: nn.Module, inputs: tuple, axes: dict) -> None:
    """Writes down the outputs' fixed sizes, where the exporter invents names for them."""
    model = onnx.load(path)
    with torch.no_grad():
        found = module(*inputs)
    for value, output in zip(model.graph.output,
                             found if isinstance(found, tuple) else (found,)):
        for axis, dim in enumerate(value.type.tensor_type.shape.dim):
            if axis not in axes[value.name]:
                dim.dim_value = output.shape[axis]
    onnx.save(model, path)


def shorten(nodes: list, tensors: list, fixed: set[str]) -> None:
    """Short names in place of the exporter's long ones: they made up 2 % of the file."""
    short = {name: name for name in fixed | {""}}

    def rename(name: str) -> str:
        return short.setdefault(name, f"{len(short):x}")

    for tensor in tensors:
        tensor.name = rename(tensor.name)
    for node in nodes:
        node.name = node.doc_string = ""
        node.input[:] = [rename(name) for name in node.input]
        node.output[:] = [rename(name) for name in node.output]


def compare(path: Path, module: nn.Module, inputs: list[tuple], names: list[str]) -> float:
    """Largest difference from torch, in deviations of torch's output, over several shapes."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    worst = 0.0
    for values in inputs:
        found = session.run(None, {n: v.numpy() for n, v in zip(names, values)})
        with torch.no_grad():
            wanted = module(*values)
        for a, b in zip(found, wanted if isinstance(wanted, tuple) else (wanted,)):
            assert a.shape == tuple(b.shape), f"{path}: {a.shape} instead of {tuple(b.shape)}"
            worst = max(worst, float(np.abs(a - b.numpy()).max() / b.std()))
    return worst


def export(module: nn.Module, inputs: list[tuple], names: list[str], outputs: list[str],
           axes: dict, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        raw = Path(folder) / "raw.onnx"
        torch.onnx.export(module.eval(), inputs[0], raw, input_names=names, output_names=outputs,
                          dynamic_axes=axes, opset_version=17, dynamo=False)
        exact = compare(raw, module, inputs, names)
        if exact > 1e-3:
            raise RuntimeError(f"{target}: differs from torch by {exact:.4f} deviations")
        declare_sizes(raw, module, inputs[0], axes)
        cases = [{n: v.numpy() for n, v in zip(names, values)} for values in inputs]
        onnx.save(simplify(onnx.load(raw), cases), raw)
        store_small(raw, target)
    rounded = compare(target, module, inputs, names)
    print(f"{'/'.join(target.parts[-2:])}: {target.stat().st_size / 1e6:.2f} MB, from torch {exact:.1e}, "
          f"with int8 weights {rounded:.3f} deviations at most")


def load_model(path: Path, vocabulary: int, eos: int) -> Model:
    with safe_open(path, "pt") as file:
        config = UNetConfig(**{k: int(v) for k, v in (file.metadata() or {}).items()
                               if k in UNetConfig.__dataclass_fields__})
    model = Model(vocabulary, eos, config).eval()
    model.begin(path)
    return model


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--weights", type=Path, help="default: unet/ema.safetensors of the cache")
    parser.add_argument("--nouns", type=int, default=1000, help="how many were taught")
    args = parser.parse_args()
    tokenizer = Tokenizer(args.cache / "tokenizer")
    model = load_model(args.weights or args.cache / "unet/ema.safetensors", len(tokenizer),
                       tokenizer.eos)
    vae = Autoencoder().eval()
    vae.load_state_dict(load_file(args.cache / "vae/vae.safetensors"))
    torch.manual_seed(args.seed)

    def ids(*texts: str) -> torch.Tensor:
        return torch.tensor([tokenizer.encode(t) for t in texts], dtype=torch.int32)

    image = {0: "batch", 2: "height", 3: "width"}
    with torch.no_grad():
        states = model.text(ids("red apple", "", "a blue car, flat style"))
    side = torch.randn(2, LATENT_CHANNELS, 16, 16)
    export(TextGraph(model.text), [(ids("red apple", ""),), (ids("a house on a blue background"),)],
           ["input_ids"], ["last_hidden_state", "pooler_output"],
           {"input_ids": {0: "batch", 1: "sequence"}, "pooler_output": {0: "batch"},
            "last_hidden_state": {0: "batch", 1: "sequence"}},
           args.out / "text_encoder/model.onnx")
    export(model.unet,
           [(side, torch.tensor([500]), states[:2]),
            (torch.randn(3, 4, 18, 24), torch.tensor([999]), states),
            (torch.randn(1, 4, 32, 16), torch.tensor([3]), torch.cat([states[:1], states[:1]], 1))],
           ["sample", "timestep", "encoder_hidden_states"], ["out_sample"],
           {"sample": image, "out_sample": image,
            "encoder_hidden_states": {0: "batch", 1: "sequence"}},
           args.out / "unet/model.onnx")
    export(DecoderGraph(vae), [(side,), (torch.randn(1, 4, 18, 24),)], ["latent_sample"],
           ["sample"], {"latent_sample": image, "sample": image},
           args.out / "vae_decoder/model.onnx")
    export(EncoderGraph(vae), [(torch.rand(2, 3, 128, 128) * 2 - 1,), (torch.rand(1, 3, 144, 192),)],
           ["sample"], ["latent_parameters"], {"sample": image, "latent_parameters": image},
           args.out / "vae_encoder/model.onnx")
    write_configs(args.out, args.cache, tokenizer, args.nouns, model.unet.config)
    files = [f for f in args.out.rglob("*") if f.is_file()]
    print(f"{sum(f.stat().st_size for f in files) / 1e6:.2f} MB in {len(files)} files")


def write_configs(out: Path, cache: Path, tokenizer: Tokenizer, nouns: int,
                  config: UNetConfig) -> None:
    def write(name: str, content) -> None:
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=2) + "\n")

    onnx_class = ["diffusers", "OnnxRuntimeModel"]
    write("model_index.json", {
        "_class_name": "ORTStableDiffusionPipeline", "_diffusers_version": "0.35.0",
        "scheduler": ["diffusers", "DDIMScheduler"], "tokenizer": ["transformers", "CLIPTokenizer"],
        "text_encoder": onnx_class, "unet": onnx_class, "vae_decoder": onnx_class,
        "vae_encoder": onnx_class, "safety_checker": [None, None],
        "feature_extractor": [None, None], "requires_safety_checker": False,
        # Latents are folded 2 x 2.
        "_underpaint_size_multiple": 2 * FACTOR,
        "_underpaint_steps": 20, "_underpaint_guidance_scale": GUIDANCE})
    write("scheduler/scheduler_config.json", {
        "_class_name": "DDIMScheduler", "beta_start": 0.00085, "beta_end": 0.012,
        "beta_schedule": "scaled_linear", "num_train_timesteps": 1000,
        "prediction_type": "v_prediction", "clip_sample": False, "set_alpha_to_one": True,
        "steps_offset": 0, "timestep_spacing": "trailing", "rescale_betas_zero_snr": False})
    special = {"bos_token": BOS, "eos_token": EOS, "pad_token": EOS, "unk_token": EOS}
    write("tokenizer/special_tokens_map.json", special)
    write("tokenizer/tokenizer_config.json", {
        "tokenizer_class": "CLIPTokenizer", "model_max_length": LENGTH, "do_lower_case": True,
        **special})
    for file in ("vocab.json", "merges.txt"):
        shutil.copy(cache / "tokenizer" / file, out / "tokenizer" / file)
    write("text_encoder/config.json", {
        "_class_name": "CLIPTextModel", "architectures": ["CLIPTextModel"], "hidden_size": WIDTH,
        "num_hidden_layers": 3, "num_attention_heads": 4, "max_position_embeddings": LENGTH,
        "vocab_size": len(tokenizer), "bos_token_id": tokenizer.bos, "eos_token_id": tokenizer.eos})
    write("unet/config.json", {
        "_class_name": "UNet2DConditionModel", "sample_size": SIZE // FACTOR,
        "in_channels": LATENT_CHANNELS, "out_channels": LATENT_CHANNELS,
        "block_out_channels": [config.fine, config.coarse],
        "cross_attention_dim": WIDTH})
    vae = {"_class_name": "AutoencoderKL", "latent_channels": LATENT_CHANNELS,
           "scaling_factor": 1.0, "sample_size": SIZE, "block_out_channels": list(Decoder.WIDTHS)}
    assert 2 ** (len(vae["block_out_channels"]) - 1) == FACTOR
    write("vae_decoder/config.json", vae)
    write("vae_encoder/config.json", vae)
    rank = {r["label"]: r["rank"] for r in json.loads((cache / "dataset.json").read_text())
            if r["rank"] < nouns}
    # Best known first, under the name that people use: notices name the first few.
    labels = sorted(rank, key=rank.__getitem__)
    known = dict.fromkeys([*(EVERYDAY.get(name, name) for name in labels), *labels])
    (out / "words.json").write_text(json.dumps(list(known)) + "\n")


if __name__ == "__main__":
    main()
