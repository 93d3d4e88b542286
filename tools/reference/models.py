"""Tiny Stable Diffusion components with random weights, of the libraries' own classes.

Random weights as the libraries draw them give a nearly constant output, and a test against it
would hardly notice a wrong prompt or timestep. The gains below are chosen so that every part is
heard: predictions have a standard deviation of about 1, pictures use the range without clipping,
and a change of the prompt or of the timestep changes the prediction by more than 0.1 rms.
`verify.py` measures exactly that and refuses weights that fail.
"""

import math
from dataclasses import dataclass

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel

TEXT_WIDTH = 16
TEXT_LAYERS = 3
SCALING_FACTOR = 0.18215

TIMESTEP_GAIN = 1.5
UNET_OUT_GAIN = 1.8
VAE_MEAN_GAIN = 8.0


class TextEncoder(CLIPTextModel):
    """CLIPTextModel with the attribute through which diffusers reaches the last norm.

    transformers 5 has flattened the class; diffusers 0.42 still asks for `text_model` when
    `clip_skip` is given.
    """

    @property
    def text_model(self) -> CLIPTextModel:
        return self


@dataclass(frozen=True)
class Components:
    """The torch modules of one model, in float32 and in evaluation mode."""

    text_encoder: TextEncoder
    unet: UNet2DConditionModel
    vae: AutoencoderKL


def build_components(vocab_size: int) -> Components:
    """The same weights on every call: each module draws from a generator of its own."""
    text_encoder = TextEncoder(
        CLIPTextConfig(
            vocab_size=vocab_size,
            hidden_size=TEXT_WIDTH,
            intermediate_size=2 * TEXT_WIDTH,
            num_hidden_layers=TEXT_LAYERS,
            num_attention_heads=2,
            max_position_embeddings=77,
            projection_dim=TEXT_WIDTH,
            hidden_act="quick_gelu",
            bos_token_id=vocab_size - 2,
            eos_token_id=vocab_size - 1,
            pad_token_id=vocab_size - 1,
            # The fused attention cannot be traced in half precision.
            attn_implementation="eager",
        )
    )
    unet = UNet2DConditionModel(
        sample_size=8,
        in_channels=4,
        out_channels=4,
        block_out_channels=(8, 16),
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        layers_per_block=1,
        norm_num_groups=4,
        cross_attention_dim=TEXT_WIDTH,
        attention_head_dim=2,
    )
    vae = AutoencoderKL(
        sample_size=64,
        in_channels=3,
        out_channels=3,
        latent_channels=4,
        block_out_channels=(8, 8, 16, 16),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        norm_num_groups=4,
        scaling_factor=SCALING_FACTOR,
    )
    randomize(text_encoder, seed=101)
    randomize(unet, seed=102)
    randomize(vae, seed=103)
    tune_text_encoder(text_encoder)
    tune_unet(unet)
    tune_vae(vae)
    for module in (text_encoder, unet, vae):
        module.eval().requires_grad_(False)
    return Components(text_encoder, unet, vae)


@torch.no_grad()
def randomize(module: nn.Module, seed: int) -> None:
    """Draws every parameter anew: He-like weights, and norms and biases that are not the identity.

    A norm's weight of 1 and bias of 0 would hide an exporter or a caller that drops them.
    """
    generator = torch.Generator("cpu").manual_seed(seed)

    def normal(parameter: torch.Tensor, mean: float, std: float) -> None:
        parameter.copy_(mean + std * torch.randn(parameter.shape, generator=generator))

    for part in module.modules():
        if isinstance(part, (nn.GroupNorm, nn.LayerNorm)):
            normal(part.weight, 1.0, 0.2)
            normal(part.bias, 0.0, 0.1)
        elif isinstance(part, nn.Embedding):
            normal(part.weight, 0.0, 1.0)
        elif isinstance(part, (nn.Linear, nn.Conv2d)):
            fan_in = part.weight[0].numel()
            normal(part.weight, 0.0, 1.0 / math.sqrt(fan_in))
            if part.bias is not None:
                normal(part.bias, 0.0, 0.1)


@torch.no_grad()
def tune_text_encoder(text_encoder: CLIPTextModel) -> None:
    """Places speak more softly than tokens, as in a trained encoder."""
    text_encoder.embeddings.position_embedding.weight.mul_(0.3)


@torch.no_grad()
def tune_unet(unet: UNet2DConditionModel) -> None:
    """Turns up the timestep, and the prediction to unit variance.

    The prompt's effect is left at a quarter of the prediction: guidance of 7.5 multiplies it, and
    with more of it the last bit of every graph would grow, step by step, into the third digit.
    """
    for name, part in unet.named_modules():
        if name.endswith("time_emb_proj"):
            part.weight.mul_(TIMESTEP_GAIN)
    unet.conv_out.weight.mul_(UNET_OUT_GAIN)


@torch.no_grad()
def tune_vae(vae: AutoencoderKL) -> None:
    """Latents near unit variance after the scaling factor, with a posterior of modest width."""
    moments = vae.quant_conv
    latent = vae.config.latent_channels
    moments.weight[:latent].mul_(VAE_MEAN_GAIN)
    moments.weight[latent:].mul_(0.5)
    moments.bias[latent:].sub_(1.0)
