"""Every request whose course is recorded under fixtures/reference.

A grid over what all requests have in common, then one case for each switch of a scheduler and for
each unusual request. A case differs from the grid in one thing where that is possible, so that a
failing test says which.
"""

from dataclasses import dataclass, field
from itertools import product

from variants import DDIM_CONFIG, SD_SCHEDULE, ZERO_SNR_CONFIG

STEPS = 8
SIZES = [(64, 64), (96, 64)]

DDIM = "DDIMScheduler"
EULER = "EulerDiscreteScheduler"
EULER_ANCESTRAL = "EulerAncestralDiscreteScheduler"
DPM_MULTISTEP = "DPMSolverMultistepScheduler"

# (prompt, negative prompt); None is a request that has no negative prompt at all.
PROMPTS = [
    ("a red apple on a wooden table", None),
    ("portrait of an old fisherman, oil painting", "blurry, low quality"),
    ("Mountain lake at DAWN, 35mm film", None),
    ("two cats asleep in the sun ☀️", "dogs"),
]
LONG_PROMPT = (
    "a very detailed painting of a harbour at sunset with seventeen fishing boats, "
    "gulls over the breakwater, nets drying on the quay, a lighthouse in the distance, "
    "warm light on wet stone, and a small child who waves at the last ship coming home"
)


@dataclass(frozen=True)
class Case:
    """One request, in the terms of diffusers' pipelines."""

    name: str
    scheduler: str = DDIM
    config: dict = field(default_factory=lambda: DDIM_CONFIG)
    model: str = "tiny"
    prompt: str = PROMPTS[0][0]
    negative_prompt: str | None = None
    steps: int = STEPS
    guidance_scale: float = 7.5
    width: int = 64
    height: int = 64
    seed: int = 1000
    count: int = 1
    # Given for image-to-image, over fixtures/reference/inputs/<width>x<height>.png.
    strength: float | None = None
    eta: float = 0.0
    guidance_rescale: float = 0.0
    clip_skip: int | None = None


def grid() -> list[Case]:
    """DDIM and Euler x guidance x size x count x text-to-image and image-to-image: 48 cases."""
    cases = []
    for scheduler, guidance, (width, height), count, strength in product(
        (DDIM, EULER), (7.5, 1.0, 0.0), SIZES, (1, 3), (None, 0.6)
    ):
        short = "ddim" if scheduler == DDIM else "euler"
        mode = "text" if strength is None else "image"
        prompt, negative_prompt = PROMPTS[len(cases) % len(PROMPTS)]
        cases.append(
            Case(
                f"grid-{short}-{mode}-{width}x{height}-guidance-{guidance:g}-count-{count}",
                scheduler,
                DDIM_CONFIG if scheduler == DDIM else SD_SCHEDULE,
                prompt=prompt,
                negative_prompt=negative_prompt,
                guidance_scale=guidance,
                width=width,
                height=height,
                seed=1000 + 10 * len(cases),
                count=count,
                strength=strength,
            )
        )
    return cases


def ddim(name: str, *, config: dict | None = None, **request) -> Case:
    return Case(f"ddim-{name}", DDIM, {**DDIM_CONFIG, **(config or {})}, **request)


def euler(name: str, *, config: dict | None = None, **request) -> Case:
    return Case(f"euler-{name}", EULER, {**SD_SCHEDULE, **(config or {})}, **request)


def zero_snr(name: str, **request) -> Case:
    """On the model whose own scheduler config asks for it."""
    return Case(name, config=ZERO_SNR_CONFIG, model="tiny-v", seed=3000, **request)


V_EULER = {"prediction_type": "v_prediction", "timestep_spacing": "trailing"}

