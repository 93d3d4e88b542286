"""Makes fixtures/controls: networks that steer, exported, and what diffusers makes by them.

    python tools/reference/controls.py

The model is `tiny` of fixtures/models. Beside it two ControlNets, a T2I-Adapter and a network that
sees the hint alone, all with random weights, exported under the names that are found (see GRAPHS).
The pipelines are diffusers' own. What diffusers has no option for is put between network and
pipeline in `weighted`: a weight for each block, soft weights on both halves of the guidance, and a
mask of where a control acts. index.json tells the cases in the terms of Underpaint's requests.
"""

import copy
import logging
import os
import shutil
import sys
import warnings
from dataclasses import dataclass, field
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["HF_HUB_OFFLINE"] = "1"

import diffusers
import numpy as np
import onnxruntime
import safetensors.numpy
import torch
import torch.nn.functional as F
from diffusers import (
    ControlNetModel,
    DDIMScheduler,
    StableDiffusionAdapterPipeline,
    StableDiffusionControlNetImg2ImgPipeline,
    StableDiffusionControlNetPipeline,
    T2IAdapter,
)
from diffusers.image_processor import VaeImageProcessor
from PIL import Image, ImageDraw
from torch import Tensor, nn
from transformers import CLIPTokenizer

from export import save, trace
from graphs import Graph, GraphPort
from models import Components, build_components, randomize
from run import Recorder
from tiny_tokenizer import build_vocab, read_merges, write_json
from variants import DDIM_CONFIG

ROOT = Path(__file__).resolve().parents[2] / "fixtures"
OUT = ROOT / "controls"
SIZES = [(64, 64), (96, 64)]
BLOCKS = 5  # conv_in, a resnet and a downsampler, a resnet, and the middle
STEPS = 6


def control_net(unet: diffusers.UNet2DConditionModel, seed: int, gain: float) -> ControlNetModel:
    """A ControlNet for the tiny UNet; its zero convolutions are not zero here."""
    net = ControlNetModel.from_unet(
        unet, conditioning_embedding_out_channels=(4, 4, 8, 8), load_weights_from_unet=False
    )
    randomize(net, seed)
    with torch.no_grad():
        for part in [*net.controlnet_down_blocks, net.controlnet_mid_block]:
            part.weight.mul_(gain)
            part.bias.mul_(gain)
    return net.eval().requires_grad_(False)


class HintNetwork(nn.Module):
    """Sees the hint alone, and gives a ControlNet's residuals."""

    def __init__(self) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(3 * 64, 16, 1)
        self.smaller = nn.Conv2d(16, 16, 3, stride=2, padding=1)
        channels = [8, 8, 8, 16]
        self.heads = nn.ModuleList(nn.Conv2d(16, count, 1) for count in channels)
        self.middle = nn.Conv2d(16, 16, 1)

    def forward(self, controlnet_cond: Tensor) -> tuple[Tensor, ...]:
        large = torch.tanh(self.squeeze(F.pixel_unshuffle(controlnet_cond, 8)))
        small = torch.tanh(self.smaller(large))
        sources = [large, large, small, small]
        down = [head(source) for head, source in zip(self.heads, sources, strict=True)]
        return (*down, self.middle(small))


class ControlNetGraph(nn.Module):
    """A ControlNet with its outputs one after the other, and its weight among the inputs or not."""

    def __init__(self, net: ControlNetModel, has_scale: bool) -> None:
        super().__init__()
        self.net, self.has_scale = net, has_scale

    def forward(
        self, sample: Tensor, timestep: Tensor, states: Tensor, hint: Tensor, *scale: Tensor
    ) -> tuple[Tensor, ...]:
        given = scale[0] if self.has_scale else 1.0
        down, mid = self.net(
            sample, timestep, states, controlnet_cond=hint, conditioning_scale=given,
            return_dict=False,
        )
        return (*down, mid)


class AdapterGraph(nn.Module):
    def __init__(self, adapter: T2IAdapter) -> None:
        super().__init__()
        self.adapter = adapter

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return tuple(self.adapter(x))


