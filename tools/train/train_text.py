"""Trains text encoder and scorer by contrast.  python train_text.py --minutes 6

Before the denoiser, for its text encoder; and once more after it, with the text encoder that knows
most by then (--text), for the scorer. One drawing in twenty-four is held out.
"""

from __future__ import annotations

import time
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

from starter import pictures
from starter.dataset import Dataset
from starter.optimizers import optimizers_for, set_rates
from starter.runtime import Average, Budget, Checkpoint, autocast, prepare, training_arguments
from starter.scorer import Scorer
from starter.text import TextEncoder, text_weights


def jitter(x: torch.Tensor) -> torch.Tensor:
    """Shifts of up to four pixels and mirror images."""
    dy, dx = torch.randint(-4, 5, (2,)).tolist()
    x = torch.roll(F.pad(x, (4, 4, 4, 4), mode="replicate"), (dy, dx), (2, 3))[:, :, 4:-4, 4:-4]
    return x.flip(3) if torch.rand(()) < 0.3 else x


def main() -> None:
    parser = training_arguments(__doc__, minutes=6, batch=192, lr=2e-3)
    parser.add_argument("--nouns", type=int, default=10**6)
    parser.add_argument("--text", type=Path, help="text encoder of these weights of train_unet.py")
    parser.add_argument("--muon", type=float, default=2e-3, help="Muon's rate; 0: AdamW for all")
    args = parser.parse_args()
    folder = prepare(args, "text")
    data = Dataset(args.cache, args.nouns, args.seed,
                   leave=lambda r: pictures.drawing_held_out(r["picture"]))
    net = Scorer(TextEncoder(len(data.tokenizer), data.tokenizer.eos)).to(args.device)
    net.image.to(memory_format=torch.channels_last)
    if args.init:
        net.load_state_dict(load_file(args.init))
    if args.text:
        net.text.load_state_dict(text_weights(args.text))
    parts = ", ".join(f"{name} {sum(p.numel() for p in part.parameters()) / 1e6:.2f} M"
                      for name, part in net.named_children())
    print(f"{len(data.index)} variants; {parts}", flush=True)
    optimizers = optimizers_for(net, args.lr, args.muon, decay=0.02, muon_decay=0.02)
    average = Average(net, 0.99)
    budget = Budget(args.minutes, 0.3, 60)
    checkpoint = Checkpoint(folder, args, net, average, optimizers, budget)
    step, shown = checkpoint.resume(), time.time()
    budget.started = shown
    while not budget.over:
        set_rates(optimizers, budget.scale(step))
        index = data.draw(args.batch)
        x = jitter(pictures.halved(data.images(index))).to(args.device, memory_format=torch.channels_last)
        ids = data.captions(index).to(args.device)
        with autocast(args.device):
            logits = net.logits(x, ids)
        # Pictures with the same caption are all right answers for it.
        same = (ids[:, None] == ids[None]).all(-1).float()
        target = same / same.sum(1, keepdim=True)
        loss = (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2
        net.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.step()
        step += 1
        average.update(step)
        if step in (5, 20) or time.time() - shown > 20:
            shown = time.time()
            right = (logits.argmax(1) == torch.arange(len(x), device=x.device)).float().mean()
            print(f"{step} {budget.spent:.0f}s loss {loss.item():.3f} right {right.item():.2f}",
                  flush=True)
        if checkpoint.due:
            checkpoint.keep(step)
    state = {k: v.contiguous().cpu() for k, v in average.copy.state_dict().items()}
    save_file(state, folder / "scorer.safetensors")
    print(f"done after {step} steps")
    retrieve(average.copy.cpu(), args.cache)


@torch.no_grad()
def retrieve(net: Scorer, cache: Path, nouns: int = 1000) -> None:
    """How often the scorer puts a drawing's noun first, or among five, of all nouns."""
    data = Dataset(cache, nouns, 0)
    names = sorted({r["label"] for r in data.records if r["rank"] < nouns})
    place = {name: i for i, name in enumerate(names)}
    ids = torch.tensor([data.tokenizer.encode(name) for name in names])
    text = torch.cat([net.encode_text(part) for part in ids.split(100)])
    plain = [i for i in data.index if data.records[i]["kind"] == "plain"]
    unseen = [i for i in plain if pictures.drawing_held_out(data.records[i]["picture"])]
    seen = [i for i in plain if not pictures.drawing_held_out(data.records[i]["picture"])]
    for what, chosen in (("seen", seen[:: max(1, len(seen) // 1000)]), ("held out", unseen)):
        wanted = torch.tensor([place[data.records[i]["label"]] for i in chosen])
        found = torch.cat([net.image(pictures.halved(data.images(chosen[i : i + 100])))
                           for i in range(0, len(chosen), 100)]) @ text.T
        five = found.topk(5).indices == wanted[:, None]
        print(f"{what}: of {len(chosen)} drawings {five[:, 0].float().mean():.1%} first, "
              f"{five.any(1).float().mean():.1%} among five")


if __name__ == "__main__":
    main()
