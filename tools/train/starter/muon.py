"""Muon (Jordan et al. 2024): momentum whose matrices are made orthogonal before each step."""

from __future__ import annotations

import torch
from torch import Tensor

from .parallel import Team

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

    Orthogonalising takes as long as the gradients of 20 pictures do, so the workers of a team divide
    the matrices among them; each keeps the momentum of all, so that any of them can be saved.
    """

    def __init__(self, groups, lr: float, momentum: float = 0.95, iterations: int = 5,
                 team: Team | None = None):
        super().__init__(groups, {"lr": lr, "momentum": momentum, "iterations": iterations,
                                  "weight_decay": 0.0})
        self.team = team or Team(0, 1)
        # The largest first, each to whom has least to do: the same answer in every worker.
        matrices = [p for group in self.param_groups for p in group["params"]]
        load = [0.0] * self.team.size
        self.owner: dict[int, int] = {}
        for p in sorted(matrices, key=_work, reverse=True):
            worker = load.index(min(load))
            self.owner[id(p)] = worker
            load[worker] += _work(p)

    @torch.no_grad()
    def step(self) -> None:
        steps: list[tuple[Tensor, Tensor, dict]] = []
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["momentum"] = torch.zeros_like(p)
                momentum = state["momentum"].lerp_(p.grad, 1 - group["momentum"])
                if self.owner[id(p)] == self.team.rank:
                    update = p.grad.lerp(momentum, group["momentum"])  # Nesterov's look ahead
                    flat = orthogonal(update.flatten(1), group["iterations"]).contiguous()
                else:
                    flat = torch.empty(p.shape, dtype=torch.bfloat16, device=p.device).flatten(1)
                steps.append((p, flat, group))
        self.team.exchange([flat for _, flat, _ in steps],
                           [self.owner[id(p)] for p, _, _ in steps])
        for p, flat, group in steps:
            rate = group["lr"] * 0.2 * max(flat.shape) ** 0.5
            p.mul_(1 - group["lr"] * group["weight_decay"])
            p.add_(flat.view(p.shape).to(p.dtype), alpha=-rate)


def _work(p: Tensor) -> float:
    """Arithmetic of one orthogonalisation, up to a factor."""
    rows = p.shape[0]
    columns = p.numel() // rows
    return p.numel() * min(rows, columns)
