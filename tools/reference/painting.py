"""Makes fixtures/painting: what diffusers, OpenCV and scipy make of masks.

    python tools/reference/painting.py

`unet` is a network for inpainting, of 9 channels, with random weights; with the other parts of
fixtures/models/tiny it is a model. `index.json` lists requests to diffusers' own inpainting
pipeline, over that network and over the plain one of tiny, each with a file of the latents and the
pictures that came of it. `masks.json` has masks dilated and eroded by scipy and blurred by OpenCV,
and the regions that diffusers crops.
"""

import base64
import copy
import json
import logging
import os
import platform
import sys
import warnings
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["HF_HUB_OFFLINE"] = "1"

import cv2
import diffusers
import numpy as np
import safetensors.numpy
import scipy
import torch
from diffusers import StableDiffusionInpaintPipeline, UNet2DConditionModel
from diffusers.image_processor import VaeImageProcessor
from PIL import Image
from scipy import ndimage
from transformers import CLIPTokenizer

from export import save, trace
from graphs import GraphStyle, unet_graph
from models import Components, build_components, randomize, tune_unet
from pictures import synthetic_picture
from run import SCHEDULERS
from tiny_tokenizer import build_vocab, read_merges, write_json
from variants import DDIM_CONFIG, SD_SCHEDULE, library_version

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
OUT = FIXTURES / "painting"
STEPS = 6
CONFIGS = {"DDIMScheduler": DDIM_CONFIG, "EulerDiscreteScheduler": SD_SCHEDULE}


# --- Requests ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """One request; the picture and the mask are those of its size."""

    name: str
    channels: int
    scheduler: str
    strength: float
    width: int
    height: int
    seed: int
    guidance_scale: float = 5.0
    # Of diffusers' "only masked": the picture is larger than what the network works at.
    crop: int | None = None
    picture: tuple[int, int] | None = None

    @property
    def picture_size(self) -> tuple[int, int]:
        return self.picture or (self.width, self.height)


def cases() -> list[Case]:
    listed = []
    for channels, scheduler, strength, (width, height) in product(
        (4, 9), CONFIGS, (1.0, 0.6), ((64, 64), (96, 64))
    ):
        short = scheduler.removesuffix("Scheduler").removesuffix("Discrete").lower()
        name = f"{channels}-channels-{short}-strength-{strength:g}-{width}x{height}"
        listed.append(Case(name, channels, scheduler, strength, width, height, 4000 + len(listed)))
    for channels in (4, 9):
        name = f"{channels}-channels-only-masked"
        listed.append(
            Case(name, channels, "DDIMScheduler", 0.8, 64, 64, 4100 + channels, crop=8,
                 picture=(150, 110))
        )
    return listed


def mask_of(width: int, height: int) -> np.ndarray:
    """A disc and a bar that touches the border, neither on the latents' grid; 0 or 255."""
    y, x = np.mgrid[0:height, 0:width]
    disc = (x - 0.55 * width) ** 2 + (y - 0.45 * height) ** 2 < (0.24 * height) ** 2
    bar = (x >= width - 11) & (y > 0.7 * height) if width < 128 else disc
    return np.where(disc | bar, 255, 0).astype(np.uint8)


def inpainting_unet(plain: UNet2DConditionModel) -> UNet2DConditionModel:
    """The plain network's twin with 9 channels in."""
    config = {**plain.config, "in_channels": 9}
    unet = UNet2DConditionModel.from_config(config)
    randomize(unet, seed=104)
    tune_unet(unet)
    return unet.eval().requires_grad_(False)


def write_unet(unet: UNet2DConditionModel, folder: Path) -> None:
    torch.manual_seed(0)
    graph = unet_graph(unet, GraphStyle())
    graph.inputs[0] = replace(graph.inputs[0], example=torch.randn(2, 9, 8, 8))
    save(trace(graph), folder / "model.onnx")
    config = {key: value for key, value in unet.config.items() if not key.startswith("_")}
    write_json(
        folder / "config.json",
        {"_class_name": "UNet2DConditionModel", **library_version(), **config},
    )


