"""Runs the cases through diffusers' own pipelines and records what passes through them."""

import json
import platform
from pathlib import Path

import diffusers
import numpy as np
import safetensors.numpy
import torch
import transformers
from diffusers import (
    DDIMScheduler,
    DPMSolverMultistepScheduler,
    EulerAncestralDiscreteScheduler,
    EulerDiscreteScheduler,
    StableDiffusionImg2ImgPipeline,
    StableDiffusionPipeline,
)
from diffusers.image_processor import VaeImageProcessor
from PIL import Image
from transformers import CLIPTokenizer

from cases import Case
from models import Components
from tiny_tokenizer import write_json

SCHEDULERS = {
    scheduler.__name__: scheduler
    for scheduler in (
        DDIMScheduler,
        DPMSolverMultistepScheduler,
        EulerAncestralDiscreteScheduler,
        EulerDiscreteScheduler,
    )
}


class Recorder:
    """Listens at the two seams of a pipeline that its step callback does not reach."""

    def __init__(self, pipeline: StableDiffusionPipeline) -> None:
        self.latents: list[torch.Tensor] = []
        self.timesteps: list[torch.Tensor] = []
        self.text_states: torch.Tensor | None = None
        self._wrap(pipeline, "encode_prompt", self._on_text)
        self._wrap(pipeline, "prepare_latents", self.latents.append)

    @staticmethod
    def _wrap(pipeline, method: str, listener) -> None:
        original = getattr(pipeline, method)

        def wrapped(*args, **kwargs):
            result = original(*args, **kwargs)
            listener(result)
            return result

        setattr(pipeline, method, wrapped)

    def _on_text(self, result: tuple[torch.Tensor, torch.Tensor | None]) -> None:
        positive, negative = result
        # All pictures of a request have the same states: one row a branch is enough.
        branches = [positive] if negative is None else [negative, positive]
        self.text_states = torch.cat([branch[:1] for branch in branches])

    def on_step(self, _pipeline, _index: int, timestep: torch.Tensor, values: dict) -> dict:
        self.timesteps.append(timestep)
        self.latents.append(values["latents"])
        return values


