"""Makes fixtures/graphs: plain UNet exports, and what diffusers computes when it is given residuals.

    python tools/reference/plain_unets.py

Three small UNets with random weights: the one of fixtures/models, one with the twelve skip
connections of Stable Diffusion 1.5, one with the nine of Stable Diffusion XL. None of the graphs has
residual inputs. For each network, `<network>.safetensors` has the inputs, the residuals, the features
that T2I-Adapters add inside the encoder, and diffusers' outputs without them ("plain"), with the
residuals ("steered") and with both ("featured"), in float32: once with the weights as they are, once
("half.") with weights and inputs rounded to float16, which is what a float16 graph computes but for
its own rounding.
"""

import copy
import hashlib
import logging
import os
import shutil
import sys
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import diffusers
import numpy as np
import onnx
import onnxruntime
import onnxscript
import safetensors.numpy
import torch
from diffusers import UNet2DConditionModel
from torch import Tensor, nn

from export import OPSET, save, trace
from graphs import Graph, GraphPort, GraphStyle, unet_graph
from models import build_components, randomize, tune_unet
from tiny_tokenizer import build_vocab, read_merges, write_json
from variants import in_dtype

OUT = Path(__file__).resolve().parents[2] / "fixtures" / "graphs"
# Not square, and the smallest that three halvings leave something of.
HEIGHT, WIDTH = 16, 24


class XlGraph(nn.Module):
    """Stable Diffusion XL's network with its two further inputs, as optimum exports it."""

    def __init__(self, unet: UNet2DConditionModel) -> None:
        super().__init__()
        self.unet = unet

    def forward(
        self, sample: Tensor, timestep: Tensor, encoder_hidden_states: Tensor,
        text_embeds: Tensor, time_ids: Tensor,
    ) -> Tensor:
        added = {"text_embeds": text_embeds, "time_ids": time_ids}
        result = self.unet(sample, timestep, encoder_hidden_states, added_cond_kwargs=added)
        return result.sample


def twelve_skips() -> UNet2DConditionModel:
    """Stable Diffusion 1.5's blocks: four, of two resnets each, attention in all but the last."""
    return UNet2DConditionModel(
        sample_size=8, block_out_channels=(4, 4, 8, 8), norm_num_groups=2,
        cross_attention_dim=8, attention_head_dim=2,
    )


def nine_skips() -> UNet2DConditionModel:
    """Stable Diffusion XL's blocks: three, the first without attention."""
    return UNet2DConditionModel(
        sample_size=8, block_out_channels=(4, 8, 8), norm_num_groups=2,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        transformer_layers_per_block=(1, 1, 2), cross_attention_dim=8, attention_head_dim=(1, 2, 4),
        use_linear_projection=True, addition_embed_type="text_time", addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=8 + 6 * 8,
    )


@dataclass(frozen=True)
class Variant:
    """One graph: a folder of fixtures/graphs, or a file that fixtures/models has already."""

    name: str
    network: str
    exporter: str
    dtype: torch.dtype = torch.float32
    external: str | None = None
    existing: str | None = None


HALF = torch.float16
VARIANTS = [
    Variant("torchscript-fp32", "tiny", "torchscript", existing="tiny"),
    Variant("torchscript-fp32-external", "tiny", "torchscript", existing="tiny-legacy"),
    Variant("torchscript-fp16", "tiny", "torchscript", HALF),
    Variant("torchscript-fp16-external", "tiny", "torchscript", HALF, existing="tiny-fp16"),
    Variant("torchscript-fp16-fp32io", "tiny", "torchscript", HALF, existing="tiny-fp16-fp32io"),
    Variant("dynamo-fp32", "tiny", "dynamo"),
    Variant("dynamo-fp32-external", "tiny", "dynamo", external="model.onnx.data"),
    Variant("dynamo-fp16", "tiny", "dynamo", HALF),
    Variant("dynamo-fp16-external", "tiny", "dynamo", HALF, external="model.onnx.data"),
    Variant("twelve-dynamo", "twelve", "dynamo"),
    Variant("xl-torchscript", "xl", "torchscript"),
    Variant("xl-dynamo", "xl", "dynamo"),
]


def graph_of(network: str, unet: UNet2DConditionModel, dtype: torch.dtype) -> Graph:
    style = GraphStyle(weights=dtype, io=dtype, timestep=dtype)
    graph = unet_graph(in_dtype(unet, dtype), style)
    # The newer exporter takes a side of 1, which 8 would be halved to, for one that is always 1.
    sample, *rest = graph.inputs
    sample = replace(sample, example=torch.randn(2, 4, HEIGHT, WIDTH).to(dtype))
    graph = replace(graph, inputs=[sample, *rest])
    if network != "xl":
        return graph
    more = [
        GraphPort("text_embeds", {0: "batch_size"}, torch.randn(2, 8)),
        GraphPort("time_ids", {0: "batch_size"}, torch.randn(2, 6)),
    ]
    return replace(graph, module=XlGraph(graph.module.unet), inputs=[*graph.inputs, *more])