def export_graphs(nets: dict[str, nn.Module]) -> None:
    batch = "batch_size"
    latents = {0: batch, 2: "height", 3: "width"}
    pixels = {0: batch, 2: "image_height", 3: "image_width"}
    hint = torch.rand(2, 3, 64, 96)

    def inputs(*more: GraphPort, timestep: Tensor) -> list[GraphPort]:
        return [
            GraphPort("sample", latents, torch.randn(2, 4, 8, 12)),
            GraphPort("timestep", {}, timestep),
            GraphPort("encoder_hidden_states", {0: batch, 1: "tokens"}, torch.randn(2, 77, 16)),
            GraphPort("controlnet_cond", pixels, hint),
            *more,
        ]

    down = [f"down_block_{i}_additional_residual" for i in range(BLOCKS - 1)]
    scaled = Graph(
        ControlNetGraph(nets["lines"], has_scale=True),
        inputs(GraphPort("conditioning_scale", {}, torch.tensor(1.0)), timestep=torch.tensor(500.0)),
        [GraphPort(name, {0: batch}) for name in [*down, "mid_block_additional_residual"]],
    )
    numbered = Graph(
        ControlNetGraph(nets["depth"], has_scale=False),
        inputs(timestep=torch.tensor([500], dtype=torch.int64)),
        [
            GraphPort(name, {0: batch})
            for name in ["down_block_res_samples", "output_1042", "output_1043", "output_1044", "mid_block_res_sample"]
        ],
    )
    features = Graph(
        AdapterGraph(nets["adapter"]),
        [GraphPort("x", pixels, hint)],
        [GraphPort(f"feature_{i}", {0: batch}) for i in range(2)],
    )
    hint_only = Graph(
        nets["palette"],
        [GraphPort("controlnet_cond", pixels, hint)],
        [
            GraphPort(name, {0: batch})
            for name in [
                *(f"down_block_res_sample_{i}" for i in range(BLOCKS - 1)), "mid_block_res_sample"
            ]
        ],
    )
    graphs = {"lines": scaled, "depth": numbered, "adapter": features, "palette": hint_only}
    for name, graph in graphs.items():
        torch.manual_seed(0)
        model = trace(graph)
        # The sizes of what comes out, which the tracer takes for those of the example.
        for output in model.graph.output:
            for axis in (2, 3):
                output.type.tensor_type.shape.dim[axis].dim_param = f"{output.name}_{axis}"
        file = OUT / name / "model.onnx"
        save(model, file)
        check(file, graph)


