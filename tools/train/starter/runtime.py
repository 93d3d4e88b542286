"""What every training script shares: device, seeds, time budget, learning rate, checkpoints."""

from __future__ import annotations

import argparse
import copy
import math
import os
import random
import time
from pathlib import Path

import numpy as np
import torch

#: Folder for everything that is made again from the sources and never committed.
CACHE = Path(os.environ.get("UNDERPAINT_TRAIN_CACHE", Path(__file__).parents[1] / ".cache"))


def arguments(description: str) -> argparse.ArgumentParser:
    """The flags that all scripts have."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--cache", type=Path, default=CACHE)
    parser.add_argument("--seed", type=int, default=0)
    return parser


def training_arguments(description: str, minutes: float, batch: int,
                       lr: float) -> argparse.ArgumentParser:
    """The flags that all training scripts have."""
    parser = arguments(description)
    parser.add_argument("--run", default=None, help="name of the run's folder in the cache")
    parser.add_argument("--minutes", type=float, default=minutes, help="wall time of the whole run")
    parser.add_argument("--resume", action="store_true", help="go on from the run's checkpoint")
    parser.add_argument("--init", type=Path, help="start from these weights (.safetensors)")
    parser.add_argument("--batch", type=int, default=batch)
    parser.add_argument("--lr", type=float, default=lr)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--checkpoint-minutes", type=float, default=4)
    return parser


def prepare(args: argparse.Namespace, name: str) -> Path:
    """Sets threads and seeds; returns the run's folder."""
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    random.seed(args.seed)
    np.random.seed(args.seed)
    folder = args.cache / (args.run or name)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def reseed(seed: int, step: int, rank: int) -> int:
    """From here on every worker draws its own pictures, noise and captions; a resumed run draws
    others than it began with. Returns the seed that was set."""
    own = seed + 1000 * step + rank
    torch.manual_seed(own)
    np.random.seed(own)
    return own


def autocast(device: str):
    """bfloat16 where it is safe; see ``check_gradients``."""
    return torch.autocast(device, dtype=torch.bfloat16)


def save_atomically(state, path: Path) -> None:
    """A reader, or a run that was killed, never sees half a file."""
    temporary = path.with_suffix(path.suffix + ".part")
    torch.save(state, temporary)
    os.replace(temporary, path)


class Budget:
    """Wall time spent over all sessions of one run, and the learning rate that follows from it.

    The rate warms up over ``warmup`` steps, stays, and falls as a cosine to 1 % over the last
    ``1 - hold`` of the time, so that a run ends at its sharpest whatever machine it ran on.
    """

    def __init__(self, minutes: float, hold: float, warmup: int, spent: float = 0.0):
        self.seconds = minutes * 60
        self.hold = hold
        self.warmup = warmup
        self.before = spent
        self.started = time.time()

    @property
    def spent(self) -> float:
        return self.before + time.time() - self.started

    @property
    def over(self) -> bool:
        return self.spent >= self.seconds

    def scale(self, step: int) -> float:
        fraction = min(1.0, self.spent / self.seconds)
        decay = 1.0
        if fraction > self.hold:
            decay = 0.5 * (1 + math.cos(math.pi * (fraction - self.hold) / (1 - self.hold)))
        return min(1.0, (step + 1) / self.warmup) * (0.01 + 0.99 * decay)


class Average:
    """Exponential moving average of a module's parameters; the average is what is shipped."""

    def __init__(self, module: torch.nn.Module, decay: float):
        self.module = module
        self.decay = decay
        self.copy = copy.deepcopy(module).requires_grad_(False).eval()

    @torch.no_grad()
    def update(self, step: int) -> None:
        # Early on a long memory would only hold the noise of the start.
        decay = min(self.decay, (1 + step) / (20 + step))
        torch._foreach_lerp_(list(self.copy.parameters()), list(self.module.parameters()), 1 - decay)


class Checkpoint:
    """All that a run needs to go on, in its folder: written every few minutes and never half."""

    def __init__(self, folder: Path, args: argparse.Namespace, module: torch.nn.Module,
                 average: Average, optimizers: list[torch.optim.Optimizer], budget: Budget):
        self.path = folder / "checkpoint.pt"
        self._args, self._module, self._average = args, module, average
        self._optimizers, self._budget = optimizers, budget
        self._kept = time.time()

    def resume(self) -> int:
        """Takes the kept state over where --resume asks for it; the steps that were done."""
        if not self._args.resume or not self.path.exists():
            return 0
        state = torch.load(self.path, map_location=self._args.device, weights_only=True)
        self._module.load_state_dict(state["model"])
        self._average.copy.load_state_dict(state["average"])
        for optimizer, kept in zip(self._optimizers, state["optimizers"]):
            optimizer.load_state_dict(kept)
        self._budget.before = state["spent"]
        return state["step"]

    def keep(self, step: int) -> None:
        self._kept = time.time()
        save_atomically({"model": self._module.state_dict(),
                         "average": self._average.copy.state_dict(),
                         "optimizers": [o.state_dict() for o in self._optimizers],
                         "spent": self._budget.spent, "step": step}, self.path)

    @property
    def due(self) -> bool:
        return time.time() - self._kept > self._args.checkpoint_minutes * 60


def check_gradients(module: torch.nn.Module, loss, compiled) -> None:
    """Stops the run where the compiled loss does not give eager's gradients.

    torch 2.13 on the CPU compiled nearest-neighbour interpolation under bfloat16 autocast into a
    graph whose gradients were zero, without a word; so nothing compiled is trusted unseen.
    """
    found = []
    for function in (loss, compiled):
        module.zero_grad(set_to_none=True)
        torch.manual_seed(0)
        function().backward()
        found.append([None if p.grad is None else p.grad.clone() for p in module.parameters()])
    module.zero_grad(set_to_none=True)
    worst = 0.0
    for (name, _), eager, other in zip(module.named_parameters(), *found):
        if (eager is None) != (other is None):
            raise RuntimeError(f"compiled gradient of {name} is missing")
        if eager is None or eager.norm() == 0:
            continue
        error = ((other - eager).norm() / eager.norm()).item()
        worst = max(worst, error)
        if error > 0.5:
            raise RuntimeError(f"compiled gradient of {name} is off by {error:.0%}")
    print(f"compiled gradients agree with eager's; worst relative difference {worst:.3f}", flush=True)