SCHEDULER_CASES = [
    ddim("eta-0.7", eta=0.7, seed=2001),
    ddim("eta-1-count-3", eta=1.0, seed=2002, count=3),
    ddim("eta-0.7-image", eta=0.7, seed=2003, strength=0.6),
    # Fewer steps here, and less guidance where a sample is clipped or predicted: they feed the
    # network its own output with nothing to damp an error, and more would lift rounding over 1e-4.
    ddim(
        "clip-sample",
        config={"clip_sample": True, "clip_sample_range": 1.0},
        guidance_scale=2.0,
        steps=4,
        seed=2004,
    ),
    ddim(
        "clip-sample-range-2",
        config={"clip_sample": True, "clip_sample_range": 2.0},
        guidance_scale=2.0,
        steps=4,
        seed=2005,
    ),
    ddim(
        "thresholding",
        config={
            "thresholding": True, "dynamic_thresholding_ratio": 0.95, "sample_max_value": 3.0
        },
        steps=4,
        seed=2006,
    ),
    ddim("linspace", config={"timestep_spacing": "linspace", "steps_offset": 0}, seed=2007),
    ddim("leading-offset-0", config={"steps_offset": 0}, seed=2008),
    ddim("leading-offset-1", seed=2009),
    ddim("trailing", config={"timestep_spacing": "trailing", "steps_offset": 0}, seed=2010),
    ddim("set-alpha-to-one", config={"set_alpha_to_one": True}, seed=2011),
    ddim(
        "linear-betas",
        config={"beta_schedule": "linear", "beta_start": 1e-4, "beta_end": 0.02},
        seed=2012,
    ),
    ddim("cosine-betas", config={"beta_schedule": "squaredcos_cap_v2"}, seed=2013),
    ddim(
        "sample-prediction",
        config={"prediction_type": "sample"},
        guidance_scale=2.0,
        seed=2014,
    ),
    ddim("steps-1", steps=1, seed=2015),
    ddim("steps-13", steps=13, seed=2016),
    zero_snr("ddim-zero-snr-v"),
    zero_snr("ddim-zero-snr-v-rescale-0.7", guidance_rescale=0.7),
    zero_snr("ddim-zero-snr-v-image", strength=0.6),
    euler("karras", config={"use_karras_sigmas": True}, seed=2101),
    euler("karras-image", config={"use_karras_sigmas": True}, seed=2102, strength=0.6),
    euler("linspace", config={"timestep_spacing": "linspace", "steps_offset": 0}, seed=2103),
    euler("leading-offset-1", seed=2104),
    euler("trailing", config={"timestep_spacing": "trailing", "steps_offset": 0}, seed=2105),
    euler("v-prediction", config=V_EULER, model="tiny-v", seed=2106),
    euler(
        "v-zero-snr",
        config={**V_EULER, "rescale_betas_zero_snr": True},
        model="tiny-v",
        seed=2107,
    ),
    euler("steps-1", steps=1, seed=2108),
    euler("steps-13", steps=13, seed=2109),
    Case("euler-ancestral", EULER_ANCESTRAL, SD_SCHEDULE, seed=2201),
    Case("euler-ancestral-count-3", EULER_ANCESTRAL, SD_SCHEDULE, seed=2202, count=3),
    Case("euler-ancestral-image", EULER_ANCESTRAL, SD_SCHEDULE, seed=2203, strength=0.6),
    Case("dpmpp-2m", DPM_MULTISTEP, SD_SCHEDULE, seed=2301),
    Case("dpmpp-2m-karras", DPM_MULTISTEP, {**SD_SCHEDULE, "use_karras_sigmas": True}, seed=2302),
    Case("dpmpp-2m-steps-20", DPM_MULTISTEP, SD_SCHEDULE, steps=20, seed=2303),
    Case("dpmpp-2m-image", DPM_MULTISTEP, SD_SCHEDULE, seed=2304, strength=0.6),
]

REQUEST_CASES = [
    ddim("clip-skip-1", clip_skip=1, negative_prompt="blurry", seed=2401),
    ddim("clip-skip-2", clip_skip=2, seed=2402),
    ddim("long-prompt", prompt=LONG_PROMPT, negative_prompt=LONG_PROMPT[::-1], seed=2403),
    ddim("empty-prompt", prompt="", negative_prompt="a red apple", seed=2404),
    ddim("guidance-rescale-0.7", guidance_rescale=0.7, seed=2405),
    ddim("guidance-1.5", guidance_scale=1.5, seed=2406),
    zero_snr("pad-token-of-the-tokenizer", prompt="owl", negative_prompt="an owl at night"),
    ddim("strength-1", strength=1.0, seed=2408),
    euler("strength-1", strength=1.0, seed=2409),
    euler("strength-0.3", strength=0.3, seed=2410),
    ddim("seed-above-32-bits", seed=2**32 + 7),
]


def all_cases() -> list[Case]:
    cases = [*grid(), *SCHEDULER_CASES, *REQUEST_CASES]
    names = {case.name for case in cases}
    if len(names) != len(cases):
        raise ValueError("two cases have one name, so one would overwrite the other's file")
    return cases
