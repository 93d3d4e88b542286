"""Trains a control on the frozen denoiser.  python train_control.py lineart --minutes 30 --muon 1.5e-3

  lineart   a ControlNet that keeps drawn lines
  palette   a grid of colours that the picture is to have

Needs the cache's dataset, vae/vae.safetensors and the denoiser (--unet, by default
unet/ema.safetensors). One drawing in 24 is held out (``pictures.drawing_held_out``), with
all that was made of it, for evaluate/.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from export import load_model
from starter import pictures
from starter.control import PaletteControl, make, palette, vary
from starter.dataset import PLACES, Dataset
from starter.diffusion import Process, sample
from starter.lines import canny, draw_lines, f_score, manners, maps, moved
from starter.optimizers import optimizers_for, set_rates
from starter.parallel import Team, launch
from starter.runtime import Average, Budget, Checkpoint, autocast, prepare, reseed, training_arguments
from starter.tokenizer import Tokenizer
from starter.unet import padding_bias
from starter.vae import Autoencoder

#: More of what differs in colour alone, since it has the same lines.
KINDS = {"plain": 0.46, "ground": 0.18, "painted": 0.36}
#: What held-out drawings are coloured as, for looking and for measuring while training.
COLOURS = ("red", "green", "blue")


def line_maps(cache: Path, wanted: set[int]) -> np.ndarray:
    """``lines.maps`` of the wanted drawings, kept in the cache."""
    path = cache / "lines.npy"
    rgba, records = pictures.load(cache)
    if path.exists():
        kept = np.load(path, mmap_mode="r")
        if kept.shape[:2] == (len(records), pictures.SIZE) and all(kept[i].any() for i in wanted):
            return kept
    kept = np.zeros((len(records), pictures.SIZE, pictures.SIZE, 4), np.uint8)
    for i in wanted:
        kept[i] = maps(rgba[i])
    part = path.with_suffix(".part.npy")
    np.save(part, kept)
    part.replace(path)
    return kept


@torch.no_grad()
def look(control, model, vae: Autoencoder, data: Dataset, drawn: np.ndarray, path: Path,
         count: int = 16) -> str:
    """A sheet of held-out hints, each with five prompts; and how well the hints are kept."""
    held = [i for i, r in enumerate(data.records)
            if pictures.drawing_held_out(r["picture"]) and r["kind"] == "plain" and r["rank"] < 400]
    chosen = held[:: max(1, len(held) // count)][:count]
    lineart = not isinstance(control, PaletteControl)
    real = data.images(np.array(chosen))
    if lineart:
        edges = torch.from_numpy(np.stack([drawn[data.records[i]["picture"]] for i in chosen]))
        hints = ((edges[..., 0].float() / 8) < 1).float()[:, None].expand(-1, 3, -1, -1)
    else:
        hints = palette(real)
    rows, scores, bare = [real, hints * 2 - 1], [], []
    labels = [data.records[i]["label"] for i in chosen]
    bias = padding_bias(PLACES)
    empty = model.text(torch.tensor([data.empty]))
    both = torch.cat([hints, hints])
    kept = None if lineart else control(both)

    def unet(x, t, text, bias):
        found = control(x, t, text, both, bias) if lineart else kept
        return model.unet(x, t, text, bias, found)

    for seed, colour in enumerate(COLOURS if lineart else ("", "")):
        ids = torch.tensor([data.tokenizer.encode(f"{colour} {x}".strip(), PLACES) for x in labels])
        text = model.text(ids)
        made = vae.decode(sample(unet, text, empty, seed, bias=bias)).clamp(-1, 1)
        rows.append(made)
        if lineart:
            plain = made.permute(0, 2, 3, 1).add(1).mul(127.5).round().byte().numpy()
            scores += [f_score(canny(p), h[0].numpy() > 0.5) for p, h in zip(plain, hints)]
        else:
            scores += [(palette(made) - hints).square().mean().sqrt().item()]
            made = vae.decode(sample(model.unet, text, empty, seed, bias=bias)).clamp(-1, 1)
            bare += [(palette(made) - hints).square().mean().sqrt().item()]
    x = torch.stack(rows).permute(0, 3, 1, 4, 2).reshape(len(rows) * pictures.SIZE, -1, 3)
    Image.fromarray(((x + 1) * 127.5).round().byte().numpy()).save(path)
    if lineart:
        f, precision, recall = np.mean(scores, 0)
        return f"F {f:.3f}, precision {precision:.3f}, recall {recall:.3f}"
    return f"cells off by {np.mean(scores):.3f} (RGB, root mean square), without {np.mean(bare):.3f}"


def main() -> None:
    parser = training_arguments(__doc__, minutes=30, batch=48, lr=1.2e-3)
    parser.add_argument("kind", choices=["lineart", "palette"])
    parser.add_argument("--unet", type=Path, help="default: unet/ema.safetensors of the cache")
    parser.add_argument("--nouns", type=int, default=1000)
    parser.add_argument("--rare", type=float, default=0.7)
    parser.add_argument("--hold", type=float, default=0.4)
    parser.add_argument("--muon", type=float, default=1.5e-3, help="Muon's rate; 0: AdamW for all")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--look-minutes", type=float, default=10)
    launch(train, parser.parse_args())


def train(args, team: Team) -> None:
    folder = prepare(args, f"control-{args.kind}")
    tokenizer = Tokenizer(args.cache / "tokenizer")
    model = load_model(args.unet or args.cache / "unet/ema.safetensors", len(tokenizer),
                       tokenizer.eos).to(args.device).requires_grad_(False)
    model.unet.to(memory_format=torch.channels_last)
    control = make(args.kind, model.unet.config).to(args.device)
    control.begin(model.unet)
    if args.init:
        control.load_state_dict({k: v.float() for k, v in load_file(args.init).items()})
    control.to(memory_format=torch.channels_last)
    lineart = args.kind == "lineart"
    optimizers = optimizers_for(control, args.lr, args.muon, team)
    average = Average(control, 0.998)
    budget = Budget(args.minutes, args.hold, 50)
    checkpoint = Checkpoint(folder, args, control, average, optimizers, budget)
    step = checkpoint.resume()
    team.share(control)
    seed = reseed(args.seed, step, team.rank)
    data = Dataset(args.cache, args.nouns, seed, other_styles=0.3, rare=args.rare, kinds=KINDS,
                   leave=lambda record: pictures.drawing_held_out(record["picture"]))
    vae = Autoencoder().eval()
    vae.load_state_dict(load_file(args.cache / "vae/vae.safetensors"))
    if not team.leads:
        team.wait()  # the leader writes what the others read
    drawn = line_maps(args.cache, {r["picture"] for r in data.records if r["rank"] < args.nouns})
    if team.leads:
        team.wait()
    print(f"{len(data.index)} variants; {sum(p.numel() for p in control.parameters()) / 1e6:.2f} M",
          flush=True)
    process, bias = Process(args.device), padding_bias(PLACES, args.device)

    def batch():
        index = data.draw(args.batch)
        manner = manners(args.batch)
        kept = torch.from_numpy(np.stack([drawn[data.records[i]["picture"]][..., k]
                                          for i, k in zip(index, manner)]))
        seen, kept = moved(pictures.halved(data.images(index)), kept, manner)
        with torch.no_grad(), autocast("cpu"):
            z = vae.encode_halved(seen.contiguous(memory_format=torch.channels_last))[0].float()
        z = z.to(args.device)
        t = process.draw(args.batch)
        x, v = process.noisy(z, torch.randn_like(z), t)
        hint = draw_lines(kept, manner) if lineart else vary(palette(seen))
        # Fewer captions than the denoiser was trained with: what the lines tell must not hang on
        # the prompt.
        ids = data.captions(index, drop=0.2).to(args.device)
        shaped = (y.to(args.device).contiguous(memory_format=torch.channels_last) for y in (x, hint))
        return *shaped, v, t, ids

    def loss_of(x, hint, v, t, ids):
        with torch.no_grad():
            text = model.text(ids)
            e = model.unet.embed(t, text)
            states = model.unet.down(x, e, text, bias)
        found = control(x, t, text, hint, bias) if lineart else control(hint)
        out = model.unet.up([s + r for s, r in zip(states, found)], e, text, bias)
        return ((out.float() - v) ** 2).mean((1, 2, 3))

    def keep() -> None:
        checkpoint.keep(step)
        state = {k: v.contiguous().cpu() for k, v in average.copy.state_dict().items()}
        save_file(state, folder / "ema.part",
                  metadata={k: str(v) for k, v in control.config.dict().items()})
        (folder / "ema.part").replace(folder / "ema.safetensors")

    total, count = np.zeros(4), np.zeros(4)
    shown = drawn_at = budget.started = time.time()
    over = False
    while not over:
        given = batch()
        with autocast(args.device):
            losses = loss_of(*given)
        control.zero_grad(set_to_none=True)
        losses.mean().backward()
        scale, over = team.reduce(control, budget.scale(step), float(budget.over))
        set_rates(optimizers, scale)
        norm = torch.nn.utils.clip_grad_norm_(control.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
        step += 1
        if step % 500 == 0:
            team.share(control)
        if not team.leads:
            continue
        average.update(step)
        quarter = (given[3] // 250).cpu().numpy()
        np.add.at(total, quarter, losses.detach().cpu().numpy())
        np.add.at(count, quarter, 1)
        if step in (1, 5, 20, 50) or time.time() - shown > 60:
            shown = time.time()
            by_time = np.round(total / np.maximum(count, 1), 3)
            print(f"{step} {budget.spent:.0f}s loss {total.sum() / count.sum():.4f} {by_time} "
                  f"norm {norm.item():.2f} rate {scale:.2f}", flush=True)
            total[:], count[:] = 0, 0
        if checkpoint.due:
            keep()
        if time.time() - drawn_at > args.look_minutes * 60:
            drawn_at = time.time()
            print(look(average.copy, model, vae, data, drawn, folder / f"sheet-{step:05d}.png"),
                  flush=True)
    if not team.leads:
        return
    keep()
    print(look(average.copy.cpu(), model.cpu(), vae, data, drawn, folder / "sheet-final.png"))
    print(f"done after {step} steps, {budget.spent:.0f} s", flush=True)


if __name__ == "__main__":
    main()
