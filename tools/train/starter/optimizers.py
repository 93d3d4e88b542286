"""The optimizers of a module: Muon for its inner matrices, AdamW for the rest."""

from __future__ import annotations

import torch

from .muon import Muon
from .parallel import Team

#: Tables that are looked up, not multiplied by: orthogonal steps mean nothing to them.
_TABLES = ("token", "position")


def optimizers_for(module: torch.nn.Module, lr: float, muon: float, team: Team | None = None,
                   decay: float = 0.0, muon_decay: float = 0.01) -> list[torch.optim.Optimizer]:
    """``muon`` is Muon's rate; 0: AdamW for all. ``decay`` is AdamW's weight decay."""
    inner, others = [], []
    for name, p in module.named_parameters():
        table = any(part in name for part in _TABLES)
        (inner if muon > 0 and p.ndim >= 2 and not table else others).append(p)
    optimizers: list[torch.optim.Optimizer] = [torch.optim.AdamW(
        [{"params": others, "rate": lr}], lr, betas=(0.9, 0.98), weight_decay=decay)]
    if inner:
        optimizers.append(Muon([{"params": inner, "rate": muon, "weight_decay": muon_decay}],
                               muon, team=team))
    return optimizers


def set_rates(optimizers: list[torch.optim.Optimizer], scale: float) -> None:
    """Each group's own rate, scaled."""
    for group in (g for o in optimizers for g in o.param_groups):
        group["lr"] = group["rate"] * scale