def export_dynamo(graph: Graph, keep_shapes: bool) -> onnx.ModelProto:
    """torch.onnx.export(dynamo=True), without the notes on the source that it leaves in the file.

    What it says of the shapes of all values goes too where it would double a small file.
    """
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            graph.module,
            tuple(port.example for port in graph.inputs),
            dynamo=True,
            verbose=False,
            opset_version=OPSET,
            input_names=[port.name for port in graph.inputs],
            output_names=[port.name for port in graph.outputs],
            dynamic_shapes={
                port.name: dict.fromkeys(port.axes, torch.export.Dim.DYNAMIC)
                for port in graph.inputs
            },
        )
    model = program.model_proto
    for part in [*model.graph.node, *model.graph.value_info, *model.graph.initializer,
                 *model.graph.input, *model.graph.output, model.graph, model]:
        del part.metadata_props[:]
    if not keep_shapes:
        del model.graph.value_info[:]
    return model


def reference(network: str, unet: UNet2DConditionModel) -> dict[str, Tensor]:
    """Inputs and residuals at random, and diffusers' outputs."""
    generator = torch.Generator().manual_seed(5)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    inputs = {
        "sample": normal(2, 4, HEIGHT, WIDTH),
        "timestep": torch.tensor(500.0),
        "encoder_hidden_states": normal(2, 7, unet.config.cross_attention_dim),
    }
    if network == "xl":
        inputs |= {"text_embeds": normal(2, 8), "time_ids": normal(2, 6) * 100}
    shapes = kept_shapes(unet, inputs)
    residuals = [normal(*shape) * 0.7 for shape in shapes]
    tensors = dict(inputs)
    tensors |= {f"down.{i}": value for i, value in enumerate(residuals[:-1])}
    tensors["mid"] = residuals[-1]
    features = [normal(*shape) * 0.4 for shape in feature_shapes(unet, inputs)]
    tensors |= {f"encoder.{i}": value for i, value in enumerate(features)}
    half = in_dtype(in_dtype(unet, HALF), torch.float32)
    rounded = {name: value.to(HALF).float() for name, value in inputs.items()}
    rounded_residuals = [value.to(HALF).float() for value in residuals]
    rounded_features = [value.to(HALF).float() for value in features]
    tensors["plain"] = run(unet, inputs)
    tensors["steered"] = run(unet, inputs, residuals)
    tensors["half.plain"] = run(half, rounded)
    tensors["half.steered"] = run(half, rounded, rounded_residuals)
    tensors["featured"] = run(unet, inputs, residuals, features)
    tensors["half.featured"] = run(half, rounded, rounded_residuals, rounded_features)
    return tensors


@torch.no_grad()
def run(
    unet: UNet2DConditionModel, inputs: dict[str, Tensor], residuals: list[Tensor] | None = None,
    features: list[Tensor] | None = None,
) -> Tensor:
    added = {key: inputs[key] for key in ("text_embeds", "time_ids") if key in inputs}
    return unet(
        inputs["sample"], inputs["timestep"], inputs["encoder_hidden_states"],
        added_cond_kwargs=added or None,
        down_block_additional_residuals=tuple(residuals[:-1]) if residuals else None,
        mid_block_additional_residual=residuals[-1] if residuals else None,
        # diffusers takes them out of the list.
        down_intrablock_additional_residuals=list(features) if features else None,
    ).sample


def kept_shapes(unet: UNet2DConditionModel, inputs: dict[str, Tensor]) -> list[torch.Size]:
    """The shapes of diffusers' down_block_res_samples, and of the middle block's end."""
    shapes: list[torch.Size] = []

    def after_block(_module, _args, output) -> None:
        shapes.extend(part.shape for part in output[1])

    hooks = [block.register_forward_hook(after_block) for block in unet.down_blocks]
    hooks.append(unet.conv_in.register_forward_hook(lambda *at: shapes.append(at[2].shape)))
    hooks.append(unet.mid_block.register_forward_hook(lambda *at: shapes.append(at[2].shape)))
    run(unet, inputs)
    for hook in hooks:
        hook.remove()
    return shapes


def feature_shapes(unet: UNet2DConditionModel, inputs: dict[str, Tensor]) -> list[torch.Size]:
    """The shapes of what diffusers adds features to: one for each block, and the middle's end."""
    shapes: list[torch.Size] = []

    def after_block(block, _args, output) -> None:
        sample, kept = output
        attends = getattr(block, "has_cross_attention", False)
        shapes.append(kept[-2].shape if attends and block.downsamplers else sample.shape)

    hooks = [block.register_forward_hook(after_block) for block in unet.down_blocks]
    hooks.append(unet.mid_block.register_forward_hook(lambda *at: shapes.append(at[2].shape)))
    run(unet, inputs)
    for hook in hooks:
        hook.remove()
    return shapes


