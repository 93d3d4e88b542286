"""Writes a model of Stable Diffusion 1.5's size and layout, with random weights.

    python tools/reference/sd15_random.py FOLDER [--dtype float16] [--controlnet] [--check]

It serves to measure what a real model costs (loading, memory, time in and outside of the graphs)
without downloading one; its pictures are noise. 4.3 GB on disk in float32, half of that in float16.
With --controlnet another 1.4 GB: a ControlNet of that size, in the folder controlnet.

The weights never exist in memory: the modules are traced over untouched pages, which the system
maps to nothing, and the numbers go straight to the external files from one pool of normals.
"""

import argparse
import math
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import torch
from diffusers import AutoencoderKL, ControlNetModel, UNet2DConditionModel
from onnx import TensorProto, helper
from torch import nn
from transformers import CLIPTextConfig

import graphs
from controls import ControlNetGraph
from export import trace
from graphs import Graph, GraphStyle
from models import Components, TextEncoder
from tiny_tokenizer import MERGES_FILE, read_merges, write_json, write_tokenizer
from variants import Variant, library_version, model_index, write_config

EXTERNAL = "model.onnx_data"
# Tensors begin on a page, so that a runtime may map them instead of copying.
ALIGNMENT = 4096
POOL_SIZE = 1 << 24
CLIP_VOCAB = 49_408


def build_components() -> Components:
    """Stable Diffusion 1.5's three networks, over memory that nobody has written to."""
    with torch.device("meta"):
        text_encoder = TextEncoder(
            CLIPTextConfig(
                vocab_size=CLIP_VOCAB,
                hidden_size=768,
                intermediate_size=3072,
                num_hidden_layers=12,
                num_attention_heads=12,
                max_position_embeddings=77,
                hidden_act="quick_gelu",
                # What the published config says: the encoder then looks for the highest id.
                bos_token_id=0,
                eos_token_id=2,
                attn_implementation="eager",
            )
        )
        unet = UNet2DConditionModel(sample_size=64, cross_attention_dim=768, attention_head_dim=8)
        vae = AutoencoderKL(
            sample_size=512,
            block_out_channels=(128, 256, 512, 512),
            down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
            layers_per_block=2,
        )
    for module in (text_encoder, unet, vae):
        module.to_empty(device="cpu").eval().requires_grad_(False)
    text_encoder.embeddings.position_ids.copy_(torch.arange(77))
    return Components(text_encoder, unet, vae)


def component_graphs(components: Components, style: GraphStyle) -> dict[str, Graph]:
    """As the variants' function of this name, but without copies of the modules."""
    for module in (components.text_encoder, components.unet, components.vae):
        set_dtype(module, style.weights)
        tell_apart(module)
    return {
        "text_encoder": graphs.text_encoder_graph(components.text_encoder, style),
        "unet": graphs.unet_graph(components.unet, style),
        "vae_decoder": traced_small(graphs.vae_decoder_graph(components.vae, style)),
        "vae_encoder": traced_small(graphs.vae_encoder_graph(components.vae, style)),
    }


def traced_small(graph: Graph) -> Graph:
    """The graph with a 16th of its example's pixels: half precision is slow on the CPU."""
    inputs = [replace(port, example=port.example[:, :, ::4, ::4]) for port in graph.inputs]
    return replace(graph, inputs=inputs)


def set_dtype(module: nn.Module, dtype: torch.dtype) -> None:
    """Gives the parameters a dtype; their values, which are nothing yet, are not converted."""
    for parameter in module.parameters():
        if parameter.dtype != dtype:
            parameter.data = torch.empty(parameter.shape, dtype=dtype)


def tell_apart(module: nn.Module) -> None:
    """Gives each parameter one number of its own, lest the exporter merge what is all zeros."""
    for index, parameter in enumerate(module.parameters()):
        parameter.view(-1)[0] = index


