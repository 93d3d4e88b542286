"""Regenerates fixtures/models and fixtures/reference.

    python tools/reference/make.py                      everything
    python tools/reference/make.py --only tiny-v        one model
    python tools/reference/make.py --only 'euler-*'     the cases of that name

The same versions on the same kind of processor give the same bytes.
"""

import argparse
import logging
import os
import sys
import warnings
from fnmatch import fnmatchcase
from pathlib import Path

# Before torch and transformers are imported: both read these once.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["HF_HUB_OFFLINE"] = "1"

import torch

from cases import all_cases
from components import write_components
from models import build_components
from pictures import write_pictures
from run import write_cases, write_index
from tiny_tokenizer import build_vocab, read_merges
from variants import VARIANTS, write_variant
from verify import check_liveliness, check_variant

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--only", metavar="NAME", help="a model, a case, or 'components'; * and ? are wildcards"
    )
    parser.add_argument("--out", type=Path, default=FIXTURES, help="default: fixtures")
    options = parser.parse_args()

    def wanted(name: str) -> bool:
        return options.only is None or fnmatchcase(name, options.only)

    # One thread: a sum's order, and with it the last bit, must not depend on the machine's cores.
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)

    variants = [variant for variant in VARIANTS if wanted(variant.name)]
    cases = [case for case in all_cases() if wanted(case.name)]
    if not variants and not cases and not wanted("components"):
        print(f"nothing is called {options.only}", file=sys.stderr)
        return 2

    models, reference = options.out / "models", options.out / "reference"
    components = build_components(len(build_vocab(read_merges())))
    print("weights")
    check_liveliness(components)
    print("models")
    for variant in variants:
        check_variant(variant, components, write_variant(variant, components, models))
    print("reference")
    write_pictures(reference / "inputs")
    if wanted("components"):
        write_components(components, reference)
    if options.only is None:
        (reference / "index.json").unlink(missing_ok=True)
        for stale in reference.glob("*.safetensors"):
            if stale.stem not in {"components", *(case.name for case in cases)}:
                stale.unlink()
    write_index(write_cases(cases, components, models, reference), reference)
    return 0


if __name__ == "__main__":
    sys.exit(main())
