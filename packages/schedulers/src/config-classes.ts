import { ddim, euler, type Scheduler } from "@underpaint/core";
import {
  type ConfigValues,
  optionsOf,
  sigmaDefaults,
  spacingOf,
  thresholdDefaults,
  timestepDefaults,
  timestepSpacingOf,
} from "./config-values.js";
import { type DdimInverseOptions, ddimInverse } from "./ddim-inverse.js";
import { ddpm } from "./ddpm.js";
import { dpmMultistep, dpmpp2m } from "./dpm-multistep.js";
import { dpm2, dpm2Ancestral } from "./dpm2.js";
import { dpmppSde } from "./dpmpp-sde.js";
import { eulerAncestral } from "./euler-ancestral.js";
import { heun } from "./heun.js";
import { lms } from "./lms.js";
import { pndm } from "./pndm.js";

/** How the configs of one of diffusers' classes are read. */
export interface ConfigClass {
  /** The class's own fields, with diffusers' defaults; those of the noise are not among them. */
  readonly defaults: ConfigValues;
  /** Whether the class knows `rescale_betas_zero_snr`. */
  readonly rescales?: boolean;
  /** The scheduler of these values. */
  create(values: ConfigValues): Scheduler;
}

const ddimClass: ConfigClass = {
  defaults: {
    ...timestepDefaults,
    timestep_spacing: "leading",
    clip_sample: true,
    clip_sample_range: 1.0,
    set_alpha_to_one: true,
    ...thresholdDefaults,
  },
  rescales: true,
  create: (values) =>
    ddim({
      spacing: timestepSpacingOf(values),
      ...optionsOf(values, [
        "clip_sample",
        "clip_sample_range",
        "set_alpha_to_one",
        ...Object.keys(thresholdDefaults),
      ]),
    }),
};

const eulerClass: ConfigClass = {
  defaults: {
    ...sigmaDefaults,
    interpolation_type: "linear",
    timestep_type: "discrete",
    final_sigmas_type: "zero",
  },
  rescales: true,
  create: (values) =>
    euler({
      spacing: spacingOf(values, true),
      ...optionsOf(values, ["interpolation_type", "timestep_type", "final_sigmas_type"]),
    }),
};

const dpmDefaults = {
  ...sigmaDefaults,
  use_lu_lambdas: false,
  use_flow_sigmas: false,
  flow_shift: 1.0,
  solver_order: 2,
  algorithm_type: "dpmsolver++",
  solver_type: "midpoint",
  lower_order_final: true,
  euler_at_final: false,
  final_sigmas_type: "zero",
  lambda_min_clipped: null,
  variance_type: null,
  use_dynamic_shifting: false,
  time_shift_type: "exponential",
  ...thresholdDefaults,
} as const;

const dpmMultistepClass: ConfigClass = {
  defaults: dpmDefaults,
  rescales: true,
  create(values) {
    const options = {
      spacing: spacingOf(values, false),
      ...optionsOf(values, [
        "solver_order",
        "algorithm_type",
        "solver_type",
        "lower_order_final",
        "euler_at_final",
        "final_sigmas_type",
        "lambda_min_clipped",
        "flow_shift",
        ...Object.keys(thresholdDefaults),
      ]),
    };
    const { solverOrder, algorithmType, ...open } = options as Record<string, unknown>;
    return solverOrder === 2 && algorithmType === "dpmsolver++"
      ? dpmpp2m(open)
      : dpmMultistep(options);
  },
};

const clipDefaults = { clip_sample: false, clip_sample_range: 1.0 } as const;

// The two classes of which sigma_min and sigma_max have no effect on Karras sigmas.
const { sigma_min: _min, sigma_max: _max, ...plainSigmaDefaults } = sigmaDefaults;

/** diffusers' classes by name. */
export const configClasses: Readonly<Record<string, ConfigClass>> = {
  DDIMScheduler: ddimClass,
  EulerDiscreteScheduler: eulerClass,
  EulerAncestralDiscreteScheduler: {
    defaults: timestepDefaults,
    rescales: true,
    create: (values) => eulerAncestral({ spacing: timestepSpacingOf(values) }),
  },
  DPMSolverMultistepScheduler: dpmMultistepClass,
  DDIMInverseScheduler: {
    defaults: {
      ...clipDefaults,
      clip_sample: true,
      timestep_spacing: "leading",
      steps_offset: 0,
      set_alpha_to_one: true,
    },
    rescales: true,
    create: (values) =>
      ddimInverse({
        ...optionsOf(values, ["clip_sample", "clip_sample_range", "set_alpha_to_one"]),
        spacing: timestepSpacingOf(values) as NonNullable<DdimInverseOptions["spacing"]>,
      }),
  },
  DDPMScheduler: {
    defaults: {
      ...ddimClass.defaults,
      variance_type: "fixed_small",
    },
    rescales: true,
    create: (values) =>
      ddpm({
        spacing: timestepSpacingOf(values),
        ...optionsOf(values, [
          "variance_type",
          "clip_sample",
          "clip_sample_range",
          ...Object.keys(thresholdDefaults),
        ]),
      }),
  },
  PNDMScheduler: {
    defaults: {
      timestep_spacing: "leading",
      steps_offset: 0,
      skip_prk_steps: false,
      set_alpha_to_one: false,
    },
    create: (values) =>
      pndm({
        spacing: timestepSpacingOf(values),
        ...optionsOf(values, ["skip_prk_steps", "set_alpha_to_one"]),
      }),
  },
  LMSDiscreteScheduler: {
    defaults: plainSigmaDefaults,
    create: (values) => lms({ spacing: spacingOf(values, true) }),
  },
  HeunDiscreteScheduler: {
    defaults: { ...sigmaDefaults, ...clipDefaults },
    create: (values) =>
      heun({
        spacing: spacingOf(values, true),
        ...optionsOf(values, ["clip_sample", "clip_sample_range"]),
      }),
  },
  KDPM2DiscreteScheduler: {
    defaults: sigmaDefaults,
    create: (values) => dpm2({ spacing: spacingOf(values, true) }),
  },
  KDPM2AncestralDiscreteScheduler: {
    defaults: sigmaDefaults,
    create: (values) => dpm2Ancestral({ spacing: spacingOf(values, true) }),
  },
  DPMSolverSDEScheduler: {
    defaults: { ...plainSigmaDefaults, noise_sampler_seed: null },
    create: (values) => dpmppSde({ spacing: spacingOf(values, true) }),
  },
};
