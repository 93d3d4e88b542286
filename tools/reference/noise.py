"""Makes fixtures/noise/torch-randn.json: what torch.randn gives on the CPU.

Run: python tools/reference/noise.py (torch and numpy; about 10 seconds). The build of torch that
is asked is the AVX2 one; the AVX-512 one gives the same file (NOISE_CAPABILITY=avx512 to see it).

Arrays are little-endian float32: in full as base64, or as the SHA-256 of their bytes.
"""

import base64
import hashlib
import json
import os
from pathlib import Path

os.environ["ATEN_CPU_CAPABILITY"] = os.environ.get("NOISE_CAPABILITY", "avx2")

import numpy as np  # noqa: E402
import torch  # noqa: E402

HERE = Path(__file__).resolve().parents[2] / "fixtures" / "noise"
SEEDS = [0, 1, 42, 2**32 + 7, 2**53 - 1, 2**64 - 1]
# Small and large calls in turn: a spare normal is left over, passed by, and used later.
SEQUENCE = [
    [3, 16, 2, 17, 1, 1, 100, 5, 0, 64, 15, 16, 7, 31, 13, 48, 9, 33, 1, 4096, 1, 2, 15, 15, 65],
    [1, 1, 1, 16, 1, 623, 1, 625, 1, 14, 19, 2, 2],
    [16, 16, 32, 47, 18, 15, 18, 15],
]


def base64_of(arrays):
    data = np.concatenate([array.numpy() for array in arrays]).astype("<f4")
    return base64.b64encode(data.tobytes()).decode()


def sha256_of(array):
    return hashlib.sha256(np.ascontiguousarray(array, "<f4").tobytes()).hexdigest()


def fresh(seed):
    arrays = []
    for count in range(1, 65):
        torch.manual_seed(seed)
        arrays.append(torch.randn(count))
    return {"seed": str(seed), "values": base64_of(arrays)}


def sequence(seed, counts):
    torch.manual_seed(seed)
    return {
        "seed": str(seed),
        "counts": counts,
        "values": base64_of([torch.randn(count) for count in counts]),
    }


def hashed(seed, count, calls):
    torch.manual_seed(seed)
    array = torch.cat([torch.randn(count) for _ in range(calls)])
    return {
        "seed": str(seed),
        "count": count,
        "calls": calls,
        "sha256": sha256_of(array.numpy()),
        "first": base64_of([array[:8]]),
        "last": base64_of([array[-8:]]),
    }


def untempered(draws):
    """The state words that MT19937 tempers to these draws."""
    u32 = np.uint32
    y = draws.astype(u32)
    y = y ^ (y >> u32(18))
    y = y ^ ((y << u32(15)) & u32(0xEFC60000))
    x = y
    for _ in range(4):
        x = y ^ ((x << u32(7)) & u32(0x9D2C5680))
    y = x
    for _ in range(2):
        x = y ^ (x >> u32(11))
    return x


def transformed(u1, u2):
    """The pairs of normals that torch makes of these uniforms (times 2^24), a multiple of 8.

    The uniforms are written into the generator's state as the words that it will draw next, 38
    groups of 16 at a time (it twists its 624 words before it draws the last).
    """
    words = np.concatenate([u1.reshape(-1, 8), u2.reshape(-1, 8)], axis=1)
    blocks = np.zeros((-(-len(words) // 38) * 38, 16), np.uint32)
    blocks[: len(words)] = words
    states = untempered(blocks).reshape(-1, 608).astype(np.uint64)
    generator = torch.Generator().manual_seed(0)
    state = generator.get_state().numpy().copy()
    state[8:12].view(np.int32)[:] = 624  # draws left before the twist
    state[16:24].view(np.uint64)[:] = 0  # position of the next draw
    draws = state[24 : 24 + 608 * 8].view(np.uint64)
    out = torch.empty(len(states), 608)
    for block, words in zip(out, states):
        draws[:] = words
        generator.set_state(torch.from_numpy(state))
        torch.randn(608, generator=generator, out=block)
    pairs = out.numpy().reshape(-1, 2, 8)[: len(u1) // 8]
    return pairs[:, 0].reshape(-1), pairs[:, 1].reshape(-1)


def exhaustive():
    """Each of the 2^24 uniforms in each of its two parts, the other part being held."""
    every = np.arange(2**24)
    radius, _ = transformed(every, np.full(2**24, 0))
    # 1 - 2^-23 has the radius 2^-11 exactly, so that sines and cosines come through unrounded.
    cosine, sine = transformed(np.full(2**24, 2), every)
    assert radius[2] == 2**-11
    # A radius of 0 in each octant: whether zeros keep a sign.
    zeros = transformed(np.full(8, 0), np.arange(8) * 2**21)
    return {
        "radius": sha256_of(radius),
        "cosine": sha256_of(cosine * np.float32(2**11)),
        "sine": sha256_of(sine * np.float32(2**11)),
        "zeroRadius": base64_of([torch.from_numpy(part) for part in zeros]),
    }


def main():
    capability = torch.backends.cpu.get_cpu_capability()
    print("capability", capability)
    fixture = {
        "madeBy": "tools/reference/noise.py",
        "torch": torch.__version__,
        "numpy": np.__version__,
        "fresh": [fresh(seed) for seed in SEEDS],
        "sequences": [sequence(seed, counts) for seed, counts in zip((0, 5, 2**32 + 7), SEQUENCE)],
        "hashed": [
            hashed(0, 1_000_000, 1),
            hashed(2**64 - 1, 1_000_003, 1),
            hashed(123, 15, 20_000),
            hashed(9, 21, 20_000),
        ],
        "exhaustive": exhaustive(),
    }
    HERE.mkdir(parents=True, exist_ok=True)
    text = json.dumps(fixture, indent=1) + "\n"
    (HERE / "torch-randn.json").write_text(text)
    print(hashlib.sha256(text.encode()).hexdigest())


main()
