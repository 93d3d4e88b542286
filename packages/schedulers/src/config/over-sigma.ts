import { euler } from "@underpaint/core";
import { dpm2, dpm2Ancestral } from "../dpm2.js";
import { dpmppSde } from "../dpmpp-sde.js";
import { eulerAncestral } from "../euler-ancestral.js";
import { heun } from "../heun.js";
import { lms } from "../lms.js";
import {
  type ConfigClass,
  clipDefaults,
  omit,
  optionsOf,
  sigmaDefaults,
  spacingOf,
  timestepDefaults,
  timestepSpacingOf,
} from "./values.js";

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

// The two classes of which sigma_min and sigma_max have no effect on Karras sigmas.
const plainSigmaDefaults = omit(sigmaDefaults, ["sigma_min", "sigma_max"]);

/** The classes that solve over sigma. */
export const sigmaClasses: Readonly<Record<string, ConfigClass>> = {
  EulerDiscreteScheduler: eulerClass,
  EulerAncestralDiscreteScheduler: {
    defaults: timestepDefaults,
    rescales: true,
    create: (values) => eulerAncestral({ spacing: timestepSpacingOf(values) }),
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
