"""Writes fixtures/schedulers: what diffusers' schedulers do, for the tests to compare with.

Run from the repository's root, with torch, numpy, scipy and diffusers installed; all cases, or
those of the named classes:

    python tools/reference/schedulers.py [DDIMScheduler ...]

Every case runs a scheduler as diffusers' pipelines do, over a toy network of a few exactly rounded
operations (`toy_network`), so that JavaScript computes the same answer from the same input. Noise
comes from one seeded generator and is stored once, in noise.json.

Torch's and NumPy's float32 roots, powers and logarithms are off by one bit in a fifth of all
values, and which ones depends on the machine. Where that shows in sigmas or timesteps, a case also
holds the ones that diffusers gives with these rounded correctly (`exact_roots`).
"""

import base64
import contextlib
import importlib
import json
import sys
import types
import warnings
from pathlib import Path

import diffusers
import numpy as np
import torch
from diffusers import schedulers as reference
from diffusers.pipelines.flux.pipeline_flux import calculate_shift

from scheduler_cases import beta_tables, cases_by_class

OUT = Path(__file__).resolve().parents[2] / "fixtures" / "schedulers"
DIMS = [2, 3, 2, 4]
NOISE_SEED, LATENTS_SEED, DRAWS = 7, 1, 64
SHIFT_DEFAULTS = {"base_image_seq_len": 256, "max_image_seq_len": 4096, "base_shift": 0.5, "max_shift": 1.15}
VERSIONS = {"diffusers": diffusers.__version__, "torch": torch.__version__, "numpy": np.__version__}


def packed(values):
    """Float32 values as base64 of their little-endian bytes."""
    return base64.b64encode(np.asarray(values, dtype="<f4").tobytes()).decode()


def toy_network(sample, timestep):
    """A smooth function of latents and timestep; every operation rounds to float32 once."""
    channels = torch.arange(1, sample.shape[1] + 1, dtype=torch.float32).view(1, -1, 1, 1)
    bias = channels * np.float32(float(timestep) / 1000 * 0.25)
    return (sample + bias) / (sample * sample * 0.25 + 1)


@contextlib.contextmanager
def exact_roots():
    """Float32 roots, powers, logarithms, … that are correctly rounded, on every machine."""
    power, np_log, atan2 = torch.Tensor.__pow__, np.log, torch.atan2
    plain = {name: getattr(torch, name) for name in ("sqrt", "log", "exp", "sin")}

    def rounded(function):
        return lambda x: function(x.double()).to(x.dtype)

    def pow_(x, exponent):
        if isinstance(exponent, float):
            return power(x.double(), exponent).to(x.dtype)
        return power(x, exponent)

    def numpy_log(x, *args, **kwargs):
        if isinstance(x, torch.Tensor):
            return torch.log(x)
        single = getattr(x, "dtype", None) == np.float32
        return np_log(np.float64(x)).astype(np.float32) if single else np_log(x, *args, **kwargs)

    for name, function in plain.items():
        setattr(torch, name, rounded(function))
        setattr(torch.Tensor, name, rounded(function))
    torch.Tensor.__pow__, np.log = pow_, numpy_log
    torch.atan2 = lambda y, x: atan2(y.double(), x.double()).to(y.dtype)
    try:
        yield
    finally:
        for name, function in plain.items():
            setattr(torch, name, function)
            delattr(torch.Tensor, name)
        torch.Tensor.__pow__, np.log, torch.atan2 = power, np_log, atan2


def class_named(name):
    if name != "DPMSolverSDEScheduler":
        return getattr(reference, name)
    # Its module wants torchsde for the Brownian tree, which scheduler_cases.py stands in for.
    sys.modules.setdefault("torchsde", types.ModuleType("torchsde"))
    return importlib.import_module("diffusers.schedulers.scheduling_dpmsolver_sde").DPMSolverSDEScheduler


def make(name, config, arguments):
    scheduler = class_named(name)(**config)
    scheduler.set_timesteps(**arguments)
    return scheduler


def levels(scheduler):
    sigmas = getattr(scheduler, "sigmas", None)
    if sigmas is None:
        return None
    # Second-order classes list a step's sigma once for each of its network calls; and with
    # log-linear interpolation Euler holds one sigma more than any step gets to.
    calls = len(scheduler.timesteps)
    steps = calls if scheduler.order == 1 else (calls + 1) // 2
    places = [0, *range(1, 2 * steps, 2)] if scheduler.order == 2 else range(steps + 1)
    return [float(sigmas[place]) for place in places]


