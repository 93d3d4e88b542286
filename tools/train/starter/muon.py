"""Muon (Jordan et al. 2024): momentum whose matrices are made orthogonal before each step."""

from __future__ import annotations

import torch
from torch import Tensor

#: Coefficients of the quintic Newton-Schulz iteration that pushes singular values towards 1.
_QUINTIC = (3.4445, -4.7750, 2.0315)


def orthogonal(matrix: Tensor, iterations: int) -> Tensor:
    """Nearly the orthogonal factor of the polar decomposition, in bfloat16."""
    a, b, c = _QUINTIC
    x = matrix.bfloat16()
    tall = x.shape[0] > x.shape[1]
    if tall:
        x = x.T
    x = x / (x.norm() + 1e-7)
    for _ in range(iterations):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if tall else x


class Muon(torch.optim.Optimizer):
    """For weights of two or more dimensions; kernels count as [out, in * height * width].

    The step is scaled as Liu et al. 2025 (Moonlight) do, to 0.2 root mean square, so that AdamW's
    learning rates and weight decay serve as they are.
    """

    def __init__(self, groups, lr: float, momentum: float = 0.95, iterations: int = 5):
        super().__init__(groups, {"lr": lr, "momentum": momentum, "iterations": iterations,
                                  "weight_decay": 0.0})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["momentum"] = torch.zeros_like(p)
                momentum = state["momentum"].lerp_(p.grad, 1 - group["momentum"])
                update = p.grad.lerp(momentum, group["momentum"])  # Nesterov's look ahead
                flat = update.flatten(1)
                flat = orthogonal(flat, group["iterations"])
                rate = group["lr"] * 0.2 * max(flat.shape) ** 0.5
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(flat.view(p.shape).to(p.dtype), alpha=-rate)
