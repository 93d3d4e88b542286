"""Trains the denoiser, with the text encoder.  python train_unet.py --minutes 70 --workers 2 --threads 1 --muon 2e-3

Needs the cache's dataset, vae/vae.safetensors and, for a head start, text/scorer.safetensors.
To go on from the committed weights: --init starter.safetensors (see README.md).
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file, save_file

from starter.dataset import KINDS, PLACES, Dataset
from starter.diffusion import Process, sample
from starter.runtime import (
    Average, Budget, Checkpoint, autocast, prepare, reseed, save_atomically, training_arguments)
from starter.muon import Muon
from starter.optimizers import set_rates
from starter.parallel import Team, launch
from starter.pictures import SIZE
from starter.text import TextEncoder, text_weights
from starter.tokenizer import Tokenizer
from starter.unet import UNet, UNetConfig, padding_bias
from starter.vae import Autoencoder

PROMPTS = [
    "red apple", "green apple, noto style", "cat face", "blue car", "house with garden",
    "a yellow star", "pizza", "smiling face", "dragon", "red heart", "dog", "rocket, noto style",
    "purple flower", "birthday cake, 3d style", "fish on a blue background",
    "robot, fluent style", "green car", "tree", "sad face, twemoji style", "pink cat face",
    "guitar", "hamburger, flat style", "owl", "umbrella",
]


class Model(torch.nn.Module):
    """Text encoder and denoiser as one module: one optimizer, one average, one file."""

    def __init__(self, vocabulary: int, eos: int, config: UNetConfig):
        super().__init__()
        self.text = TextEncoder(vocabulary, eos)
        self.unet = UNet(config)

    def head_start(self, path: Path) -> None:
        """Takes over the text encoder of train_text.py, where there is one."""
        if path.exists():
            self.text.load_state_dict(text_weights(path))

    def begin(self, path: Path) -> None:
        """Takes over given weights; those of a model without a guess leave it as it is."""
        given = {k: v.float() for k, v in load_file(path).items()}
        missing, unknown = self.load_state_dict(given, strict=False)
        if unknown or any(not name.startswith("unet.guess.") for name in missing):
            raise RuntimeError(f"{path}: missing {missing}, unknown {unknown}")


def make_optimizers(model: Model, args, team: Team) -> list[torch.optim.Optimizer]:
    """Muon for the denoiser's inner matrices where asked for, AdamW for the rest."""
    edges = {id(p) for m in (model.unet.inp, model.unet.out) for p in m.parameters()}
    parts: dict[tuple[bool, bool, float], list] = {}
    for module, share in ((model.unet, 1.0), (model.text, args.text_rate)):
        for p in module.parameters():
            muon = args.muon > 0 and p.ndim >= 2 and share == 1 and id(p) not in edges
            parts.setdefault((muon, p.ndim >= 2, share), []).append(p)
    groups: dict[bool, list] = {True: [], False: []}
    for (muon, matrices, share), params in parts.items():
        rate = (args.muon if muon else args.lr) * share
        groups[muon].append({"params": params, "lr": rate, "rate": rate,
                             "weight_decay": 0.01 if matrices else 0.0})
    optimizers: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(groups[False], args.lr, betas=(0.9, 0.98), fused=True)]
    if groups[True]:
        optimizers.append(Muon(groups[True], args.muon, team=team))
    return optimizers


@torch.no_grad()
def encode_all(data: Dataset, vae: Autoencoder, path: Path, device: str) -> torch.Tensor:
    """Latents of every variant, half precision; kept in the cache."""
    # The decoder may change: latents do not depend on it.
    stamp = float(sum(p.double().sum() for name, p in vae.state_dict().items()
                      if not name.startswith("decoder."))) + len(data.index)
    if path.exists():
        kept = torch.load(path, weights_only=True)
        if kept["stamp"] == stamp and len(kept["latents"]) == len(data.records):
            return kept["latents"]
    latents = torch.zeros(len(data.records), 4, 16, 16, dtype=torch.float16)
    vae = vae.to(device, memory_format=torch.channels_last)
    for i in range(0, len(data.index), 128):
        index = data.index[i : i + 128]
        x = data.images(index).to(device, memory_format=torch.channels_last)
        with autocast(device):
            latents[torch.from_numpy(index)] = vae.encode(x)[0].half().cpu()
    save_atomically({"stamp": stamp, "latents": latents}, path)
    return latents


@torch.no_grad()
def picture_sheet(model: Model, vae: Autoencoder, data: Dataset, path: Path) -> None:
    """The 24 prompts with two seeds each."""
    ids = torch.tensor([data.tokenizer.encode(p, PLACES) for p in [*PROMPTS, ""]])
    states = model.text(ids)
    rows = [vae.decode(sample(model.unet, states[:-1], states[-1:], seed, bias=padding_bias(PLACES)))
            for seed in (7, 8)]
    x = torch.stack(rows).clamp(-1, 1).reshape(2, 2, 12, 3, SIZE, SIZE)
    x = x.permute(1, 0, 4, 2, 5, 3).reshape(4 * SIZE, 12 * SIZE, 3)
    Image.fromarray(((x + 1) * 127.5).byte().numpy()).save(path)


