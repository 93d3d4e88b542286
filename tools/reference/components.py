"""What each component computes by itself: where a whole case fails, this says in which graph."""

from pathlib import Path

import numpy as np
import safetensors.numpy
import torch
from PIL import Image

from models import TEXT_LAYERS, Components

# The ends of the schedule, its middle, and one that only a graph with float timesteps can take.
TIMESTEPS = [0.0, 1.0, 501.0, 999.0, 856.28571]


@torch.no_grad()
def write_components(components: Components, folder: Path) -> None:
    """fixtures/reference/components.safetensors; the names' first word is the component."""
    generator = torch.Generator().manual_seed(77)
    ids = torch.randint(0, 1112, (2, 77), generator=generator)
    ids[:, 0], ids[0, 9:], ids[1, 76:] = 1112, 1113, 1113
    text = components.text_encoder(ids, output_hidden_states=True)

    sample = torch.randn(2, 4, 8, 12, generator=generator)
    predictions = [
        components.unet(sample, torch.tensor(t), text.last_hidden_state).sample for t in TIMESTEPS
    ]

    latents = torch.randn(2, 4, 8, 12, generator=generator) / components.vae.config.scaling_factor
    picture = np.asarray(Image.open(folder / "inputs" / "96x64.png"))
    pixels = torch.from_numpy(picture.astype(np.float32) / 255).permute(2, 0, 1)[None] * 2 - 1
    posterior = components.vae.encode(pixels).latent_dist

    tensors = {
        "text.input_ids": ids,
        "text.last_hidden_state": text.last_hidden_state,
        "text.pooler_output": text.pooler_output,
        **{f"text.hidden_states.{i}": text.hidden_states[i] for i in range(TEXT_LAYERS + 1)},
        "unet.sample": sample,
        "unet.timesteps": torch.tensor(TIMESTEPS, dtype=torch.float64),
        **{f"unet.out_sample.{i}": prediction for i, prediction in enumerate(predictions)},
        "vae_decoder.latent_sample": latents,
        "vae_decoder.sample": components.vae.decode(latents).sample,
        "vae_encoder.sample": pixels,
        "vae_encoder.latent_parameters": posterior.parameters,
    }
    arrays = {name: np.ascontiguousarray(value.numpy()) for name, value in tensors.items()}
    safetensors.numpy.save_file(arrays, folder / "components.safetensors")
