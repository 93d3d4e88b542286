import { ddim } from "@underpaint/core";
import { type DdimInverseOptions, ddimInverse } from "../ddim-inverse.js";
import { ddpm } from "../ddpm.js";
import { lcm } from "../lcm.js";
import { pndm } from "../pndm.js";
import { tcd } from "../tcd.js";
import {
  type ConfigClass,
  clipDefaults,
  optionsOf,
  thresholdDefaults,
  timestepDefaults,
  timestepSpacingOf,
} from "./values.js";

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

/** Fields that LCM's and TCD's classes have, but that take no part in what they do. */
const idleConsistencyFields = {
  set_alpha_to_one: true,
  timestep_spacing: "leading",
  steps_offset: 0,
} as const;

/** The classes whose steps are between training timesteps. */
export const timestepClasses: Readonly<Record<string, ConfigClass>> = {
  DDIMScheduler: ddimClass,
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
  LCMScheduler: {
    defaults: {
      ...clipDefaults,
      ...thresholdDefaults,
      ...idleConsistencyFields,
      original_inference_steps: 50,
      timestep_scaling: 10,
    },
    rescales: true,
    create: (values) =>
      lcm(
        optionsOf(values, [
          "original_inference_steps",
          "timestep_scaling",
          "clip_sample",
          "clip_sample_range",
          ...Object.keys(thresholdDefaults),
        ]),
      ),
  },
  TCDScheduler: {
    defaults: {
      ...clipDefaults,
      ...thresholdDefaults,
      ...idleConsistencyFields,
      original_inference_steps: 50,
      timestep_scaling: 10,
    },
    rescales: true,
    create: (values) => tcd(optionsOf(values, ["original_inference_steps"])),
  },
};
