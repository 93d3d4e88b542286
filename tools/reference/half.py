"""Makes fixtures/half/numpy.json: NumPy's conversions between half and single precision.

Run: python tools/reference/half.py (numpy). The arrays are hashed as little-endian bytes (SHA-256);
NaNs, whose payloads NumPy leaves to the processor, are made 0x7fc00000 and 0x7e00 first.
"""

import hashlib
import json
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parents[2] / "fixtures" / "half"


def sha256_of(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def to_single(bits):
    floats = bits.astype("<u2").view("<f2").astype("<f4")
    return np.where(np.isnan(floats), np.uint32(0x7FC00000), floats.view("<u4")).astype("<u4")


def to_half(words):
    with np.errstate(over="ignore"):
        halves = words.astype("<u4").view("<f4").astype("<f2")
    return np.where(np.isnan(halves), np.uint16(0x7E00), halves.view("<u2")).astype("<u2")


def main():
    halves = np.arange(2**16, dtype=np.uint16)
    # Below each half's magnitude and up to the next: both neighbours, the tie, and its neighbours.
    finite = to_single(np.arange(0x7C00, dtype=np.uint16)).astype(np.int64)
    above = np.append(finite[1:], 0x47800000)  # after 65504 comes 65536, were it a half
    floats = finite.astype(np.uint32).view(np.float32).astype(np.float64)
    next_floats = above.astype(np.uint32).view(np.float32).astype(np.float64)
    ties = ((floats + next_floats) / 2).astype(np.float32).view(np.uint32).astype(np.int64)
    edges = np.stack([finite, finite + 1, ties - 1, ties, ties + 1, above - 1]).reshape(-1)
    edges = np.concatenate([edges, edges + 0x80000000]).astype(np.uint32)
    # Every 4,099th word of all 2^32 (4,099 is prime).
    spread = np.arange(0, 2**32, 4099, dtype=np.uint64).astype(np.uint32)
    fixture = {
        "madeBy": "tools/reference/half.py",
        "numpy": np.__version__,
        "singleOfEachHalf": sha256_of(to_single(halves)),
        "halfOfEdges": sha256_of(to_half(edges)),
        "halfOfEvery4099th": sha256_of(to_half(spread)),
    }
    HERE.mkdir(parents=True, exist_ok=True)
    (HERE / "numpy.json").write_text(json.dumps(fixture, indent=1) + "\n")


main()
