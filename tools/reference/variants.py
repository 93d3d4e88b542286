"""The models under fixtures/models: one set of weights behind the faces that models are found with.

What is told here of exporters was read in their code: optimum-onnx, diffusers' own conversion
script, and the Stable Diffusion demo that ships with ONNX Runtime.
"""

import copy
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import diffusers
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import nn

import graphs
from export import save, trace
from graphs import GraphStyle, PortNames
from models import Components
from tiny_tokenizer import END, read_merges, write_json, write_tokenizer, write_tokenizer_json

# Stable Diffusion 1.5's training schedule, and its habit of starting one step late.
SD_SCHEDULE = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "steps_offset": 1,
    "timestep_spacing": "leading",
    "prediction_type": "epsilon",
}
DDIM_CONFIG = {**SD_SCHEDULE, "clip_sample": False, "set_alpha_to_one": False}
ZERO_SNR_CONFIG = {
    **DDIM_CONFIG,
    "prediction_type": "v_prediction",
    "rescale_betas_zero_snr": True,
    "timestep_spacing": "trailing",
    "set_alpha_to_one": True,
    "steps_offset": 0,
}

ONNX_RUNTIME_MODEL = ["diffusers", "OnnxRuntimeModel"]
ORT_MODULE = "optimum.onnxruntime.modeling_diffusion"

# What model_index.json says of the components, by who wrote it.
OPTIMUM_CLI = {
    "_class_name": "StableDiffusionPipeline",
    "text_encoder": ["transformers", "CLIPTextModel"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
}
OPTIMUM_RUNTIME = {
    "_class_name": "ORTStableDiffusionPipeline",
    "text_encoder": [ORT_MODULE, "ORTTextEncoder"],
    "unet": [ORT_MODULE, "ORTUnet"],
    "vae": [ORT_MODULE, "ORTVae"],
}
DIFFUSERS_ONNX = {
    "_class_name": "OnnxStableDiffusionPipeline",
    "text_encoder": ONNX_RUNTIME_MODEL,
    "unet": ONNX_RUNTIME_MODEL,
    "vae_decoder": ONNX_RUNTIME_MODEL,
    "vae_encoder": ONNX_RUNTIME_MODEL,
}


@dataclass(frozen=True)
class Variant:
    """One folder of fixtures/models."""

    name: str
    style: GraphStyle = field(default_factory=GraphStyle)
    index: dict = field(default_factory=lambda: OPTIMUM_CLI)
    scheduler: str = "DDIMScheduler"
    scheduler_config: dict = field(default_factory=lambda: DDIM_CONFIG)
    pad_token: str = END
    tokenizer_json: bool = False
    # The name of the external weights' file, for the components that have one.
    external: dict[str, str] = field(default_factory=dict)


VARIANTS = [
    Variant("tiny", GraphStyle(hidden_states=True), tokenizer_json=True),
    Variant(
        "tiny-legacy",
        GraphStyle(
            ids=torch.int32, timestep=torch.int64, timestep_shape="one", encoder="sample",
            names=PortNames(encoder_output="latent_sample"),
        ),
        index=DIFFUSERS_ONNX,
        external={"unet": "weights.pb"},
    ),
    Variant(
        "tiny-fp16",
        GraphStyle(
            weights=torch.float16, io=torch.float16, timestep=torch.float16, hidden_states=True
        ),
        index=OPTIMUM_RUNTIME,
        external=dict.fromkeys(
            ("text_encoder", "unet", "vae_decoder", "vae_encoder"), "model.onnx_data"
        ),
    ),
    Variant(
        "tiny-fp16-fp32io",
        GraphStyle(weights=torch.float16, timestep=torch.int64, timestep_shape="batch"),
        index=DIFFUSERS_ONNX,
        scheduler="EulerDiscreteScheduler",
        scheduler_config=SD_SCHEDULE,
        external={"unet": "model.onnx.data"},
    ),
    Variant(
        "tiny-v",
        GraphStyle(timestep=torch.float16, timestep_shape="one", hidden_states=True),
        scheduler_config=ZERO_SNR_CONFIG,
        pad_token="!",
    ),
    Variant(
        "tiny-names",
        GraphStyle(
            ids=torch.int32, timestep_shape="one", pooled=False, encoder="sample",
            names=PortNames(
                text_states="text_embeddings", unet_output="latent", encoder_input="images",
                encoder_output="latent", decoder_input="latent", decoder_output="images",
            ),
        ),
    ),
]


def component_graphs(components: Components, style: GraphStyle) -> dict[str, graphs.Graph]:
    """The four graphs by the name of their folder, over copies of the weights."""
    modules = {
        "text_encoder": (graphs.text_encoder_graph, components.text_encoder),
        "unet": (graphs.unet_graph, components.unet),
        "vae_decoder": (graphs.vae_decoder_graph, components.vae),
        "vae_encoder": (graphs.vae_encoder_graph, components.vae),
    }
    return {
        name: build(in_dtype(module, style.weights), style)
        for name, (build, module) in modules.items()
    }


def in_dtype(module: nn.Module, dtype: torch.dtype) -> nn.Module:
    """A copy of `module` with its floating-point weights in `dtype`."""
    twin = copy.deepcopy(module)
    for parameter in twin.parameters():
        parameter.data = parameter.data.to(dtype)
    return twin


def write_variant(variant: Variant, components: Components, root: Path) -> Path:
    """Writes the whole folder anew."""
    folder = root / variant.name
    shutil.rmtree(folder, ignore_errors=True)
    torch.manual_seed(0)  # the examples that graphs are traced with
    for name, graph in component_graphs(components, variant.style).items():
        save(trace(graph), folder / name / "model.onnx", variant.external.get(name))
        write_config(folder / name / "config.json", name, components, variant.style)
    write_tokenizer(folder / "tokenizer", read_merges(), variant.pad_token)
    if variant.tokenizer_json:
        write_tokenizer_json(folder / "tokenizer")
    (folder / "scheduler").mkdir()
    write_json(
        folder / "scheduler" / "scheduler_config.json",
        {"_class_name": variant.scheduler, **library_version(), **variant.scheduler_config},
    )
    write_json(folder / "model_index.json", model_index(variant))
    return folder


def library_version() -> dict[str, str]:
    """The key that diffusers writes into each of its files."""
    return {"_diffusers_version": diffusers.__version__}


def write_config(file: Path, name: str, components: Components, style: GraphStyle) -> None:
    """A component's config.json as its own library writes it."""
    dtype = str(style.weights).removeprefix("torch.")
    if name == "text_encoder":
        config = components.text_encoder.config.to_dict()
        config |= {"architectures": ["CLIPTextModel"], "dtype": dtype}
        config["output_hidden_states"] = style.hidden_states
        write_json(file, dict(sorted(config.items())))
        return
    module: UNet2DConditionModel | AutoencoderKL = (
        components.unet if name == "unet" else components.vae
    )
    config = {key: value for key, value in module.config.items() if not key.startswith("_")}
    write_json(file, {"_class_name": type(module).__name__, **library_version(), **config})


def model_index(variant: Variant) -> dict:
    """model_index.json: the class first, then the components, as diffusers sorts them."""
    parts = {
        **{key: value for key, value in variant.index.items() if key != "_class_name"},
        "feature_extractor": [None, None],
        "image_encoder": [None, None],
        "requires_safety_checker": False,
        "safety_checker": [None, None],
        "scheduler": ["diffusers", variant.scheduler],
        "tokenizer": ["transformers", "CLIPTokenizer"],
    }
    head = {"_class_name": variant.index["_class_name"], **library_version()}
    return {**head, **dict(sorted(parts.items()))}
