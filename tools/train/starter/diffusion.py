"""The noise schedule of Stable Diffusion 1, v-prediction, and DDIM for looking at results."""

from __future__ import annotations

import torch
from torch import Tensor

STEPS = 1000


def cumulative_alphas() -> Tensor:
    """"scaled_linear" from 0.00085 to 0.012: what scheduler_config.json says."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, STEPS, dtype=torch.float64) ** 2
    return torch.cumprod(1 - betas, 0).float()


class Process:
    """x_t = a z + s n, and v = a n - s z (Salimans & Ho 2022)."""

    def __init__(self, device: str = "cpu"):
        alphas = cumulative_alphas()
        self.a = alphas.sqrt().to(device)
        self.s = (1 - alphas).sqrt().to(device)
        snr = alphas / (1 - alphas)
        # min-SNR-5 (Hang et al. 2023) for v-prediction is min(snr, 5) / (snr + 1). Drawing the
        # timesteps by that weight instead of weighting the loss gives the same expectation with
        # less variance; the constant keeps the noisy end, where the thing itself is decided,
        # from being starved.
        weight = torch.minimum(snr, torch.tensor(5.0)) / (snr + 1) + 0.25
        self._cumulative = torch.cumsum(weight / weight.sum(), 0)

    def draw(self, count: int) -> Tensor:
        """Stratified timesteps in random order."""
        points = (torch.arange(count) + torch.rand(count)) / count
        found = torch.searchsorted(self._cumulative, points).clamp(max=STEPS - 1)
        return found[torch.randperm(count)].to(self.a.device)

    def noisy(self, z: Tensor, noise: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """The noisy latents and the v to be predicted."""
        a, s = self.a[t][:, None, None, None], self.s[t][:, None, None, None]
        return a * z + s * noise, a * noise - s * z


@torch.no_grad()
def sample(unet, states: Tensor, empty: Tensor, seed: int, steps: int = 20, guidance: float = 2.5,
           bias: Tensor | None = None, size: tuple[int, int] = (16, 16)) -> Tensor:
    """Latents by DDIM with trailing spacing and classifier-free guidance, on the CPU."""
    process, count = Process(), len(states)
    x = torch.randn(count, 4, *size, generator=torch.Generator().manual_seed(seed))
    text = torch.cat([states, empty.expand(count, -1, -1)])
    times = [round(STEPS * k / steps) - 1 for k in range(steps, 0, -1)]
    for now, following in zip(times, [*times[1:], None]):
        v, v0 = unet(torch.cat([x, x]), torch.tensor([now]), text, bias).float().chunk(2)
        v = v0 + guidance * (v - v0)
        a, s = process.a[now], process.s[now]
        z, noise = a * x - s * v, s * x + a * v
        x = z if following is None else process.a[following] * z + process.s[following] * noise
    return x