class RandomWeights:
    """Draws a tensor by scaling a stretch of one pool of normals: drawing anew takes minutes."""

    def __init__(self, seed: int) -> None:
        self.generator = np.random.default_rng(seed)
        self.pool = self.generator.standard_normal(POOL_SIZE, dtype=np.float32)

    def write(self, stream, name: str, shape: list[int], dtype: np.dtype) -> int:
        """Appends one tensor to the stream and returns its length in bytes."""
        count = math.prod(shape)
        if len(shape) == 1:
            values = np.full(count, 1 if "norm" in name and name.endswith("weight") else 0, dtype)
            return stream.write(values.tobytes())
        fan_in = math.prod(shape[1:])
        scale = np.float32(0.02 if "embedding" in name else 1 / math.sqrt(fan_in))
        written = 0
        for start in range(0, count, POOL_SIZE // 2):
            length = min(count - start, POOL_SIZE // 2)
            offset = int(self.generator.integers(POOL_SIZE - length))
            values = self.pool[offset : offset + length] * scale
            written += stream.write(values.astype(dtype).tobytes())
        return written


def fold_transposes(model: onnx.ModelProto, parameters: dict[str, list[int]]) -> None:
    """Stores matrices the way round that MatMul reads them, as an exporter with weights does."""
    graph = model.graph
    renamed: dict[str, str] = {}
    kept = []
    for node in graph.node:
        source = node.input[0] if node.input else ""
        if node.op_type == "Transpose" and len(parameters.get(source, [])) == 2:
            renamed[node.output[0]] = source
            parameters[source].reverse()
        else:
            kept.append(node)
    for node in kept:
        for index, name in enumerate(node.input):
            if name in renamed:
                node.input[index] = renamed[name]
            elif name in renamed.values():
                raise ValueError(f"{name} is read both ways round")
    del graph.node[:]
    graph.node.extend(kept)


def write_component(graph: Graph, folder: Path, weights: RandomWeights) -> int:
    """Writes model.onnx and its external file, and returns the number of parameters."""
    model = trace(graph, with_weights=False)
    own = {port.name for port in graph.inputs}
    parameters = {
        value.name: [axis.dim_value for axis in value.type.tensor_type.shape.dim]
        for value in model.graph.input
        if value.name not in own
    }
    element_type = {
        value.name: value.type.tensor_type.elem_type for value in model.graph.input
    }
    inputs = [value for value in model.graph.input if value.name in own]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    fold_transposes(model, parameters)

    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / EXTERNAL, "wb") as stream:
        for name, shape in parameters.items():
            stream.seek(-stream.tell() % ALIGNMENT, 1)
            offset = stream.tell()
            dtype = helper.tensor_dtype_to_np_dtype(element_type[name])
            length = weights.write(stream, name, shape, dtype)
            tensor = TensorProto(
                name=name,
                data_type=element_type[name],
                dims=shape,
                data_location=TensorProto.EXTERNAL,
            )
            for key, value in (("location", EXTERNAL), ("offset", offset), ("length", length)):
                tensor.external_data.add(key=key, value=str(value))
            model.graph.initializer.append(tensor)
    (folder / "model.onnx").write_bytes(model.SerializeToString(deterministic=True))
    return sum(math.prod(shape) for shape in parameters.values())


def write_model(folder: Path, dtype: torch.dtype, merges: Path) -> None:
    """The whole layout. With half-precision weights the inputs and outputs are halves too."""
    timestep = torch.float32 if dtype == torch.float32 else torch.float16
    style = GraphStyle(weights=dtype, io=dtype, timestep=timestep)
    components = build_components()
    weights = RandomWeights(seed=15)
    for name, graph in component_graphs(components, style).items():
        began = time.perf_counter()
        count = write_component(graph, folder / name, weights)
        write_config(folder / name / "config.json", name, components, style)
        print(f"{name}: {count / 1e6:.1f} M parameters, {time.perf_counter() - began:.0f} s")
    variant = Variant("sd15-random", style)
    write_tokenizer(folder / "tokenizer", read_merges(merges))
    (folder / "scheduler").mkdir(exist_ok=True)
    write_json(
        folder / "scheduler" / "scheduler_config.json",
        {"_class_name": variant.scheduler, **library_version(), **variant.scheduler_config},
    )
    write_json(folder / "model_index.json", model_index(variant))


def write_control_net(folder: Path, dtype: torch.dtype) -> None:
    """A ControlNet without a weight among its inputs."""
    with torch.device("meta"):
        net = ControlNetModel(cross_attention_dim=768, attention_head_dim=8)
    net.to_empty(device="cpu").eval().requires_grad_(False)
    set_dtype(net, dtype)
    tell_apart(net)
    batch = {0: "batch_size"}
    inputs = [
        graphs.GraphPort("sample", {**batch, 2: "height", 3: "width"}, torch.randn(2, 4, 16, 16)),
        graphs.GraphPort("timestep", {}, torch.tensor(500.0)),
        graphs.GraphPort("encoder_hidden_states", {**batch, 1: "tokens"}, torch.randn(2, 77, 768)),
        graphs.GraphPort(
            "controlnet_cond", {**batch, 2: "image_height", 3: "image_width"},
            torch.rand(2, 3, 128, 128),
        ),
    ]
    inputs = [replace(port, example=port.example.to(dtype)) for port in inputs]
    names = [f"down_block_res_sample_{i}" for i in range(12)] + ["mid_block_res_sample"]
    axes = {**batch, 2: "h", 3: "w"}
    outputs = [graphs.GraphPort(name, {a: f"{name}_{n}" for a, n in axes.items()}) for name in names]
    graph = Graph(ControlNetGraph(net, has_scale=False), inputs, outputs)
    count = write_component(graph, folder, RandomWeights(seed=16))
    print(f"controlnet: {count / 1e6:.1f} M parameters")


def check(folder: Path) -> None:
    """Loads the UNet in ONNX Runtime and runs it twice for a picture of 512 x 512."""
    import onnxruntime

    began = time.perf_counter()
    session = onnxruntime.InferenceSession(
        str(folder / "unet" / "model.onnx"), providers=["CPUExecutionProvider"]
    )
    print(f"loaded in {time.perf_counter() - began:.1f} s")
    sample, timestep, states = session.get_inputs()
    dtype = np.float16 if sample.type == "tensor(float16)" else np.float32
    generator = np.random.default_rng(0)
    feeds = {
        sample.name: generator.standard_normal((1, 4, 64, 64)).astype(dtype),
        timestep.name: np.array(500, dtype),
        states.name: generator.standard_normal((1, 77, 768)).astype(dtype),
    }
    for _ in range(2):
        began = time.perf_counter()
        (out,) = session.run(None, feeds)
        spread = float(out.astype(np.float32).std())
        print(f"one run: {time.perf_counter() - began:.1f} s, standard deviation {spread:.2f}")
    if not (np.isfinite(out).all() and spread > 0):
        raise AssertionError("the UNet's output is not a set of finite numbers")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dtype", choices=["float32", "float16"], default="float32")
    parser.add_argument(
        "--merges",
        type=Path,
        default=MERGES_FILE,
        help="CLIP's bpe_simple_vocab_16e6.txt.gz, for the whole vocabulary",
    )
    parser.add_argument(
        "--controlnet", action="store_true", help="write a ControlNet as well, in a folder of its own"
    )
    parser.add_argument("--check", action="store_true", help="run the UNet once it is written")
    options = parser.parse_args()
    write_model(options.folder, getattr(torch, options.dtype), options.merges)
    if options.controlnet:
        write_control_net(options.folder / "controlnet", getattr(torch, options.dtype))
    if options.check:
        check(options.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
