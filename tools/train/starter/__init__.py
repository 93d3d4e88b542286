"""Training of Underpaint's starter model: a small text-to-image latent diffusion model."""
