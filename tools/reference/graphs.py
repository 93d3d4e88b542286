"""The modules as their ONNX graphs: what each exporter makes of inputs, outputs and dtypes.

A graph computes in the dtype of its module's weights; its floating-point inputs and outputs have a
dtype of their own, because half-precision weights are found behind inputs of either kind.
"""

from dataclasses import dataclass, field
from typing import Literal

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPTextModel

Axes = dict[int, str]


@dataclass(frozen=True)
class GraphPort:
    """One input or output: its name, dynamic axes, and (for an input) an example to trace with."""

    name: str
    axes: Axes
    example: Tensor | None = None


@dataclass(frozen=True)
class Graph:
    """A module that is ready to trace, with its inputs and outputs in order."""

    module: nn.Module
    inputs: list[GraphPort]
    outputs: list[GraphPort]


@dataclass(frozen=True)
class PortNames:
    """The names that exporters disagree on. The defaults are optimum's."""

    text_states: str = "last_hidden_state"
    unet_output: str = "out_sample"
    encoder_input: str = "sample"
    encoder_output: str = "latent_parameters"
    decoder_input: str = "latent_sample"
    decoder_output: str = "sample"


@dataclass(frozen=True)
class GraphStyle:
    """Everything in which the variants differ."""

    weights: torch.dtype = torch.float32
    io: torch.dtype = torch.float32
    ids: torch.dtype = torch.int64
    timestep: torch.dtype = torch.float32
    timestep_shape: Literal["scalar", "one", "batch"] = "scalar"
    hidden_states: bool = False
    pooled: bool = True
    encoder: Literal["parameters", "sample"] = "parameters"
    names: PortNames = field(default_factory=PortNames)


class TextEncoderGraph(nn.Module):
    """Ids to the last hidden state, and if asked the pooled state and every layer's states."""

    def __init__(self, encoder: CLIPTextModel, style: GraphStyle) -> None:
        super().__init__()
        self.encoder, self.style = encoder, style

    def forward(self, input_ids: Tensor) -> tuple[Tensor, ...]:
        result = self.encoder(input_ids, output_hidden_states=self.style.hidden_states)
        outputs = [result.last_hidden_state]
        if self.style.pooled:
            outputs.append(result.pooler_output)
        if self.style.hidden_states:
            outputs.extend(result.hidden_states)
        return tuple(output.to(self.style.io) for output in outputs)


class UnetGraph(nn.Module):
    """One prediction of the network; the timestep goes in as it comes."""

    def __init__(self, unet: UNet2DConditionModel, style: GraphStyle) -> None:
        super().__init__()
        self.unet, self.style = unet, style

    def forward(self, sample: Tensor, timestep: Tensor, encoder_hidden_states: Tensor) -> Tensor:
        weights = self.style.weights
        prediction = self.unet(sample.to(weights), timestep, encoder_hidden_states.to(weights))
        return prediction.sample.to(self.style.io)


class VaeEncoderGraph(nn.Module):
    """A picture to the posterior's parameters (mean, then log-variance), or to a sample of it.

    The sample is drawn in the graph, as older exports do: no seed of the caller's reaches it.
    """

    def __init__(self, vae: AutoencoderKL, style: GraphStyle) -> None:
        super().__init__()
        self.vae, self.style = vae, style

    def forward(self, sample: Tensor) -> Tensor:
        posterior = self.vae.encode(sample.to(self.style.weights)).latent_dist
        if self.style.encoder == "parameters":
            return posterior.parameters.to(self.style.io)
        # torch.randn_like, and not diffusers' own sample(), so that the noise's size stays dynamic.
        noise = torch.randn_like(posterior.mean)
        return (posterior.mean + posterior.std * noise).to(self.style.io)


class VaeDecoderGraph(nn.Module):
    """Latents, already divided by the scaling factor, to a picture in [-1, 1]."""

    def __init__(self, vae: AutoencoderKL, style: GraphStyle) -> None:
        super().__init__()
        self.vae, self.style = vae, style

    def forward(self, latent_sample: Tensor) -> Tensor:
        return self.vae.decode(latent_sample.to(self.style.weights)).sample.to(self.style.io)


def text_encoder_graph(encoder: CLIPTextModel, style: GraphStyle) -> Graph:
    """Input `input_ids`; see `PortNames` for the rest."""
    tokens = {0: "batch_size", 1: "sequence_length"}
    ids = torch.zeros(2, 77, dtype=style.ids)
    layers = encoder.config.num_hidden_layers
    outputs = [GraphPort(style.names.text_states, tokens)]
    if style.pooled:
        outputs.append(GraphPort("pooler_output", {0: "batch_size"}))
    if style.hidden_states:
        outputs += [GraphPort(f"hidden_states.{i}", tokens) for i in range(layers + 1)]
    return Graph(TextEncoderGraph(encoder, style), [GraphPort("input_ids", tokens, ids)], outputs)


def unet_graph(unet: UNet2DConditionModel, style: GraphStyle) -> Graph:
    """Inputs `sample`, `timestep`, `encoder_hidden_states`."""
    shape = {"scalar": (), "one": (1,), "batch": (2,)}[style.timestep_shape]
    latents = {0: "batch_size", 2: "height", 3: "width"}
    inputs = [
        GraphPort("sample", latents, torch.randn(2, 4, 8, 8).to(style.io)),
        GraphPort(
            "timestep",
            {0: "batch_size"} if style.timestep_shape == "batch" else {},
            torch.full(shape, 500).to(style.timestep),
        ),
        GraphPort(
            "encoder_hidden_states",
            {0: "batch_size", 1: "sequence_length"},
            torch.randn(2, 77, unet.config.cross_attention_dim).to(style.io),
        ),
    ]
    return Graph(UnetGraph(unet, style), inputs, [GraphPort(style.names.unet_output, latents)])


def vae_encoder_graph(vae: AutoencoderKL, style: GraphStyle) -> Graph:
    """A picture in [-1, 1], NCHW, to latents that are not yet scaled."""
    return Graph(
        VaeEncoderGraph(vae, style),
        [
            GraphPort(
                style.names.encoder_input,
                {0: "batch_size", 2: "sample_height", 3: "sample_width"},
                torch.randn(2, 3, 64, 64).to(style.io),
            )
        ],
        [
            GraphPort(
                style.names.encoder_output,
                {0: "batch_size", 2: "sample_height / 8", 3: "sample_width / 8"},
            )
        ],
    )


def vae_decoder_graph(vae: AutoencoderKL, style: GraphStyle) -> Graph:
    """The inverse of `vae_encoder_graph`."""
    return Graph(
        VaeDecoderGraph(vae, style),
        [
            GraphPort(
                style.names.decoder_input,
                {0: "batch_size", 2: "latent_height", 3: "latent_width"},
                torch.randn(2, 4, 8, 8).to(style.io),
            )
        ],
        [
            GraphPort(
                style.names.decoder_output,
                {0: "batch_size", 2: "latent_height * 8", 3: "latent_width * 8"},
            )
        ],
    )