def check_condition(unet: UNet2DConditionModel, tensors: dict[str, Tensor]) -> None:
    """Refuses weights that blow the last bit of a float32 up: a test could ask for no precision."""
    double = {key: value.double() for key, value in tensors.items()}
    down = sum(key.startswith("down.") for key in tensors)
    residuals = [double[f"down.{i}"] for i in range(down)] + [double["mid"]]
    precise = copy.deepcopy(unet).double()
    count = sum(key.startswith("encoder.") for key in tensors)
    features = [double[f"encoder.{i}"] for i in range(count)]
    for key, given, bound in (
        ("plain", (), 3e-6), ("steered", (residuals,), 3e-6),
        # What is added inside runs through all that follows, and with it the last bits.
        ("featured", (residuals, features), 5e-6),
    ):
        wanted = run(precise, double, *given)
        error = float((double[key] - wanted).abs().max() / wanted.abs().max())
        if error > bound:
            raise AssertionError(f"float32 is off by {error:.1e} with these weights")


def check(file: Path, variant: Variant, tensors: dict[str, Tensor]) -> None:
    """Refuses a graph that computes something else than diffusers."""
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    feeds = {}
    for port in session.get_inputs():
        value = tensors[port.name].numpy()
        kind = {"tensor(float)": np.float32, "tensor(float16)": np.float16,
                "tensor(int64)": np.int64}[port.type]
        value = value.astype(kind)
        feeds[port.name] = value.reshape((1,)) if port.shape == [1] else value
        if port.shape == ["batch_size"]:
            feeds[port.name] = np.full(2, value)
    (out,) = session.run(None, feeds)
    wanted = tensors["plain" if variant.dtype == torch.float32 else "half.plain"].numpy()
    error = float(np.abs(out.astype(np.float32) - wanted).max() / np.abs(wanted).max())
    bound = 1e-5 if variant.dtype == torch.float32 else 1e-2
    print(f"{variant.name}: {file.stat().st_size} bytes, differs by {error:.1e}")
    if error > bound:
        raise AssertionError(f"{variant.name} differs from diffusers by {error}")


def digests(file: Path) -> dict[str, str]:
    """What the onnx package reads in a file, as SHA-256 of lines: operators, and weights."""
    model = onnx.load(file)
    graph = model.graph
    operators = [
        "|".join([
            node.domain, node.op_type, node.name, ",".join(node.input), ",".join(node.output),
            ",".join(attribute.name for attribute in node.attribute),
        ])
        for node in graph.node
    ]
    weights = []
    for tensor in graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        data = hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()
        dims = ",".join(map(str, tensor.dims))
        weights.append(f"{tensor.name}|{values.dtype}|{dims}|{data}")
    return {
        "operators": hashlib.sha256("\n".join(operators).encode()).hexdigest(),
        "weights": hashlib.sha256("\n".join(weights).encode()).hexdigest(),
    }


def main() -> int:
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    networks = {
        "tiny": copy.deepcopy(build_components(len(build_vocab(read_merges()))).unet),
        "twelve": twelve_skips(),
        "xl": nine_skips(),
    }
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    index = []
    for name, unet in networks.items():
        if name != "tiny":
            randomize(unet, seed=106)
            tune_unet(unet)
        unet.eval().requires_grad_(False)
        tensors = reference(name, unet)
        check_condition(unet, tensors)
        arrays = {key: value.contiguous().numpy() for key, value in tensors.items()}
        safetensors.numpy.save_file(arrays, OUT / f"{name}.safetensors")
        (OUT / f"{name}.safetensors").chmod(0o644)
        latents = tensors["sample"].shape[2]
        sizes, encoder = (
            [{"channels": shape[1], "downscale": round(latents / shape[2])} for shape in shapes]
            for shapes in (kept_shapes(unet, tensors), feature_shapes(unet, tensors))
        )
        for variant in (variant for variant in VARIANTS if variant.network == name):
            if variant.existing:
                file = OUT.parent / "models" / variant.existing / "unet" / "model.onnx"
            else:
                torch.manual_seed(0)
                graph = graph_of(name, unet, variant.dtype)
                if variant.exporter == "torchscript":
                    model = trace(graph)
                else:
                    model = export_dynamo(graph, keep_shapes=name == "tiny")
                file = OUT / variant.name / "model.onnx"
                save(model, file, variant.external)
                if variant.external:
                    (file.parent / variant.external).chmod(0o644)
            check(file, variant, tensors)
            index.append({
                "name": variant.name,
                "file": os.path.relpath(file, OUT).replace(os.sep, "/"),
                "reference": f"{name}.safetensors",
                "exporter": variant.exporter,
                "weights": str(variant.dtype).removeprefix("torch."),
                "down": sizes[:-1],
                "mid": sizes[-1],
                "encoder": encoder,
                "sha256": digests(file),
            })
    versions = {module.__name__: module.__version__ for module in (torch, diffusers, onnx, onnxscript)}
    write_json(
        OUT / "index.json",
        {"madeBy": "tools/reference/plain_unets.py", "versions": versions, "graphs": index},
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
