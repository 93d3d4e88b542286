"""Fixtures for packages/controlnet/src/hints/by-model: what the published code does before and after
a network that draws hints.

    python tools/reference/hint_models.py              # fixtures/hints/by-model.json

With the versions of requirements.txt and opencv-python-headless. transformers' own DPTImageProcessor
prepares pictures for depth models, torch and OpenCV resize; the annotators' and mmpose's arithmetic
(controlnet_aux's HED, PiDiNet and TEED; get_simcc_maximum, refine_keypoints, get_warp_matrix) is
written out here from what they publish, over numpy.
"""

import argparse
import base64
import json
import math
import zlib
from pathlib import Path

import cv2
import numpy as np
import torch
import transformers
from PIL import Image
from transformers.models.dpt.image_processing_pil_dpt import (
    DPTImageProcessorPil,
    get_resize_output_image_size,
)

OUT = Path(__file__).resolve().parents[2] / "fixtures" / "hints"
VERSIONS = {
    "numpy": np.__version__,
    "opencv": cv2.__version__,
    "torch": torch.__version__,
    "transformers": transformers.__version__,
}


def packed(array: np.ndarray) -> str:
    data = zlib.compress(np.ascontiguousarray(array).tobytes(), 9)
    return base64.b64encode(data).decode("ascii")


def floats(array: np.ndarray) -> str:
    return packed(np.asarray(array, np.float32))


def noise(count: int, seed: int) -> np.ndarray:
    """The generator of hints.py, which the tests repeat."""
    out = np.empty(count, np.uint8)
    state = seed
    for i in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        out[i] = state >> 24
    return out


def noise_picture(width: int, height: int, seed: int) -> np.ndarray:
    return noise(3 * width * height, seed).reshape(height, width, 3)


# Depth ----------------------------------------------------------------------------------------

DEPTH = {
    "depth-anything": dict(
        size=518, multiple=14, mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]
    ),
    "dpt": dict(size=384, multiple=32, mean=[0.5] * 3, std=[0.5] * 3),
    "midas-small": dict(
        size=256, multiple=32, mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]
    ),
}
SIZES = [(512, 512), (640, 480), (480, 640), (768, 512), (518, 518), (100, 60), (1920, 1080), (333, 777)]


def depth_sizes() -> list:
    rows = []
    for layout, feed in DEPTH.items():
        for width, height in SIZES:
            for keeps in (True, False):
                out = get_resize_output_image_size(
                    np.zeros((3, height, width), np.uint8),
                    output_size=(feed["size"], feed["size"]),
                    keep_aspect_ratio=keeps,
                    multiple=feed["multiple"],
                )
                rows.append([layout, width, height, keeps, int(out.width), int(out.height)])
    return rows


def depth_inputs() -> list:
    cases = []
    for layout, size, (width, height, seed) in [
        ("depth-anything", 28, (40, 30, 7)),
        ("dpt", 64, (41, 50, 8)),
        ("midas-small", 64, (33, 47, 9)),
    ]:
        feed = DEPTH[layout]
        processor = DPTImageProcessorPil(
            size={"height": size, "width": size},
            ensure_multiple_of=feed["multiple"],
            keep_aspect_ratio=True,
            image_mean=feed["mean"],
            image_std=feed["std"],
        )
        image = Image.fromarray(noise_picture(width, height, seed))
        values = np.asarray(processor(image, return_tensors="np")["pixel_values"])[0]
        cases.append(
            dict(layout=layout, size=size, width=width, height=height, seed=seed,
                 dims=list(values.shape), values=floats(values))
        )
    return cases


def resized() -> list:
    cases = []
    rng = np.random.default_rng(3)
    for width, height, new_width, new_height in [
        (5, 4, 13, 9), (14, 14, 37, 22), (9, 7, 4, 3), (1, 1, 5, 3), (6, 2, 6, 8),
    ]:
        values = rng.standard_normal((height, width)).astype(np.float32)
        by_torch = torch.nn.functional.interpolate(
            torch.from_numpy(values)[None, None], (new_height, new_width), mode="bilinear",
            align_corners=False,
        )[0, 0].numpy()
        by_opencv = cv2.resize(values, (new_width, new_height), interpolation=cv2.INTER_LINEAR)
        assert np.abs(by_torch - by_opencv).max() < 1e-5
        cases.append(
            dict(width=width, height=height, newWidth=new_width, newHeight=new_height,
                 values=floats(values), expected=floats(by_torch))
        )
    return cases


# Soft edges -----------------------------------------------------------------------------------


def safe_step(x: np.ndarray, step: int = 2) -> np.ndarray:
    return (x.astype(np.float32) * float(step + 1)).astype(np.int32).astype(np.float32) / float(step)


