"""Trains the judge: a classifier of the real pictures that never sees a generated one.

  python evaluate/classifier.py --minutes 20 --nouns 1000

It names the noun, the style, the colour of the thing and of the ground. It learns from all sets,
with shifts, turns, blur and grain, and is measured on drawings of known nouns that it did not
see. Styles live in edges and exact colours, which a branch of their own looks for in pictures that
are neither turned nor scaled, and in how each set draws a thing, for which they are told from the
layout as well. It looks at halved pictures. Exported to evaluate/judge/ as ONNX (sample -> noun,
style, colour, ground), with labels.json (and how far a noun's drawings are apart), so that any
pipeline's pictures can be judged.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parents[1]))

from export import export  # noqa: E402
from starter.colours import GROUNDS, SHIFTS  # noqa: E402
from starter.optimizers import optimizers_for, set_rates  # noqa: E402
from starter.pictures import SIZE, halved  # noqa: E402
from starter.runtime import (  # noqa: E402
    Average, Budget, Checkpoint, autocast, prepare, reseed, training_arguments)
from starter.vae import Autoencoder, Residual  # noqa: E402
from starter.words import ALL_STYLES  # noqa: E402

COLOURS = list(SHIFTS)
GROUND_WORDS = ["white", *GROUNDS]
#: Share of each kind of picture among what it learns from.
SHARES = {"plain": 0.45, "ground": 0.2, "painted": 0.35}


class Strokes(nn.Module):
    """For styles: fine filters first, then what they find on average and how it varies."""

    def __init__(self, sizes: tuple[int, int, int] = (24, 48, 96)):
        super().__init__()
        a, b, c = sizes
        self.layers = nn.Sequential(
            nn.Conv2d(3, a, 3, padding=1), nn.GroupNorm(4, a), nn.SiLU(),
            nn.Conv2d(a, b, 3, stride=2, padding=1), nn.GroupNorm(8, b), nn.SiLU(),
            nn.Conv2d(b, b, 3, padding=1), nn.GroupNorm(8, b), nn.SiLU(),
            nn.Conv2d(b, c, 3, stride=2, padding=1), Residual(c, c), nn.GroupNorm(8, c), nn.SiLU())

    def forward(self, sample: Tensor) -> Tensor:
        h = self.layers(sample)
        mean = h.mean((2, 3))
        spread = ((h - mean[:, :, None, None]) ** 2).mean((2, 3)).sqrt()
        return torch.cat([mean, spread], 1)


class Judge(nn.Module):
    """Halved picture [B, 3, 64, 64] in [-1, 1] -> logits of noun, style, colour, ground."""

    def __init__(self, nouns: int, sizes: tuple[int, int, int, int] = (32, 64, 128, 192)):
        super().__init__()
        a, b, c, d = sizes
        self.trunk = nn.Sequential(
            nn.Conv2d(12, a, 3, padding=1), Residual(a, a),
            nn.Conv2d(a, b, 3, stride=2, padding=1), Residual(b, b),
            nn.Conv2d(b, c, 3, stride=2, padding=1), Residual(c, c),
            nn.Conv2d(c, d, 3, stride=2, padding=1), Residual(d, d), nn.GroupNorm(8, d), nn.SiLU())
        self.place = nn.Conv2d(d, 24, 1)
        self.noun = nn.Linear(d + 24 * 16, nouns)
        self.strokes = Strokes()
        self.style = nn.Sequential(nn.Linear(d + 24 * 16 + 2 * 96, 192), nn.SiLU(),
                                   nn.Dropout(0.2), nn.Linear(192, len(ALL_STYLES)))
        self.colour = nn.Linear(d, len(COLOURS))
        self.ground = nn.Linear(d, len(GROUND_WORDS))

    def forward(self, sample: Tensor, crisp: Tensor | None = None
                ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """``crisp``: the pictures as they are, where ``sample`` has been roughened for training."""
        h = self.trunk(F.pixel_unshuffle(sample, 2))
        mean = h.mean((2, 3))
        layout = torch.cat([mean, self.place(h).flatten(1)], 1)
        strokes = self.strokes(sample if crisp is None else crisp)
        style = self.style(torch.cat([layout, strokes], 1))
        return self.noun(layout), style, self.colour(mean), self.ground(mean)


class JudgeGraph(nn.Module):
    """The judge as it is exported: it takes pictures of the model's size."""

    def __init__(self, judge: Judge):
        super().__init__()
        self.judge = judge

    def forward(self, sample: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        return self.judge(halved(sample))


def roughen(x: Tensor) -> Tensor:
    """Shift, scale, turn, mirror, blur and grain, one kind for each picture."""
    count = len(x)
    turn, scale = torch.randn(count) * 0.06, 1 + torch.randn(count) * 0.07
    mirror = (torch.rand(count) < 0.3).float() * -2 + 1
    theta = torch.stack([
        torch.stack([torch.cos(turn) * scale * mirror, -torch.sin(turn) * scale,
                     torch.randn(count) * 0.05], 1),
        torch.stack([torch.sin(turn) * scale * mirror, torch.cos(turn) * scale,
                     torch.randn(count) * 0.05], 1)], 1)
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    x = F.grid_sample(x, grid, padding_mode="border", align_corners=False)
    blurred = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
    share = torch.rand(count, 1, 1, 1) * (torch.rand(count, 1, 1, 1) < 0.5)
    return x.lerp(blurred, share) + 0.03 * torch.randn_like(x)


def soften(x: Tensor) -> Tensor:
    """What the styles' branch learns from: mirrored and shifted by whole pixels; half of the
    pictures a little softer and grainier, so that it does not hang on the renderer's last bit."""
    count = len(x)
    x = torch.where(torch.rand(count, 1, 1, 1) < 0.5, x, x.flip(3))
    rows, columns = torch.randint(-3, 4, (2,)).tolist()
    x = F.pad(x, (3, 3, 3, 3), mode="replicate")[:, :, 3 + rows : 67 + rows,
                                                 3 + columns : 67 + columns]
    blurred = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
    some = (torch.rand(count, 1, 1, 1) < 0.5).float() * torch.rand(count, 1, 1, 1)
    return x.lerp(blurred, 0.8 * some) + 0.04 * some * torch.randn_like(x)


def mean_distance(pictures: np.ndarray) -> float:
    """Mean over pairs of the root mean square difference, in units of the range."""
    x = pictures.reshape(len(pictures), -1).astype(np.float32) / 255
    pairs = [(x[i] - x[j]) for i in range(len(x)) for j in range(i)]
    return float(np.mean([np.sqrt((d * d).mean()) for d in pairs]))


def main() -> None:
    parser = training_arguments(__doc__, minutes=20, batch=96, lr=2e-3)
    parser.add_argument("--nouns", type=int, default=1000)
    parser.add_argument("--muon", type=float, default=1.5e-3, help="Muon's rate; 0: AdamW for all")
    parser.add_argument("--hold", type=float, default=0.3, help="share of time before the decay")
    args = parser.parse_args()
    folder = prepare(args, "judge")
    records = json.loads((args.cache / "dataset.json").read_text())
    pixels = np.load(args.cache / "variants.npy", mmap_mode="r")
    index = np.array([i for i, r in enumerate(records) if r["rank"] < args.nouns])
    names = sorted({records[i]["label"] for i in index})
    place = {name: i for i, name in enumerate(names)}

    def find(words: list[str], word: str | None) -> int:
        return words.index(word) if word in words else -100

    def targets(i: int) -> list[int]:
        r = records[i]
        colour = r["word"] if r["kind"] == "painted" else r["colour"]
        return [place[r["label"]], ALL_STYLES.index(r["style"]), find(COLOURS, colour),
                find(GROUND_WORDS, r["word"] if r["kind"] == "ground" else "white")]

    target = {i: targets(i) for i in index}
    # One drawing in twelve is for measuring, with all its variants.
    test = index[[records[i]["picture"] % 12 == 5 for i in index]]
    train = np.setdiff1d(index, test)
    kinds = {kind: np.array([i for i in train if records[i]["kind"] == kind]) for kind in SHARES}
    plain = kinds["plain"]

    def images(chosen) -> Tensor:
        x = torch.from_numpy(np.stack([pixels[i] for i in chosen]))
        return halved(x.permute(0, 3, 1, 2).float()) / 127.5 - 1

    net = Judge(len(names)).to(args.device, memory_format=torch.channels_last)
    if args.init:
        # From a judge of fewer nouns: all but the heads whose sizes differ.
        own = net.state_dict()
        net.load_state_dict({k: v for k, v in load_file(args.init).items()
                             if k in own and own[k].shape == v.shape}, strict=False)
    optimizers = optimizers_for(net, args.lr, args.muon, decay=0.05)
    average, budget = Average(net, 0.99), Budget(args.minutes, args.hold, 60)
    checkpoint = Checkpoint(folder, args, net, average, optimizers, budget)
    step = checkpoint.resume()
    reseed(args.seed, step, 0)
    print(f"{len(train)} variants of {len(names)} nouns, "
          f"{sum(p.numel() for p in net.parameters()) / 1e6:.2f} M parameters", flush=True)
    shown = time.time()
    while not budget.over:
        set_rates(optimizers, budget.scale(step))
        chosen = np.concatenate([np.random.choice(kinds[kind], round(args.batch * share))
                                 for kind, share in SHARES.items()])
        crisp = images(chosen)
        x, crisp = (seen.to(args.device).contiguous(memory_format=torch.channels_last)
                    for seen in (roughen(crisp), soften(crisp)))
        wanted = torch.tensor([target[i] for i in chosen], device=args.device)
        with autocast(args.device):
            found = net(x, crisp)
        loss = sum(weight * F.cross_entropy(logits.float(), wanted[:, k], label_smoothing=0.05)
                   for k, (weight, logits) in enumerate(zip((1, 0.7, 0.4, 0.2), found)))
        net.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
        step += 1
        average.update(step)
        if time.time() - shown > 30:
            shown = time.time()
            right = [(found[k].argmax(1) == wanted[:, k]).float().mean().item() for k in (0, 1)]
            print(f"{step} {budget.spent:.0f}s loss {loss.item():.3f} noun {right[0]:.2f} "
                  f"style {right[1]:.2f}", flush=True)
        if checkpoint.due:
            checkpoint.keep(step)
    checkpoint.keep(step)
    net = average.copy.cpu().eval()
    save_file({k: v.contiguous() for k, v in net.state_dict().items()},
              folder / "judge.safetensors")
    vae = Autoencoder().eval()
    vae.load_state_dict(load_file(args.cache / "vae/vae.safetensors"))
    test = test[:: max(1, len(test) // 1500)]
    # Through the autoencoder: how much of a judgement is lost to its softness alone.
    for what, chosen, decode in (("seen", plain[:: max(1, len(plain) // 600)], False),
                                 ("unseen drawings", test, False),
                                 ("the same, through the autoencoder", test, True)):
        with torch.no_grad():
            parts = []
            for i in range(0, len(chosen), 96):
                x = images(chosen[i : i + 96])
                if decode:
                    x = halved(vae.decode(vae.encode_halved(x)[0]).clamp(-1, 1))
                parts.append(net(x))
        wanted = torch.tensor([target[i] for i in chosen])
        line = []
        for k, head in enumerate(("noun", "style", "colour", "ground")):
            logits, known = torch.cat([p[k] for p in parts]), wanted[:, k] >= 0
            hits = (logits.topk(5, 1).indices == wanted[:, k, None])[known].float()
            line.append(f"{head} {hits[:, 0].mean():.3f} (top 5 {hits.sum(1).mean():.3f})")
        print(f"{what}: {', '.join(line)}", flush=True)
    out = Path(__file__).parent / "judge"
    export(JudgeGraph(net), [(torch.randn(n, 3, SIZE, SIZE),) for n in (2, 5)], ["sample"],
           ["noun", "style", "colour", "ground"],
           {k: {0: "batch"} for k in ("sample", "noun", "style", "colour", "ground")},
           out / "model.onnx")
    drawn = {name: [] for name in names}
    for i in index:
        if records[i]["kind"] == "plain":
            drawn[records[i]["label"]].append(pixels[i])
    spread = {name: round(mean_distance(np.stack(some)), 4) for name, some in drawn.items()
              if len(some) >= 4}
    (out / "labels.json").write_text(json.dumps(
        {"noun": names, "style": list(ALL_STYLES), "colour": COLOURS, "ground": GROUND_WORDS,
         "spread": spread}) + "\n")


if __name__ == "__main__":
    main()
