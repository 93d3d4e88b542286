"""Trains text encoder and scorer by contrast.  python train_text.py --minutes 6"""

from __future__ import annotations

import time

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

from starter.dataset import Dataset
from starter.runtime import Average, Budget, Checkpoint, arguments, autocast, prepare
from starter.scorer import Scorer
from starter.text import TextEncoder


def jitter(x: torch.Tensor) -> torch.Tensor:
    """Shifts of up to four pixels and mirror images."""
    dy, dx = torch.randint(-4, 5, (2,)).tolist()
    x = torch.roll(F.pad(x, (4, 4, 4, 4), mode="replicate"), (dy, dx), (2, 3))[:, :, 4:-4, 4:-4]
    return x.flip(3) if torch.rand(()) < 0.3 else x


def main() -> None:
    parser = arguments(__doc__, minutes=6, batch=192, lr=2e-3)
    parser.add_argument("--nouns", type=int, default=10**6)
    args = parser.parse_args()
    folder = prepare(args, "text")
    data = Dataset(args.cache, args.nouns, args.seed)
    net = Scorer(TextEncoder(len(data.tokenizer), data.tokenizer.eos)).to(args.device)
    net.image.to(memory_format=torch.channels_last)
    if args.init:
        net.load_state_dict(load_file(args.init))
    parts = ", ".join(f"{name} {sum(p.numel() for p in part.parameters()) / 1e6:.2f} M"
                      for name, part in net.named_children())
    print(f"{len(data.index)} variants; {parts}", flush=True)
    optimizer = torch.optim.AdamW(net.parameters(), args.lr, betas=(0.9, 0.98), weight_decay=0.02)
    average = Average(net, 0.99)
    budget = Budget(args.minutes, 0.3, 60)
    checkpoint = Checkpoint(folder, args, net, average, [optimizer], budget)
    step, shown = checkpoint.resume(), time.time()
    while not budget.over:
        for group in optimizer.param_groups:
            group["lr"] = args.lr * budget.scale(step)
        index = data.draw(args.batch)
        x = jitter(data.images(index)).to(args.device, memory_format=torch.channels_last)
        ids = data.captions(index).to(args.device)
        with autocast(args.device):
            logits = net.logits(x, ids)
        # Pictures with the same caption are all right answers for it.
        same = (ids[:, None] == ids[None]).all(-1).float()
        target = same / same.sum(1, keepdim=True)
        loss = (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
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


if __name__ == "__main__":
    main()