def soft_edges() -> list:
    """HED's and TEED's way, and PiDiNet's, from maps that a network could give."""
    rng = np.random.default_rng(5)
    width, height = 48, 32
    logits = [
        (3 * rng.standard_normal((height // k, width // k))).astype(np.float32) for k in (1, 2, 4, 8)
    ]
    stack = [cv2.resize(m, (width, height), interpolation=cv2.INTER_LINEAR) for m in logits]
    edge = 1 / (1 + np.exp(-np.mean(np.stack(stack, axis=2), axis=2).astype(np.float64)))
    probabilities = rng.random((height, width)).astype(np.float32)
    cases = []
    for name, maps, found in [("hed", logits, edge), ("pidinet", [probabilities], probabilities)]:
        cases.append(
            dict(
                layout=name,
                width=width,
                height=height,
                maps=[dict(dims=[1, 1, *m.shape], values=floats(m)) for m in maps],
                edges=packed((found * 255.0).clip(0, 255).astype(np.uint8)),
                steps=packed((safe_step(found) * 255.0).clip(0, 255).astype(np.uint8)),
            )
        )
    return cases


# Poses ----------------------------------------------------------------------------------------


def simcc_maximum(x: np.ndarray, y: np.ndarray):
    """mmpose/codecs/utils/post_processing.py for one instance, [K, W] and [K, H]."""
    locations = np.stack((x.argmax(1), y.argmax(1)), axis=-1).astype(np.float32)
    scores = np.minimum(x.max(1), y.max(1))
    locations[scores <= 0.0] = -1
    return locations, scores


def refined(points: np.ndarray, maps: np.ndarray) -> np.ndarray:
    """mmpose/codecs/utils/refinement.py, refine_keypoints, for one instance."""
    points = points.copy()
    height, width = maps.shape[1:]
    for k in range(len(points)):
        x, y = points[k].astype(int)
        dx = dy = 0.0
        if 1 < x < width - 1 and 0 < y < height:
            dx = maps[k, y, x + 1] - maps[k, y, x - 1]
        if 1 < y < height - 1 and 0 < x < width:
            dy = maps[k, y + 1, x] - maps[k, y - 1, x]
        points[k] += np.sign([dx, dy], dtype=np.float32) * 0.25
    return points


def box_to_center_scale(box, input_width: int, input_height: int, padding: float = 1.25):
    x, y, width, height = box
    center = np.array([x + width / 2, y + height / 2])
    scale = np.array([width, height]) * padding
    aspect = input_width / input_height
    if scale[0] > scale[1] * aspect:
        scale = np.array([scale[0], scale[0] / aspect])
    else:
        scale = np.array([scale[1] * aspect, scale[1]])
    return center, scale


def warp_matrix(center, scale, input_width: int, input_height: int) -> np.ndarray:
    """mmpose/structures/bbox/transforms.py, get_warp_matrix, without rotation."""
    third = lambda a, b: b + np.array([-(a - b)[1], (a - b)[0]])
    source = np.zeros((3, 2), np.float32)
    source[0] = center
    source[1] = center + np.array([scale[0] * -0.5, 0.0])
    source[2] = third(source[0], source[1])
    target = np.zeros((3, 2), np.float32)
    target[0] = [input_width * 0.5, input_height * 0.5]
    target[1] = target[0] + np.array([input_width * -0.5, 0.0])
    target[2] = third(target[0], target[1])
    return cv2.getAffineTransform(source, target)


def warped(image: np.ndarray, matrix: np.ndarray, width: int, height: int) -> np.ndarray:
    """warpAffine with INTER_LINEAR and a black border, without OpenCV's rounding to 1/32 pixel."""
    inverse = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))
    rows, columns = np.mgrid[0:height, 0:width]
    places = np.einsum("ij,jhw->ihw", inverse[:2], np.stack([columns, rows, np.ones_like(rows)]))
    x0, y0 = np.floor(places).astype(int)
    h, v = places - np.floor(places)
    padded = np.zeros((image.shape[0] + 2, image.shape[1] + 2, 3))
    padded[1:-1, 1:-1] = image
    at = lambda y, x: padded[
        np.clip(y + 1, 0, image.shape[0] + 1), np.clip(x + 1, 0, image.shape[1] + 1)
    ]
    h, v = h[..., None], v[..., None]
    above = at(y0, x0) * (1 - h) + at(y0, x0 + 1) * h
    below = at(y0 + 1, x0) * (1 - h) + at(y0 + 1, x0 + 1) * h
    return above * (1 - v) + below * v


def crops() -> list:
    cases = []
    for width, height, seed, box, (iw, ih) in [
        (40, 30, 21, (5, 4, 20, 22), (12, 16)),
        (40, 30, 22, (0, 0, 40, 30), (12, 16)),
        (20, 50, 23, (-3, 30, 30, 25), (16, 16)),
    ]:
        image = noise_picture(width, height, seed)
        center, scale = box_to_center_scale(box, iw, ih)
        matrix = warp_matrix(center, scale, iw, ih)
        planes = warped(image, matrix, iw, ih)
        by_opencv = cv2.warpAffine(image, matrix, (iw, ih), flags=cv2.INTER_LINEAR)
        # Places rounded to 1/32 pixel both ways, and noise, which is the steepest there is.
        assert np.abs(planes - by_opencv).max() < 255 / 32 + 1
        normalised = (planes - [123.675, 116.28, 103.53]) / [58.395, 57.12, 57.375]
        inputs = np.array([[0, 0], [iw, ih], [3.5, 7.25]])
        back = inputs / [iw, ih] * scale + center - scale / 2
        cases.append(
            dict(width=width, height=height, seed=seed, box=list(box), inputWidth=iw,
                 inputHeight=ih, planes=floats(planes.transpose(2, 0, 1)),
                 normalised=floats(normalised.transpose(2, 0, 1)),
                 inputs=inputs.tolist(), back=back.tolist())
        )
    return cases


def key_points() -> dict:
    rng = np.random.default_rng(11)
    x = rng.standard_normal((17, 48)).astype(np.float32)
    y = rng.standard_normal((17, 64)).astype(np.float32)
    x[2], y[3] = -1, -2  # nowhere
    x[4, 0], y[4, 63] = 9, 9  # corners
    x[5, 7] = x[5, 20] = 8  # the first of equals
    locations, scores = simcc_maximum(x, y)
    simcc = dict(
        count=17, across=floats(x), down=floats(y),
        points=[[float(a), float(b), float(s)] for (a, b), s in zip(locations, scores)],
        bins=[48, 64],
    )
    width, height = 12, 16
    maps = rng.random((17, height, width)).astype(np.float32)
    for k, (px, py) in enumerate(
        [(0, 0), (1, 1), (2, 2), (11, 15), (10, 14), (0, 5), (5, 0), (1, 7), (7, 1), (11, 3), (3, 15)]
    ):
        maps[k, py, px] = 2
    maps[12] = -1
    flat = maps.reshape(17, -1).argmax(1)
    best = np.stack([flat % width, flat // width], axis=1).astype(np.float32)
    scores = maps.reshape(17, -1).max(1)
    points = refined(best, maps)
    points[scores <= 0] = -1
    heat = dict(
        count=17, width=width, height=height, maps=floats(maps),
        points=[[float(a), float(b), float(s)] for (a, b), s in zip(points, scores)],
    )
    return dict(simcc=simcc, heatMaps=heat)


# Colours --------------------------------------------------------------------------------------


def oklab(rgb: np.ndarray) -> np.ndarray:
    """B. Ottosson's matrices, from bytes."""
    share = rgb.astype(np.float64) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    lms = np.cbrt(linear @ np.array([
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005]]).T)
    return lms @ np.array([
        [0.2104542553, 0.793617785, -0.0040720468],
        [1.9779984951, -2.428592205, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.808675766]]).T


def matched_channel(source: np.ndarray, template: np.ndarray) -> np.ndarray:
    """scikit-image's exposure/histogram_matching.py, _match_cumulative_cdf, for floats."""
    _, indices, counts = np.unique(source, return_inverse=True, return_counts=True)
    values, template_counts = np.unique(template, return_counts=True)
    quantiles = np.cumsum(counts) / source.size
    template_quantiles = np.cumsum(template_counts) / template.size
    return np.interp(quantiles, template_quantiles, values)[indices].reshape(source.shape)


def matched() -> list:
    """Few and muted colours, so that what comes out is in sRGB."""
    cases = []
    for seed, template_seed in [(31, 32), (33, 34)]:
        source = 96 + noise_picture(12, 9, seed) // 16 * 4
        template = 96 + noise_picture(10, 7, template_seed) // 32 * 5
        lab, wanted = oklab(source), oklab(template)
        out = np.stack(
            [lab[..., 0]] + [matched_channel(lab[..., k], wanted[..., k]) for k in (1, 2)], -1
        )
        cases.append(
            dict(source=packed(source), width=12, height=9, template=packed(template),
                 templateWidth=10, templateHeight=7, oklab=floats(out))
        )
    return cases


def main() -> None:
    argparse.ArgumentParser(description=__doc__.split("\n")[0]).parse_args()
    content = dict(
        versions=VERSIONS, depthSizes=depth_sizes(), depthInputs=depth_inputs(), resized=resized(),
        softEdges=soft_edges(), crops=crops(), keyPoints=key_points(), matched=matched(),
    )
    path = OUT / "by-model.json"
    path.write_text(json.dumps(content, indent=1) + "\n")
    print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