def check(file: Path, graph: Graph) -> None:
    """Refuses a graph that computes something else than torch, at another size than the example's."""
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    values = [port.example for port in graph.inputs]
    values = [
        value[..., : value.shape[-1] * 2 // 3] if value.dim() == 4 else value for value in values
    ]
    names = [port.name for port in graph.inputs]
    found = session.run(None, {n: v.numpy() for n, v in zip(names, values, strict=True)})
    with torch.no_grad():
        wanted = graph.module(*values)
    for one, other in zip(found, wanted, strict=True):
        error = float(np.abs(one - other.numpy()).max() / other.abs().max())
        if error > 2e-5:
            raise AssertionError(f"{file.parent.name} differs from torch by {error:.1e}")
    print(f"{file.parent.name}: {file.stat().st_size} bytes")


@dataclass(frozen=True)
class Used:
    """A control of a case, in the terms of Underpaint's requests."""

    graph: str
    hint: str = "lines"
    weight: float | list[float] = 1.0
    start: float = 0.0
    end: float = 1.0
    mode: str = "balanced"
    mask: bool = False


@dataclass(frozen=True)
class Case:
    name: str
    controls: list[Used]
    width: int = 64
    height: int = 64
    guidance_scale: float = 5.0
    count: int = 1
    strength: float | None = None
    prompt: str = "a red apple on a wooden table"
    negative_prompt: str = "blurry"
    seed: int = 2000
    steps: int = field(default=STEPS)


def all_cases() -> list[Case]:
    cases = []
    for width, height in SIZES:
        size = {"width": width, "height": height}
        at = f"{width}x{height}"
        cases += [
            Case(f"single-{at}", [Used("lines", weight=0.8)], **size),
            Case(f"two-{at}", [Used("lines", weight=0.7), Used("depth", "depth", 0.5)], **size),
            Case(f"guess-{at}", [Used("lines", mode="controlFirst")], **size),
            Case(f"guess-two-{at}",
                 [Used("lines", weight=0.9, mode="controlFirst"),
                  Used("depth", "depth", 0.6, mode="controlFirst")], **size),
            Case(f"ranges-{at}",
                 [Used("lines", start=0.2, end=0.7), Used("depth", "depth", 0.8, 0.0, 0.5)], **size),
            Case(f"blocks-{at}", [Used("lines", weight=[1.2, 0.0, 0.4, -0.5, 0.9])], **size),
            Case(f"soft-{at}", [Used("depth", "depth", 0.9, mode="promptFirst")], **size),
            Case(f"mask-{at}",
                 [Used("lines", mask=True), Used("depth", "depth", 0.5)], **size),
            Case(f"adapter-{at}", [Used("adapter", weight=0.8)], **size),
            Case(f"hint-only-{at}", [Used("palette", "depth", 0.9)], **size),
        ]
    cases += [
        Case("unguided", [Used("lines", mode="controlFirst")], guidance_scale=1.0),
        Case("three-pictures", [Used("depth", "depth", 0.7)], count=3),
        Case("image-to-image", [Used("lines", weight=0.8, start=0.0, end=0.6)],
             strength=0.7, width=96),
    ]
    return cases


def hint_picture(kind: str, width: int, height: int) -> Image.Image:
    """White lines on black, or a ramp with a near disc."""
    if kind == "lines":
        picture = Image.new("RGB", (width, height))
        draw = ImageDraw.Draw(picture)
        draw.ellipse((width // 4, 8, 3 * width // 4, height - 12), outline="white", width=2)
        draw.line((0, height - 9, width, height - 20), fill="white", width=1)
        return picture
    y, x = np.mgrid[0:height, 0:width]
    ramp = (200 * y // (height - 1)).astype(np.uint8)
    ramp[(x - width // 3) ** 2 + (y - height // 2) ** 2 < (height // 5) ** 2] = 255
    return Image.fromarray(np.stack([ramp, ramp, 255 - ramp // 2], axis=-1))


def mask_picture(width: int, height: int) -> Image.Image:
    """Half white, with a grey border between."""
    levels = np.zeros((height, width), np.uint8)
    levels[:, : width // 2] = 255
    levels[:, width // 2 : width // 2 + 5] = 102
    return Image.fromarray(np.stack([levels] * 3, axis=-1))


def weighted(net: ControlNetModel, used: Used, case: Case) -> ControlNetModel:
    """The network with what diffusers has no option for."""
    net = copy.copy(net)
    original = net.forward
    weights = used.weight if isinstance(used.weight, list) else [1.0] * BLOCKS
    if used.mode == "promptFirst":
        weights = torch.logspace(-1, 0, BLOCKS).tolist()
    area = np.asarray(mask_picture(case.width, case.height).convert("L")) / 255 if used.mask else None

    def forward(*args, **kwargs):
        down, mid = original(*args, **kwargs)
        parts = [part * weight for part, weight in zip([*down, mid], weights, strict=True)]
        if area is not None:
            where = torch.tensor(area, dtype=torch.float32)[None, None]
            parts = [part * F.interpolate(where, size=part.shape[2:], mode="area") for part in parts]
        return tuple(parts[:-1]), parts[-1]

    net.forward = forward
    return net


def hint_only(net: HintNetwork, like: ControlNetModel) -> ControlNetModel:
    """What takes a ControlNet's place in diffusers' pipeline and looks at the hint alone."""
    shell = copy.copy(like)

    def forward(*_args, controlnet_cond, conditioning_scale, **_kwargs):
        *down, mid = net(controlnet_cond)
        return tuple(part * conditioning_scale for part in down), mid * conditioning_scale

    shell.forward = forward
    return shell


def pack_pictures(processor: VaeImageProcessor) -> None:
    """See `run.pack_pictures`: start pictures lie in memory plane by plane."""
    preprocess = processor.preprocess
    processor.preprocess = lambda picture, **sizes: preprocess(picture, **sizes).contiguous()


def run_case(case: Case, components: Components, nets: dict[str, nn.Module]) -> dict[str, np.ndarray]:
    tokenizer = CLIPTokenizer.from_pretrained(ROOT / "models" / "tiny" / "tokenizer")
    parts = {
        "vae": components.vae, "text_encoder": components.text_encoder, "tokenizer": tokenizer,
        "unet": components.unet, "scheduler": DDIMScheduler(**DDIM_CONFIG), "safety_checker": None,
        "feature_extractor": None, "requires_safety_checker": False,
    }
    hints = [hint_picture(used.hint, case.width, case.height) for used in case.controls]
    request = {
        "prompt": case.prompt, "negative_prompt": case.negative_prompt,
        "num_inference_steps": case.steps, "guidance_scale": case.guidance_scale,
        "num_images_per_prompt": case.count, "output_type": "np",
        "generator": [torch.Generator("cpu").manual_seed(case.seed + k) for k in range(case.count)],
    }
    if case.controls[0].graph == "adapter":
        (used,) = case.controls
        pipeline = StableDiffusionAdapterPipeline(adapter=nets["adapter"], **parts)
        recorder = Recorder(pipeline)
        request |= {
            "image": hints[0], "adapter_conditioning_scale": used.weight,
            "width": case.width, "height": case.height,
            "callback": lambda _step, _t, latents: recorder.latents.append(latents),
        }
    else:
        chosen = [
            hint_only(nets["palette"], nets["lines"]) if used.graph == "palette"
            else weighted(nets[used.graph], used, case)
            for used in case.controls
        ]
        single = len(chosen) == 1
        kind = (
            StableDiffusionControlNetPipeline if case.strength is None
            else StableDiffusionControlNetImg2ImgPipeline
        )
        pipeline = kind(controlnet=chosen[0] if single else chosen, **parts)
        recorder = Recorder(pipeline)
        scales = [1.0 if isinstance(used.weight, list) else used.weight for used in case.controls]
        modes = {used.mode == "controlFirst" for used in case.controls}
        (guess,) = modes
        given = hints[0] if single else hints
        request |= {
            "controlnet_conditioning_scale": scales[0] if single else scales,
            "guess_mode": guess,
            "control_guidance_start": [used.start for used in case.controls],
            "control_guidance_end": [used.end for used in case.controls],
            "callback_on_step_end": recorder.on_step,
        }
        if case.strength is None:
            request |= {"image": given, "width": case.width, "height": case.height}
        else:
            pack_pictures(pipeline.image_processor)
            name = f"{case.width}x{case.height}.png"
            start = Image.open(ROOT / "reference" / "inputs" / name).convert("RGB")
            request |= {
                "image": start, "control_image": given, "strength": case.strength,
                "width": case.width, "height": case.height,
            }
    # Again: the constructor changes the config that it is given.
    pipeline.scheduler = DDIMScheduler(**DDIM_CONFIG)
    pipeline.set_progress_bar_config(disable=True)
    pictures = pipeline(**request).images
    return {
        **{f"latents.{k}": latents.numpy() for k, latents in enumerate(recorder.latents)},
        "image": np.stack([np.asarray(p) for p in VaeImageProcessor.numpy_to_pil(pictures)]),
    }


def describe(case: Case) -> dict:
    request = {
        "prompt": case.prompt, "negativePrompt": case.negative_prompt, "width": case.width,
        "height": case.height, "steps": case.steps, "guidanceScale": case.guidance_scale,
        "seed": case.seed, "count": case.count, "strength": case.strength,
        "image": None if case.strength is None else f"{case.width}x{case.height}.png",
    }
    size = f"{case.width}x{case.height}.png"
    controls = [
        {
            "graph": used.graph, "hint": f"hints/{used.hint}-{size}", "weight": used.weight,
            "start": used.start, "end": used.end, "mode": used.mode,
            **({"mask": f"hints/mask-{size}"} if used.mask else {}),
        }
        for used in case.controls
    ]
    request = {key: value for key, value in request.items() if value is not None}
    return {"name": case.name, "request": request, "controls": controls}


def main() -> int:
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    components = build_components(len(build_vocab(read_merges())))
    adapter = T2IAdapter(in_channels=3, channels=[8, 16], num_res_blocks=1, downscale_factor=8)
    palette = HintNetwork()
    for module, seed in ((adapter, 113), (palette, 114)):
        randomize(module, seed)
        module.eval().requires_grad_(False)
    nets = {
        "lines": control_net(components.unet, 111, 1.0),
        "depth": control_net(components.unet, 112, 1.0),
        "adapter": adapter,
        "palette": palette,
    }
    shutil.rmtree(OUT, ignore_errors=True)
    export_graphs(nets)
    (OUT / "hints").mkdir()
    for width, height in SIZES:
        for kind in ("lines", "depth"):
            picture = hint_picture(kind, width, height)
            picture.save(OUT / "hints" / f"{kind}-{width}x{height}.png", optimize=True)
        picture = mask_picture(width, height)
        picture.save(OUT / "hints" / f"mask-{width}x{height}.png", optimize=True)
    cases = all_cases()
    tensors = {}
    for case in cases:
        found = run_case(case, components, nets)
        if not all(np.isfinite(value).all() for value in found.values()):
            raise AssertionError(f"{case.name} is not finite")
        clipped = np.isin(found["image"], (0, 255)).mean()
        print(f"{case.name}: std {found['image'].std():.0f}, {clipped:.0%} clipped", flush=True)
        tensors |= {f"{case.name}/{key}": np.ascontiguousarray(v) for key, v in found.items()}
    safetensors.numpy.save_file(tensors, OUT / "cases.safetensors")
    (OUT / "cases.safetensors").chmod(0o644)
    write_json(OUT / "index.json", {
        "madeBy": "tools/reference/controls.py",
        "versions": {module.__name__: module.__version__ for module in (torch, diffusers)},
        "model": "tiny",
        "cases": [describe(case) for case in cases],
    })
    return 0


if __name__ == "__main__":
    sys.exit(main())
