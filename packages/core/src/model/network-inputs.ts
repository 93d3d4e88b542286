import type { Port } from "./bind.js";

/**
 * What every denoising network of the Stable Diffusion family takes, and every ControlNet with it:
 * by the names that exporters are known to use, else by rank and element type.
 */
export const networkInputs = {
  latents: {
    names: ["sample", "latent_sample", "latent_model_input", "latents", "latent", "x"],
    ranks: [4],
    elements: "float",
    meaning: "latents, float [batch, channels, height, width]",
  },
  timestep: {
    names: ["timestep", "timesteps", "t"],
    ranks: [0, 1],
    elements: "number",
    meaning: "a timestep, float or integer, [], [1] or [batch]",
  },
  states: {
    names: ["encoder_hidden_states", "encoder_hidden_state", "text_embeddings", "context"],
    ranks: [3],
    elements: "float",
    meaning: "text states, float [batch, tokens, width]",
  },
} as const satisfies Record<"latents" | "timestep" | "states", Port>;
