"""Runs the recorded cases again with ONNX graphs in the place of torch's modules.

    python tools/reference/replay.py                        each case on its own model
    python tools/reference/replay.py --model tiny-fp16      the cases of `tiny` on another variant

It prints how far the latents and the pictures are from the recorded ones. Everything outside the
graphs is diffusers' own, so this is what the graphs alone cost: the bound that an implementation of
the rest can be held to.
"""

import argparse
import copy
import json
import logging
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnxruntime
import safetensors.numpy
import torch
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution

from cases import Case, all_cases
from make import FIXTURES
from models import Components, build_components
from run import build_pipeline, run_case
from tiny_tokenizer import build_vocab, read_merges

NUMPY = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
}


# Half of what is promised: latents within 1e-4, every pixel within 1.
LATENTS_BOUND, PIXELS_BOUND = 5e-5, 1


class OnnxGraph:
    """A session whose inputs are cast, and whose timestep is shaped, as the graph states them."""

    def __init__(self, file: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            str(file), options, providers=["CPUExecutionProvider"]
        )

    def __call__(self, *values: torch.Tensor) -> list[torch.Tensor]:
        feeds = {}
        batch = values[0].shape[0]
        for port, value in zip(self.session.get_inputs(), values, strict=True):
            array = value.numpy().astype(NUMPY[port.type])
            if port.name == "timestep":
                size = [batch if isinstance(axis, str) else axis for axis in port.shape]
                array = np.broadcast_to(array.reshape(-1)[:1].reshape(()), size).copy()
            feeds[port.name] = array
        return [torch.from_numpy(out.astype(np.float32)) for out in self.session.run(None, feeds)]


def with_graphs(components: Components, folder: Path) -> Components:
    """The components with their forward passes handed to the graphs of a model's folder."""
    text_encoder, unet, vae = (
        copy.deepcopy(part) for part in (components.text_encoder, components.unet, components.vae)
    )
    graph = {
        name: OnnxGraph(folder / name / "model.onnx")
        for name in ("text_encoder", "unet", "vae_decoder", "vae_encoder")
    }

    class TextResult(tuple):
        """What diffusers takes by index: [0] the last state, [-1] the hidden states."""

    def encode_text(ids: torch.Tensor, attention_mask=None, output_hidden_states=False):
        outputs = graph["text_encoder"](ids)
        return TextResult([outputs[0], tuple(outputs[2:])] if output_hidden_states else outputs[:1])

    def predict(sample: torch.Tensor, timestep: torch.Tensor, encoder_hidden_states, **_):
        return graph["unet"](sample, timestep, encoder_hidden_states)

    text_encoder.forward = encode_text
    unet.forward = predict
    vae.decode = lambda latents, **_: graph["vae_decoder"](latents)
    vae.encode = lambda picture: SimpleNamespace(
        latent_dist=DiagonalGaussianDistribution(graph["vae_encoder"](picture)[0])
    )
    return Components(text_encoder, unet, vae)


def compare(case: Case, components: Components, fixtures: Path) -> tuple[float, int, float]:
    """Largest relative error of any step's latents, largest and mean difference of the pixels."""
    pipeline = build_pipeline(case, components, fixtures / "models")
    recorded = safetensors.numpy.load_file(fixtures / "reference" / f"{case.name}.safetensors")
    tensors, _ = run_case(case, pipeline, fixtures / "reference" / "inputs")
    if set(tensors) != set(recorded):
        raise AssertionError(f"{case.name}: other tensors than were recorded")
    relative = max(
        float(np.abs(tensors[name] - want).max() / np.abs(want).max())
        for name, want in recorded.items()
        if name.startswith("latents.")
    )
    pixels = np.abs(tensors["image"].astype(int) - recorded["image"].astype(int))
    return relative, int(pixels.max()), float(pixels.mean())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", help="run the cases of `tiny` on this variant")
    parser.add_argument("--fixtures", type=Path, default=FIXTURES)
    options = parser.parse_args()
    torch.set_num_threads(1)
    logging.disable(logging.WARNING)

    components = build_components(len(build_vocab(read_merges())))
    known = {case["name"] for case in json.loads(
        (options.fixtures / "reference" / "index.json").read_text()
    )["cases"]}
    replaced: dict[str, Components] = {}
    figures = []
    for case in all_cases():
        model = options.model or case.model
        if case.name not in known or (options.model and not runs_on(case, options.model)):
            continue
        if model not in replaced:
            replaced[model] = with_graphs(components, options.fixtures / "models" / model)
        relative, largest, mean = compare(case, replaced[model], options.fixtures)
        figures.append((relative, largest))
        print(f"{case.name:55} latents {relative:.1e}  pixels {largest:3d} (mean {mean:.3f})")
    latents, pixels = max(f[0] for f in figures), max(f[1] for f in figures)
    print(f"worst: latents {latents:.1e}, pixels {pixels}")
    fails = options.model is None and (latents > LATENTS_BOUND or pixels > PIXELS_BOUND)
    return int(fails)


def runs_on(case: Case, model: str) -> bool:
    """Whether a variant has what the case asks of its graphs."""
    samples_itself = model in {"tiny-legacy", "tiny-names"}
    hidden_states = model in {"tiny", "tiny-fp16", "tiny-v"}
    return (
        case.model == "tiny"
        and not (samples_itself and case.strength is not None)
        and not (case.clip_skip is not None and not hidden_states)
    )


if __name__ == "__main__":
    sys.exit(main())
