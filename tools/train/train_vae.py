"""Trains the autoencoder.  python train_vae.py --minutes 12 --compile"""

from __future__ import annotations

import math
import time

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file, save_file

from starter import pictures
from starter.runtime import (
    Average, Budget, Checkpoint, autocast, check_gradients, prepare, training_arguments)
from starter.vae import FACTOR, LATENT_CHANNELS, Autoencoder


def over_background(rgba: torch.Tensor, background: torch.Tensor) -> torch.Tensor:
    """[B, H, W, 4] bytes over [B, 3, 1, 1] in [0, 1] -> [B, 3, H, W] in [-1, 1]."""
    x = rgba.permute(0, 3, 1, 2).float() / 255
    x = x[:, :3] * x[:, 3:] + background * (1 - x[:, 3:])
    return x * 2 - 1


def training_batch(rgba: torch.Tensor) -> torch.Tensor:
    """White or coloured ground, shuffled colour channels, mirrored: few icons, many pictures."""
    count = len(rgba)
    background = torch.ones(count, 3, 1, 1)
    coloured = torch.rand(count) < 0.3
    background[coloured] = torch.rand(int(coloured.sum()), 3, 1, 1)
    x = over_background(rgba, background)
    if torch.rand(()) < 0.4:
        x = x[:, torch.randperm(3)]
    if torch.rand(()) < 0.5:
        x = x.flip(3)
    return x.contiguous(memory_format=torch.channels_last)