def build_pipeline(case: Case, components: Components, models: Path) -> StableDiffusionPipeline:
    """The pipeline of a case. The tokenizer is read from the exported folder, as ours will be."""
    kind = StableDiffusionPipeline if case.strength is None else StableDiffusionImg2ImgPipeline
    pipeline = kind(
        vae=components.vae,
        text_encoder=components.text_encoder,
        tokenizer=CLIPTokenizer.from_pretrained(models / case.model / "tokenizer"),
        unet=components.unet,
        scheduler=SCHEDULERS[case.scheduler](**case.config),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    # Set again: the constructor replaces steps_offset other than 1 and clip_sample in its config.
    pipeline.scheduler = SCHEDULERS[case.scheduler](**case.config)
    pipeline.set_progress_bar_config(disable=True)
    if case.strength is not None:
        pack_pictures(pipeline)
    return pipeline


def pack_pictures(pipeline: StableDiffusionImg2ImgPipeline) -> None:
    """Has the start picture lie in memory plane by plane.

    From PIL it comes interleaved, which all later tensors inherit, and torch's group norm for that
    layout loses a digit: 3e-4 in the VAE encoder's output against 2e-5, both measured against
    float64. The values are the same; only the reference's own rounding gets smaller.
    """
    preprocess = pipeline.image_processor.preprocess
    pipeline.image_processor.preprocess = lambda picture: preprocess(picture).contiguous()


def run_case(
    case: Case, pipeline: StableDiffusionPipeline, inputs: Path
) -> tuple[dict[str, np.ndarray], dict]:
    """The tensors of one case, and what the index says of it."""
    recorder = Recorder(pipeline)
    request = {
        "prompt": case.prompt,
        "negative_prompt": case.negative_prompt,
        "num_inference_steps": case.steps,
        "guidance_scale": case.guidance_scale,
        "num_images_per_prompt": case.count,
        "generator": [
            torch.Generator("cpu").manual_seed(case.seed + k) for k in range(case.count)
        ],
        "eta": case.eta,
        "clip_skip": case.clip_skip,
        "callback_on_step_end": recorder.on_step,
        "output_type": "np",
    }
    if case.strength is None:
        request |= {
            "width": case.width,
            "height": case.height,
            "guidance_rescale": case.guidance_rescale,
        }
    else:
        request |= {"image": Image.open(inputs / input_name(case)), "strength": case.strength}
    pictures = pipeline(**request).images

    ids, dropped = encode(pipeline.tokenizer, case.prompt)
    tensors = {
        "input_ids": ids,
        "text_states": recorder.text_states.numpy(),
        **{f"latents.{k}": latents.numpy() for k, latents in enumerate(recorder.latents)},
        "image": np.stack([np.asarray(p) for p in VaeImageProcessor.numpy_to_pil(pictures)]),
        "timesteps": np.array([float(t) for t in recorder.timesteps], dtype=np.float64),
    }
    notes = {"timestepDtype": str(recorder.timesteps[0].dtype).removeprefix("torch.")}
    lost = {"prompt": dropped}
    if case.guidance_scale > 1:
        tensors["negative_ids"], lost["negativePrompt"] = encode(
            pipeline.tokenizer, case.negative_prompt or ""
        )
    if any(lost.values()):
        notes["dropped"] = {key: text for key, text in lost.items() if text}
    sigmas = getattr(pipeline.scheduler, "sigmas", None)
    if sigmas is not None:
        # One more than there are steps; image-to-image begins inside the schedule.
        tensors["sigmas"] = sigmas[-len(recorder.timesteps) - 1 :].double().numpy()
    return tensors, notes


def encode(tokenizer: CLIPTokenizer, text: str) -> tuple[np.ndarray, str]:
    """Ids as the pipeline feeds them, and the text behind those that it cut off."""
    ids = tokenizer(text, padding="max_length", truncation=True, return_tensors="np").input_ids
    whole = tokenizer(text).input_ids
    return ids.astype(np.int64), tokenizer.decode(whole[tokenizer.model_max_length - 1 : -1])


def input_name(case: Case) -> str:
    return f"{case.width}x{case.height}.png"


def describe(case: Case, pipeline: StableDiffusionPipeline) -> dict:
    """A case as index.json tells it; the request's keys are those of Underpaint's `generate`."""
    config = {
        key: value
        for key, value in pipeline.scheduler.config.items()
        if not key.startswith("_") and value is not None
    }
    request = {
        "prompt": case.prompt,
        "negativePrompt": case.negative_prompt,
        "width": case.width,
        "height": case.height,
        "steps": case.steps,
        "guidanceScale": case.guidance_scale,
        "guidanceRescale": case.guidance_rescale or None,
        "seed": case.seed,
        "count": case.count,
        "clipSkip": case.clip_skip,
        "strength": case.strength,
        "image": None if case.strength is None else f"inputs/{input_name(case)}",
    }
    return {
        "name": case.name,
        "file": f"{case.name}.safetensors",
        "mode": "text-to-image" if case.strength is None else "image-to-image",
        "model": case.model,
        "scheduler": {"class": case.scheduler, "eta": case.eta, "config": config},
        "request": {key: value for key, value in request.items() if value is not None},
    }


def write_cases(
    cases: list[Case], components: Components, models: Path, folder: Path
) -> list[dict]:
    """Runs the cases, writes a file for each, and returns their entries for the index."""
    entries = []
    for case in cases:
        pipeline = build_pipeline(case, components, models)
        tensors, notes = run_case(case, pipeline, folder / "inputs")
        tensors = dict(sorted((k, np.ascontiguousarray(v)) for k, v in tensors.items()))
        refuse_hollow(case, tensors)
        safetensors.numpy.save_file(tensors, folder / f"{case.name}.safetensors")
        entries.append({**describe(case, pipeline), **notes})
        print(f"  {case.name}", flush=True)
    return entries


def refuse_hollow(case: Case, tensors: dict[str, np.ndarray]) -> None:
    """A case with values that are not finite, or a picture without detail, would test nothing."""
    for name, value in tensors.items():
        if not np.isfinite(value).all():
            raise AssertionError(f"{case.name}: {name} is not finite")
    spread, clipped = tensors["image"].std(), np.isin(tensors["image"], (0, 255)).mean()
    if spread < 20 or clipped > 0.4:
        raise AssertionError(f"{case.name}: std {spread:.1f}, {clipped:.0%} of the values clipped")


def write_index(entries: list[dict], folder: Path) -> None:
    """Merges the entries into index.json, in the order of their names."""
    file = folder / "index.json"
    known = json.loads(file.read_text())["cases"] if file.exists() else []
    merged = {entry["name"]: entry for entry in [*known, *entries]}
    index = {
        "madeBy": "tools/reference/make.py",
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "diffusers": diffusers.__version__,
            "transformers": transformers.__version__,
        },
        "cases": [merged[name] for name in sorted(merged)],
    }
    write_json(file, index)