def told(scheduler):
    """What the network is told: it casts fractional timesteps to float32 first of all."""
    return [float(np.float32(float(t))) for t in scheduler.timesteps]


def run(name, case, steps, latents):
    arguments = dict(case.get("set_timesteps", {"num_inference_steps": steps}))
    if name == "UniPCMultistepScheduler" and "sigmas" in arguments:
        arguments["sigmas"] = np.array(arguments["sigmas"])
    config = case.get("config", {})
    if case.get("dynamic"):
        # As diffusers' pipelines do, with two by two latents a token.
        limits = [config.get(k, v) for k, v in SHIFT_DEFAULTS.items()]
        arguments["mu"] = calculate_shift(DIMS[2] // 2 * (DIMS[3] // 2), *limits)
    scheduler = make(name, config, arguments)
    with exact_roots():
        exact = make(name, config, arguments)
    # In network calls, as diffusers' pipelines count: second-order classes list two a step.
    begin = case.get("begin", 0) * scheduler.order
    timesteps = scheduler.timesteps[begin:]
    generator = torch.Generator().manual_seed(NOISE_SEED)
    # Without it, a schedule whose first timestep occurs twice begins at the second of them.
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(begin)
    step_arguments = dict(case.get("step", {}))
    if case.get("stochastic"):
        step_arguments["generator"] = generator
    if case.get("prepare"):
        case["prepare"](scheduler, generator, DIMS)
    scale = getattr(scheduler, "init_noise_sigma", 1.0)
    sample = latents * scale
    trajectory = []
    for t in timesteps:
        scaled = scheduler.scale_model_input(sample, t) if hasattr(scheduler, "scale_model_input") else sample
        output = toy_network(scaled.float(), t.float())
        sample = scheduler.step(output, t, sample, **step_arguments).prev_sample
        trajectory.append(sample.float().numpy())
    if not all(np.isfinite(x).all() for x in trajectory):
        raise ValueError(f"{name} {case}: not finite")
    result = {
        "steps": steps,
        "timesteps": told(scheduler),
        "timestepType": str(scheduler.timesteps.dtype).removeprefix("torch."),
        "initialNoiseScale": float(scale),
        "trajectory": packed(np.stack(trajectory)),
    }
    if begin:
        result["begin"], result["beginCall"] = case["begin"], begin
    if levels(scheduler) is not None:
        result["sigmas"] = levels(scheduler)
        if levels(exact) != levels(scheduler):
            result["sigmasRounded"] = levels(exact)
    if told(exact) != told(scheduler):
        result["timestepsRounded"] = told(exact)
    return result


def write(file, content):
    OUT.mkdir(parents=True, exist_ok=True)
    lines = [f'"versions": {json.dumps(VERSIONS)}']
    for key, value in content.items():
        rows = ",\n".join(json.dumps(item) for item in value) if isinstance(value, list) else None
        lines.append(f'"{key}": ' + (json.dumps(value) if rows is None else f"[\n{rows}\n]"))
    text = "{" + ",\n".join(lines) + "}\n"
    (OUT / file).write_text(text)
    print(file, len(text))


def main():
    warnings.simplefilter("ignore")
    diffusers.utils.logging.set_verbosity_error()
    latents = torch.randn(DIMS, generator=torch.Generator().manual_seed(LATENTS_SEED))
    generator = torch.Generator().manual_seed(NOISE_SEED)
    noise = [torch.randn(DIMS, generator=generator).numpy() for _ in range(DRAWS)]
    wanted = sys.argv[1:] or list(cases_by_class)
    write("noise.json", {"dims": DIMS, "latents": packed(latents), "noise": packed(np.stack(noise))})
    if not sys.argv[1:]:
        tables = []
        for name, config in beta_tables:
            with exact_roots():
                exact = class_named(name)(**config).alphas_cumprod
            asis = class_named(name)(**config).alphas_cumprod
            tables.append({"config": {"_class_name": name, **config}, "alphasCumprod": packed(asis)})
            if not torch.equal(asis, exact):
                tables[-1]["alphasCumprodRounded"] = packed(exact)
        write("tables.json", {"tables": tables})
    for name in wanted:
        results = []
        for case in cases_by_class[name]:
            runs = [run(name, case, steps, latents) for steps in case.get("steps", [5, 10, 25])]
            kept = {k: v for k, v in case.items() if k in ("set_timesteps", "step", "stochastic")}
            results.append({"config": {"_class_name": name, **case.get("config", {})}, **kept, "runs": runs})
        write(f"{name}.json", {"cases": results})


if __name__ == "__main__":
    main()