def run_case(case: Case, components: Components, unet: UNet2DConditionModel) -> dict:
    pipeline = StableDiffusionInpaintPipeline(
        vae=components.vae,
        text_encoder=components.text_encoder,
        tokenizer=CLIPTokenizer.from_pretrained(FIXTURES / "models" / "tiny" / "tokenizer"),
        unet=components.unet if case.channels == 4 else unet,
        scheduler=SCHEDULERS[case.scheduler](**CONFIGS[case.scheduler]),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    # Set again: the constructor replaces steps_offset other than 1 and clip_sample in its config.
    pipeline.scheduler = SCHEDULERS[case.scheduler](**CONFIGS[case.scheduler])
    pipeline.set_progress_bar_config(disable=True)
    # As run.py does: planes in memory, for which torch's group norm loses no digit.
    preprocess = pipeline.image_processor.preprocess
    pipeline.image_processor.preprocess = lambda *a, **k: preprocess(*a, **k).contiguous()
    seen: dict[str, np.ndarray] = {}
    prepare = pipeline.prepare_latents

    def prepare_latents(*args, **kwargs):
        result = prepare(*args, **kwargs)
        seen["latents.0"] = result[0].numpy()
        return result

    pipeline.prepare_latents = prepare_latents

    def on_step(_pipeline, index: int, timestep: torch.Tensor, values: dict) -> dict:
        seen[f"latents.{index + 1}"] = values["latents"].numpy()
        return values

    width, height = case.picture_size
    images = pipeline(
        prompt="a red apple on a wooden table",
        negative_prompt="blurry",
        image=Image.fromarray(synthetic_picture(width, height)),
        mask_image=Image.fromarray(mask_of(width, height)),
        width=case.width,
        height=case.height,
        num_inference_steps=STEPS,
        strength=case.strength,
        guidance_scale=case.guidance_scale,
        generator=[torch.Generator("cpu").manual_seed(case.seed)],
        callback_on_step_end=on_step,
        padding_mask_crop=case.crop,
        output_type="np" if case.crop is None else "pil",
    ).images
    if case.crop is None:
        images = VaeImageProcessor.numpy_to_pil(images)
    seen["image"] = np.stack([np.asarray(picture.convert("RGB")) for picture in images])
    return seen


def write_cases(components: Components, unet: UNet2DConditionModel) -> None:
    for stale in OUT.glob("*.safetensors"):
        stale.unlink()
    entries = []
    for case in cases():
        tensors = run_case(case, components, unet)
        for name, value in tensors.items():
            if not np.isfinite(value).all():
                raise AssertionError(f"{case.name}: {name} is not finite")
        if tensors["image"].std() < 20:
            raise AssertionError(f"{case.name}: the picture is flat")
        arrays = dict(sorted((k, np.ascontiguousarray(v)) for k, v in tensors.items()))
        safetensors.numpy.save_file(arrays, OUT / f"{case.name}.safetensors")
        width, height = case.picture_size
        config = {
            key: value
            for key, value in SCHEDULERS[case.scheduler](**CONFIGS[case.scheduler]).config.items()
            if not key.startswith("_") and value is not None
        }
        entries.append({
            "name": case.name,
            "channels": case.channels,
            "picture": f"{width}x{height}",
            "scheduler": {"class": case.scheduler, "config": config},
            "crop": case.crop,
            "request": {
                "prompt": "a red apple on a wooden table", "negativePrompt": "blurry",
                "width": case.width, "height": case.height, "steps": STEPS,
                "guidanceScale": case.guidance_scale, "strength": case.strength,
                "seed": case.seed,
            },
        })
        print(f"  {case.name}", flush=True)
    for width, height in sorted({case.picture_size for case in cases()}):
        Image.fromarray(synthetic_picture(width, height)).save(
            OUT / f"picture-{width}x{height}.png", optimize=True
        )
        Image.fromarray(mask_of(width, height)).convert("RGB").save(
            OUT / f"mask-{width}x{height}.png", optimize=True
        )
    write_json(OUT / "index.json", {"madeBy": "tools/reference/painting.py",
                                    "versions": versions(), "cases": entries})


# --- Masks -------------------------------------------------------------------------------------


def b64(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()


def noisy_mask(width: int, height: int, seed: int) -> np.ndarray:
    """Blobs with grey borders, some at the picture's edge."""
    generator = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(generator.normal(size=(height, width)), 3, mode="nearest")
    return np.clip(128 + 600 * field, 0, 255).astype(np.uint8)


def morphology() -> list[dict]:
    listed = []
    for index, (width, height) in enumerate(((37, 23), (8, 61), (64, 48), (1, 9))):
        mask = noisy_mask(width, height, index)
        entry = {"width": width, "height": height, "mask": b64(mask), "dilated": {}, "eroded": {},
                 "blurred": {}}
        for radius in (1, 3, 9):
            size = 2 * radius + 1
            dilated = ndimage.grey_dilation(mask, size=(size, size), mode="nearest")
            eroded = ndimage.grey_erosion(mask, size=(size, size), mode="nearest")
            # Two libraries that agree say what is meant.
            kernel = np.ones((size, size), np.uint8)
            assert (cv2.dilate(mask, kernel) == dilated).all()
            assert (cv2.erode(mask, kernel) == eroded).all()
            entry["dilated"][radius] = b64(dilated)
            entry["eroded"][radius] = b64(eroded)
        for size in (3, 5, 17, 33, 65, 101):
            # OpenCV's own deviation for a size, without its tables for the smallest.
            deviation = 0.3 * ((size - 1) / 2 - 1) + 0.8
            blurred = cv2.GaussianBlur(
                mask.astype(np.float32), (size, size), deviation, borderType=cv2.BORDER_REPLICATE
            )
            entry["blurred"][size] = b64(blurred.astype("<f4"))
        listed.append(entry)
    return listed


def crop_regions() -> list[dict]:
    generator = np.random.default_rng(7)
    listed = []
    while len(listed) < 60:
        width, height = (int(v) for v in generator.integers(40, 400, 2))
        left, right = sorted(int(v) for v in generator.integers(0, width + 1, 2))
        top, bottom = sorted(int(v) for v in generator.integers(0, height + 1, 2))
        if right - left < 1 or bottom - top < 1:
            continue
        to_width, to_height = (int(v) for v in generator.choice([64, 96, 128, 192], 2))
        padding = int(generator.integers(0, 40))
        mask = np.zeros((height, width), np.uint8)
        mask[top:bottom, left:right] = 255
        region = VaeImageProcessor.get_crop_region(
            Image.fromarray(mask), to_width, to_height, pad=padding
        )
        listed.append({
            "picture": [width, height], "bounds": [left, top, right - left, bottom - top],
            "size": [to_width, to_height], "padding": padding, "region": [int(v) for v in region],
        })
    return listed


def versions() -> dict[str, str]:
    return {
        "python": platform.python_version(), "torch": torch.__version__,
        "diffusers": diffusers.__version__, "opencv": cv2.__version__, "scipy": scipy.__version__,
        "numpy": np.__version__,
    }


def main() -> int:
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    OUT.mkdir(parents=True, exist_ok=True)
    masks = {"madeBy": "tools/reference/painting.py", "versions": versions(),
             "masks": morphology(), "crops": crop_regions()}
    (OUT / "masks.json").write_text(json.dumps(masks, separators=(",", ":")) + "\n")
    components = build_components(len(build_vocab(read_merges())))
    unet = inpainting_unet(copy.deepcopy(components.unet))
    write_unet(unet, OUT / "unet")
    write_cases(components, unet)
    return 0


if __name__ == "__main__":
    sys.exit(main())
