"""Checks on what was made: the weights are lively, and each ONNX graph computes what torch does."""

from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor

from models import TEXT_WIDTH, Components
from variants import Variant, component_graphs

# Half precision has 11 bits; a few hundred operations on values of order 1 lose some of them.
TOLERANCE = {torch.float32: 1e-4, torch.float16: 5e-2}


def rms(value: Tensor) -> float:
    return value.float().pow(2).mean().sqrt().item()


def require(condition: bool, what: str) -> None:
    if not condition:
        raise AssertionError(what)


@torch.no_grad()
def check_liveliness(components: Components) -> None:
    """Refuses weights whose outputs are faint, loud, or deaf to the prompt or the timestep."""
    generator = torch.Generator().manual_seed(1)
    vocab = components.text_encoder.config.vocab_size
    ids = torch.randint(0, vocab - 2, (2, 77), generator=generator)
    # One prompt of eight tokens and one empty, each with its markers and its padding.
    ids[:, 0], ids[0, 9:], ids[1, 1:] = vocab - 2, vocab - 1, vocab - 1
    states = components.text_encoder(ids).last_hidden_state
    sample = torch.randn(1, 4, 8, 8, generator=generator).expand(2, -1, -1, -1)

    def predict(timestep: float) -> Tensor:
        return components.unet(sample, torch.tensor(timestep), states).sample

    early, late = predict(900.0), predict(100.0)
    picture = components.vae.decode(sample[:1] / components.vae.config.scaling_factor).sample
    figures = {
        "std of the prediction": (early.std().item(), 0.7, 1.4),
        "effect of the prompt": (rms(early[0] - early[1]), 0.1, 2.0),
        "effect of the timestep": (rms(early - late), 0.1, 2.0),
        "std of the decoded picture": (picture.std().item(), 0.2, 0.8),
        "share of clipped pixels": ((picture.abs() > 1).float().mean().item(), 0.0, 0.25),
    }
    for what, (value, low, high) in figures.items():
        print(f"  {what}: {value:.3f}")
        require(low <= value <= high, f"{what} is {value}, not in [{low}, {high}]")


def check_variant(variant: Variant, components: Components, folder: Path) -> None:
    """Runs every graph of a folder against torch, on two batches and two sizes."""
    for name, graph in component_graphs(components, variant.style).items():
        session = onnxruntime.InferenceSession(
            str(folder / name / "model.onnx"), providers=["CPUExecutionProvider"]
        )
        require(
            [value.name for value in session.get_inputs()] == [port.name for port in graph.inputs],
            f"{folder.name}/{name} has other inputs than it should",
        )
        if name == "vae_encoder" and variant.style.encoder == "sample":
            check_sampling_encoder(session, components, folder.name)
            continue
        worst = 0.0
        for batch, height, width in ((1, 8, 8), (3, 8, 12)):
            inputs = example_inputs(name, variant, batch, height, width)
            with torch.no_grad():
                expected = graph.module(*inputs)
            feeds = {
                port.name: value.numpy() for port, value in zip(graph.inputs, inputs, strict=True)
            }
            expected = expected if isinstance(expected, tuple) else (expected,)
            for got, want in zip(session.run(None, feeds), expected, strict=True):
                require(got.shape == tuple(want.shape), f"{folder.name}/{name}: {got.shape}")
                error = np.abs(got.astype(np.float32) - want.float().numpy()).max()
                worst = max(worst, float(error))
        print(f"  {folder.name}/{name}: off by at most {worst:.2g}")
        require(worst < TOLERANCE[variant.style.weights], f"{folder.name}/{name} is off")


def example_inputs(
    name: str, variant: Variant, batch: int, height: int, width: int
) -> tuple[Tensor, ...]:
    """Inputs of other sizes than the graph was traced with; sizes are the latents'."""
    style = variant.style
    generator = torch.Generator().manual_seed(batch)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator).to(style.io)

    if name == "text_encoder":
        return (torch.randint(0, 1000, (batch, 77), generator=generator).to(style.ids),)
    if name == "vae_decoder":
        return (normal(batch, 4, height, width) * 5,)
    if name == "vae_encoder":
        return (normal(batch, 3, 8 * height, 8 * width).clamp(-1, 1),)
    shape = {"scalar": (), "one": (1,), "batch": (batch,)}[style.timestep_shape]
    timestep = torch.full(shape, 731).to(style.timestep)
    return normal(batch, 4, height, width), timestep, normal(batch, 77, TEXT_WIDTH)


def check_sampling_encoder(
    session: onnxruntime.InferenceSession, components: Components, model: str
) -> None:
    """A graph that samples must give normals about the true mean, and other ones on each run."""
    generator = torch.Generator().manual_seed(5)
    picture = torch.randn(4, 3, 96, 64, generator=generator).clamp(-1, 1)
    with torch.no_grad():
        posterior = components.vae.encode(picture).latent_dist
    feeds = {session.get_inputs()[0].name: picture.numpy()}
    draws = [
        (torch.from_numpy(session.run(None, feeds)[0]) - posterior.mean) / posterior.std
        for _ in range(2)
    ]
    spread, bias = draws[0].std().item(), draws[0].mean().item()
    print(f"  {model}/vae_encoder samples: mean {bias:.3f}, std {spread:.3f} of the posterior's")
    require(abs(spread - 1) < 0.1 and abs(bias) < 0.1, f"{model}/vae_encoder samples wrongly")
    require(not torch.equal(*draws), f"{model}/vae_encoder draws the same sample twice")
