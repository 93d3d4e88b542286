"""Teaches the text encoder how things look, by regression.  python train_guess.py --minutes 14

The prompt's last state and the denoiser's guess (starter/unet.py) learn the mean latents of what a
caption says. A step sees the text alone, so that it costs a hundredth of the denoiser's; what the
text encoder learns here, the denoiser need not wait for. Needs what train_unet.py needs, and comes
before it: --init goes on from a model's weights, and the result is a whole model's, for train_unet.py
--init.
"""

from __future__ import annotations

import time

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

from starter.dataset import COMMON, Dataset
from starter.optimizers import optimizers_for, set_rates
from starter.parallel import Team, launch
from starter.runtime import Average, Budget, Checkpoint, autocast, prepare, reseed, training_arguments
from starter.tokenizer import Tokenizer
from starter.unet import UNetConfig
from starter.vae import Autoencoder
from train_unet import Model, encode_all


def main() -> None:
    parser = training_arguments(__doc__, minutes=12, batch=192, lr=1.5e-3)
    parser.add_argument("--nouns", type=int, default=1000)
    parser.add_argument("--other-styles", type=float, default=0.05)
    parser.add_argument("--main-styles", type=float, default=0.75)
    parser.add_argument("--rare", type=float, default=0.8)
    parser.add_argument("--hold", type=float, default=0.4)
    parser.add_argument("--muon", type=float, default=2e-3)
    parser.add_argument("--workers", type=int, default=1)
    launch(train, parser.parse_args())


def train(args, team: Team) -> None:
    folder = prepare(args, "guess")
    tokenizer = Tokenizer(args.cache / "tokenizer")
    model = Model(len(tokenizer), tokenizer.eos, UNetConfig()).to(args.device)
    if args.init:
        model.begin(args.init)
    else:
        model.head_start(args.cache / "text/scorer.safetensors")
    taught = torch.nn.ModuleDict({"text": model.text, "up": model.unet.guess.up,
                                  "down": model.unet.guess.down})
    optimizers = optimizers_for(taught, args.lr, args.muon, team)
    average, budget = Average(taught, 0.998), Budget(args.minutes, args.hold, 50)
    checkpoint = Checkpoint(folder, args, taught, average, optimizers, budget)
    step = checkpoint.resume()
    team.share(taught)
    seed = reseed(args.seed, step, team.rank)
    data = Dataset(args.cache, args.nouns, seed, args.other_styles, rare=args.rare,
                   main_styles=args.main_styles)
    vae = Autoencoder().eval()
    vae.load_state_dict(load_file(args.cache / "vae/vae.safetensors"))
    if not team.leads:
        team.wait()
    latents = encode_all(data, vae, folder / "latents.pt", args.device)
    if team.leads:
        team.wait()
    rank = np.array([r["rank"] for r in data.records])
    shown = budget.started = time.time()
    over = False
    errors: list[tuple[float, float]] = []
    while not over:
        index = data.draw(args.batch)
        wanted = F.pixel_unshuffle(latents[torch.from_numpy(index)].float().to(args.device), 2)
        ids = data.captions(index, drop=0.05).to(args.device)
        with autocast(args.device):
            guess = model.unet.guess.latents(model.text(ids))
        losses = ((guess.float() - wanted) ** 2).mean((1, 2, 3))
        taught.zero_grad(set_to_none=True)
        losses.mean().backward()
        scale, over = team.reduce(taught, budget.scale(step), float(budget.over))
        set_rates(optimizers, scale)
        torch.nn.utils.clip_grad_norm_(taught.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
        step += 1
        if not team.leads:
            continue
        average.update(step)
        common = torch.from_numpy(rank[index] < COMMON)
        errors.append((losses[common].mean().item(), losses[~common].mean().item()))
        if step == 20 or time.time() - shown > 20:
            shown = time.time()
            a, b = np.mean(errors, 0)
            print(f"{step} {budget.spent:.0f}s common {a:.4f} others {b:.4f} rate {scale:.2f}",
                  flush=True)
            errors.clear()
        if checkpoint.due:
            checkpoint.keep(step)
    if not team.leads:
        return
    for p, mean in zip(taught.parameters(), average.copy.parameters()):
        p.data.copy_(mean)
    save_file({k: v.contiguous().cpu() for k, v in model.state_dict().items()},
              folder / "model.safetensors",
              metadata={k: str(v) for k, v in model.unet.config.dict().items()})
    print(f"done after {step} steps, {budget.spent:.0f} s", flush=True)


if __name__ == "__main__":
    main()