def main() -> None:
    parser = training_arguments(__doc__, minutes=70, batch=64, lr=1.2e-3)
    parser.add_argument("--nouns", type=int, default=1000)
    parser.add_argument("--other-styles", type=float, default=0.3)
    parser.add_argument("--main-styles", type=float, default=0.75,
                        help="weight of each main style against the house style")
    parser.add_argument("--rare", type=float, default=1, help="weight of nouns after the common")
    parser.add_argument("--kinds", type=float, nargs=3, default=list(KINDS.values()),
                        metavar=tuple(k.upper() for k in KINDS), help="share of each kind")
    parser.add_argument("--fine", type=int, default=UNetConfig.fine)
    parser.add_argument("--coarse", type=int, default=UNetConfig.coarse)
    parser.add_argument("--hold", type=float, default=0.45, help="share of time before the decay")
    parser.add_argument("--muon", type=float, default=0, help="Muon's rate; 0: AdamW for all")
    parser.add_argument("--workers", type=int, default=1, help="processes, each with --batch")
    parser.add_argument("--text-rate", type=float, default=0.3, help="text encoder's share of lr")
    parser.add_argument("--guess", type=float, default=0.4, help="weight of the guess's own loss")
    parser.add_argument("--sheet-minutes", type=float, default=10)
    parser.add_argument("--until", help="HH:MM (UTC) at which to be done, instead of --minutes")
    args = parser.parse_args()
    if args.until:
        hour, minute = map(int, args.until.split(":"))
        now = time.gmtime()
        args.minutes = hour * 60 + minute - now.tm_hour * 60 - now.tm_min
    launch(train, args)


def train(args, team: Team) -> None:
    folder = prepare(args, "unet")
    config = UNetConfig(args.fine, args.coarse)
    tokenizer = Tokenizer(args.cache / "tokenizer")
    model = Model(len(tokenizer), tokenizer.eos, config).to(args.device)
    if args.init:
        model.begin(args.init)
    else:
        model.head_start(args.cache / "text/scorer.safetensors")
    model.unet.to(memory_format=torch.channels_last)
    sizes = [sum(p.numel() for p in m.parameters()) / 1e6 for m in (model.unet, model.text)]
    optimizers = make_optimizers(model, args, team)
    average = Average(model, 0.9985)
    budget = Budget(args.minutes, args.hold, 100)
    checkpoint = Checkpoint(folder, args, model, average, optimizers, budget)
    step = checkpoint.resume()
    if args.until:
        budget.seconds += budget.before
    team.share(model)
    seed = reseed(args.seed, step, team.rank)
    data = Dataset(args.cache, args.nouns, seed, args.other_styles, rare=args.rare,
                   main_styles=args.main_styles, kinds=dict(zip(KINDS, args.kinds)))
    vae = Autoencoder().eval()
    vae.load_state_dict(load_file(args.cache / "vae/vae.safetensors"))
    if not team.leads:
        team.wait()  # the leader writes what the others read
    latents = encode_all(data, vae, folder / "latents.pt", args.device)
    if team.leads:
        team.wait()
    vae = vae.cpu()
    print(f"{len(data.index)} variants; denoiser {sizes[0]:.2f} M, text {sizes[1]:.2f} M", flush=True)
    process, bias = Process(args.device), padding_bias(PLACES, args.device)

    def loss_of(x, v, t, ids, z):
        """The denoiser's loss of each picture, and the guess's of all."""
        text = model.text(ids)
        guess = model.unet.guess.latents(text)
        found = model.unet(x, t, text, bias, guess=guess).float()
        wanted = F.pixel_unshuffle(z, 2)
        return ((found - v) ** 2).mean((1, 2, 3)), ((guess.float() - wanted) ** 2).mean()

    def batch():
        index = data.draw(args.batch)
        z = latents[torch.from_numpy(index)].float().to(args.device)
        t = process.draw(args.batch)
        x, v = process.noisy(z, torch.randn_like(z), t)
        x = x.contiguous(memory_format=torch.channels_last)
        return x, v, t, data.captions(index, drop=0.1).to(args.device), z

    def keep() -> None:
        checkpoint.keep(step)
        state = {k: v.contiguous().cpu() for k, v in average.copy.state_dict().items()}
        save_file(state, folder / "ema.part", metadata={k: str(v) for k, v in config.dict().items()})
        (folder / "ema.part").replace(folder / "ema.safetensors")

    total, count, guesses = np.zeros(4), np.zeros(4), []
    shown = drawn = budget.started = time.time()
    over = False
    while not over:
        x, v, t, ids, z = batch()
        with autocast(args.device):
            losses, guessed = loss_of(x, v, t, ids, z)
        model.zero_grad(set_to_none=True)
        (losses.mean() + args.guess * guessed).backward()
        # One clock decides for all.
        scale, over = team.reduce(model, budget.scale(step), float(budget.over))
        set_rates(optimizers, scale)
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
        step += 1
        if step % 500 == 0:
            team.share(model)
        if not team.leads:
            continue
        if step % 2 == 0:
            average.update(step // 2)
        guesses.append(guessed.item())
        quarter = (t // 250).cpu().numpy()
        np.add.at(total, quarter, losses.detach().cpu().numpy())
        np.add.at(count, quarter, 1)
        if step in (1, 5, 20, 50) or time.time() - shown > 60:
            shown = time.time()
            by_time = np.round(total / np.maximum(count, 1), 3)
            print(f"{step} {budget.spent:.0f}s loss {total.sum() / count.sum():.4f} {by_time} "
                  f"guess {np.mean(guesses):.3f} norm {norm.item():.2f} rate {scale:.2f}", flush=True)
            total[:], count[:], guesses = 0, 0, []
        if checkpoint.due:
            keep()
        if time.time() - drawn > args.sheet_minutes * 60:
            drawn = time.time()
            picture_sheet(average.copy, vae, data, folder / f"sheet-{step:05d}.png")
    if not team.leads:
        return
    keep()
    picture_sheet(average.copy.cpu(), vae, data, folder / "sheet-final.png")
    print(f"done after {step} steps, {budget.spent:.0f} s", flush=True)


if __name__ == "__main__":
    main()