def difference(y: torch.Tensor, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """A loss that minds edges: L1 + L2 + L1 of the gradients at two scales. Also the plain MSE."""
    d = y - x
    mse = (d * d).mean()
    loss = d.abs().mean() + 2 * mse
    for scale in range(2):
        if scale:
            d = F.avg_pool2d(d, 2)
        dy, dx = d[:, :, 1:] - d[:, :, :-1], d[:, :, :, 1:] - d[:, :, :, :-1]
        loss = loss + 0.25 * (dy.abs().mean() + dx.abs().mean())
    return loss, mse


def main() -> None:
    parser = training_arguments(__doc__, minutes=12, batch=32, lr=2e-3)
    parser.add_argument("--kl", type=float, default=1e-4)
    parser.add_argument("--half", type=float, default=0.25,
                        help="share of steps that also decode halved latents to halved pictures")
    parser.add_argument("--compile", action="store_true", help="torch.compile, after a gradient check")
    args = parser.parse_args()
    folder = prepare(args, "vae")
    rgba, records = pictures.load(args.cache)
    train = np.array([i for i, r in enumerate(records) if not pictures.held_out(r)])
    test = np.array([i for i, r in enumerate(records) if pictures.held_out(r)])
    print(f"{len(train)} pictures to learn from, {len(test)} held out", flush=True)

    net = Autoencoder().to(args.device, memory_format=torch.channels_last)
    if args.init:
        net.load_state_dict(load_file(args.init))
    count = sum(p.numel() for p in net.parameters())
    print(f"{count / 1e6:.2f} M parameters", flush=True)
    optimizer = torch.optim.AdamW(net.parameters(), args.lr, betas=(0.9, 0.99), weight_decay=0)
    average = Average(net, 0.998)
    budget = Budget(args.minutes, 0.4, 100)
    checkpoint = Checkpoint(folder, args, net, average, [optimizer], budget)
    step = checkpoint.resume()

    def loss_of(x: torch.Tensor, noise: torch.Tensor):
        mean, logvar = net.encoder(pictures.halved(x)).float().chunk(2, 1)
        logvar = logvar.clamp(-12, 4)
        z = mean + torch.exp(0.5 * logvar) * noise
        loss, mse = difference(net.decoder(z).float(), x)
        kl = 0.5 * (mean * mean + logvar.exp() - 1 - logvar).mean()
        return loss + args.kl * kl, mse, z

    side = pictures.SIZE // FACTOR
    compiled = torch.compile(loss_of) if args.compile else loss_of
    if args.compile:
        x = training_batch(torch.from_numpy(rgba[np.sort(train[: args.batch])])).to(args.device)
        noise = torch.randn(args.batch, LATENT_CHANNELS, side, side, device=args.device)

        def run(function):
            def once():
                with autocast(args.device):
                    return function(x, noise)[0]
            return once

        # The blocks begin as identities; a little noise lets every gradient be seen.
        before = {k: v.clone() for k, v in net.state_dict().items()}
        with torch.no_grad():
            for p in net.parameters():
                p.add_(0.02 * torch.randn_like(p))
        check_gradients(net, run(loss_of), run(compiled))
        net.load_state_dict(before)

    shown = budget.started = time.time()
    while not budget.over:
        for group in optimizer.param_groups:
            group["lr"] = args.lr * budget.scale(step)
        index = np.sort(train[torch.randint(len(train), (args.batch,)).numpy()])
        x = training_batch(torch.from_numpy(rgba[index])).to(args.device)
        noise = torch.randn(len(x), LATENT_CHANNELS, side, side, device=args.device)
        with autocast(args.device):
            loss, mse, z = compiled(x, noise)
            if torch.rand(()) < args.half:
                # Latents that shrink as their picture shrinks are smoother and easier to diffuse
                # (Kouzelis et al. 2025, EQ-VAE).
                half = net.decoder(F.avg_pool2d(z, 2)).float()
                loss = loss + 0.5 * difference(half, F.avg_pool2d(x, 2))[0]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        step += 1
        average.update(step)
        if step in (5, 50) or time.time() - shown > 30:
            shown = time.time()
            psnr = 10 * math.log10(4 / mse.item())
            print(f"{step} {budget.spent:.0f}s loss {loss.item():.4f} psnr {psnr:.2f} "
                  f"latent {z.std().item():.2f}", flush=True)
        if checkpoint.due:
            checkpoint.keep(step)
    finish(average.copy.cpu(), rgba, train, test, folder)


@torch.no_grad()
def finish(net: Autoencoder, rgba, train, test, folder, fixed: bool = False) -> None:
    """Measures the latents' mean and deviation (unless ``fixed``) and the held-out error, writes
    the weights."""
    white = torch.ones(1, 3, 1, 1)
    if not fixed:
        net.mean.zero_()
        net.deviation.fill_(1)
        some = train[:: max(1, len(train) // 1024)]
        z = torch.cat([
            net.encode(over_background(torch.from_numpy(rgba[some[i : i + 64]]), white))[0]
            for i in range(0, len(some), 64)])
        net.mean.copy_(z.mean((0, 2, 3), keepdim=True))
        net.deviation.copy_(z.std((0, 2, 3), keepdim=True))
    save_file({k: v.contiguous() for k, v in net.state_dict().items()}, folder / "vae.safetensors")
    errors, rows = [], []
    for i in range(0, len(test), 64):
        x = over_background(torch.from_numpy(rgba[test[i : i + 64]]), white)
        y = net.decode(net.encode(x)[0]).clamp(-1, 1)
        errors.append(((y - x) ** 2).mean((1, 2, 3)))
        rows.append((x, y))
    errors = torch.cat(errors)
    print(f"held out: {10 * math.log10(4 / errors.mean().item()):.2f} dB (of the mean error), "
          f"{(10 * torch.log10(4 / errors)).mean().item():.2f} dB (mean a picture)")
    x, y = (torch.cat(part)[:: len(test) // 48][:48] for part in zip(*rows))
    size = pictures.SIZE
    sheet = torch.stack([part.reshape(3, 16, 3, size, size) for part in (x, y)], 1)
    sheet = sheet.permute(0, 1, 4, 2, 5, 3).reshape(6 * size, 16 * size, 3)
    Image.fromarray(((sheet + 1) * 127.5).byte().numpy()).save(folder / "held-out.png")


if __name__ == "__main__":
    main()
