"""Teaches the decoder what the denoiser gives it.  python train_decoder.py --minutes 10

Sampled latents are not those of the encoder: they are a little blurred, and noise is left in them,
which a decoder that has only seen clean ones turns into faint textures. It learns here from the
encoder's latents as they are, from noisy ones, and from the denoiser's own predictions of them, and
always to give the picture. The encoder stays, so that latents mean what they meant. Needs the
cache's dataset, the denoiser (--unet) and vae/vae.safetensors, which it replaces.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file

from export import load_model
from starter import pictures
from starter.dataset import PLACES, Dataset
from starter.diffusion import Process
from starter.runtime import Average, Budget, Checkpoint, autocast, prepare, training_arguments
from starter.tokenizer import Tokenizer
from starter.unet import padding_bias
from starter.vae import Autoencoder
from train_vae import difference, finish

#: The timesteps whose predictions are decoded: the end of sampling.
EARLIEST, LATEST = 20, 320
#: Deviation of what is added to the noisy third of the latents, at most.
NOISE = 0.3


def main() -> None:
    parser = training_arguments(__doc__, minutes=10, batch=36, lr=1e-3)
    parser.add_argument("--unet", type=Path, help="default: unet/ema.safetensors of the cache")
    parser.add_argument("--nouns", type=int, default=10**6)
    args = parser.parse_args()
    folder = prepare(args, "decoder")
    tokenizer = Tokenizer(args.cache / "tokenizer")
    model = load_model(args.unet or args.cache / "unet/ema.safetensors", len(tokenizer),
                       tokenizer.eos).to(args.device).requires_grad_(False)
    model.unet.to(memory_format=torch.channels_last)
    rgba, records = pictures.load(args.cache)
    held = {i for i, r in enumerate(records) if pictures.held_out(r)}
    data = Dataset(args.cache, args.nouns, args.seed, 0.3, leave=lambda r: r["picture"] in held)
    path = args.cache / "vae/vae.safetensors"
    net = Autoencoder()
    net.load_state_dict(load_file(args.init or path))
    net = net.to(args.device, memory_format=torch.channels_last)
    net.encoder.requires_grad_(False)
    optimizer = torch.optim.AdamW(net.decoder.parameters(), args.lr, betas=(0.9, 0.99),
                                  weight_decay=0)
    average, budget = Average(net.decoder, 0.998), Budget(args.minutes, 0.3, 100)
    checkpoint = Checkpoint(folder, args, net.decoder, average, [optimizer], budget)
    step = checkpoint.resume()
    process, bias = Process(args.device), padding_bias(PLACES, args.device)
    third = args.batch // 3

    def batch():
        """Latents, a third of each manner, and their pictures."""
        index = data.draw(args.batch)
        index = np.random.permutation(index)
        x = data.images(index)
        for part in (x[:third], x[2 * third :]):
            # No caption is needed for these: few drawings, many pictures.
            if torch.rand(()) < 0.4:
                part[:] = part[:, torch.randperm(3)]
            if torch.rand(()) < 0.5:
                part[:] = part.flip(3)
        x = x.to(args.device).contiguous(memory_format=torch.channels_last)
        with torch.no_grad(), autocast(args.device):
            z = net.encode(x)[0]
            strength = NOISE * torch.rand(third, 1, 1, 1, device=args.device)
            z[:third] += strength * torch.randn_like(z[:third])
            part = slice(third, 2 * third)
            t = torch.randint(EARLIEST, LATEST, (third,), device=args.device)
            noisy, _ = process.noisy(z[part], torch.randn_like(z[part]), t)
            noisy = noisy.contiguous(memory_format=torch.channels_last)
            ids = data.captions(index[part], drop=0.05).to(args.device)
            v = model.unet(noisy, t, model.text(ids), bias).float()
            a, s = process.a[t][:, None, None, None], process.s[t][:, None, None, None]
            z[part] = a * noisy - s * v
        return z, x

    losses: list[list[float]] = []
    shown = budget.started = time.time()
    while not budget.over:
        optimizer.param_groups[0]["lr"] = args.lr * budget.scale(step)
        z, x = batch()
        with autocast(args.device):
            y = net.decode(z).float()
        parts = [difference(a, b)[0] for a, b in zip(y.split(third), x.split(third))]
        optimizer.zero_grad(set_to_none=True)
        (sum(parts) / 3).backward()
        torch.nn.utils.clip_grad_norm_(net.decoder.parameters(), 1.0)
        optimizer.step()
        step += 1
        average.update(step)
        losses.append([p.item() for p in parts])
        if step in (5, 50) or time.time() - shown > 30:
            shown = time.time()
            print(f"{step} {budget.spent:.0f}s noisy, predicted, clean: "
                  f"{np.mean(losses, 0).round(4)}", flush=True)
            losses.clear()
        if checkpoint.due:
            checkpoint.keep(step)
    net.decoder = average.copy
    train = np.array([i for i in range(len(records)) if i not in held])
    finish(net.cpu(), rgba, train, np.array(sorted(held)), folder, fixed=True)
    path.write_bytes((folder / "vae.safetensors").read_bytes())


if __name__ == "__main__":
    main()
