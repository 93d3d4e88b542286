import { exponential, karras } from "@underpaint/core";
import { edmDpmMultistep } from "../edm-dpm-multistep.js";
import { edmEuler } from "../edm-euler.js";
import type { EdmSpacing } from "../edm-schedule.js";
import { type FlowSpacing, flowMatchEuler } from "../flow-match-euler.js";
import { flowMatchHeun } from "../flow-match-heun.js";
import { ipndm } from "../ipndm.js";
import {
  type ConfigClass,
  type ConfigValues,
  dpmTypes,
  lambdaFields,
  optionsOf,
  replaced,
  requireOne,
  spacingOf,
  thresholdDefaults,
  unsupported,
} from "./values.js";

const edmDefaults = {
  sigma_min: 0.002,
  sigma_max: 80,
  sigma_data: 0.5,
  sigma_schedule: "karras",
  rho: 7,
  final_sigmas_type: "zero",
} as const;

function edmSpacingOf(values: ConfigValues): EdmSpacing {
  requireOne(values, "sigma_schedule", ["karras", "exponential"]);
  const { rho, ...ends } = optionsOf(values, ["sigma_min", "sigma_max", "rho"]);
  return values.sigma_schedule === "karras"
    ? karras({ ...ends, rho: rho as number })
    : exponential(ends);
}

const flowMatchDefaults = {
  shift: 1,
  use_dynamic_shifting: false,
  base_shift: 0.5,
  max_shift: 1.15,
  base_image_seq_len: 256,
  max_image_seq_len: 4096,
  invert_sigmas: false,
  shift_terminal: null,
  use_karras_sigmas: false,
  use_exponential_sigmas: false,
  use_beta_sigmas: false,
  time_shift_type: "exponential",
  stochastic_sampling: false,
} as const;

/** The classes for models of continuous time. */
export const continuousClasses: Readonly<Record<string, ConfigClass>> = {
  IPNDMScheduler: {
    defaults: { trained_betas: null },
    create(values) {
      if (values.trained_betas) throw unsupported("trained_betas", values.trained_betas, "null");
      return ipndm();
    },
  },
  EDMEulerScheduler: {
    defaults: edmDefaults,
    create: (values) =>
      edmEuler({ spacing: edmSpacingOf(values), ...optionsOf(values, ["final_sigmas_type"]) }),
  },
  EDMDPMSolverMultistepScheduler: {
    defaults: {
      ...edmDefaults,
      ...thresholdDefaults,
      solver_order: 2,
      algorithm_type: "dpmsolver++",
      solver_type: "midpoint",
      lower_order_final: true,
      euler_at_final: false,
    },
    create(given) {
      const values = replaced(given, dpmTypes);
      return edmDpmMultistep({
        spacing: edmSpacingOf(values),
        ...optionsOf(values, [
          ...lambdaFields,
          "algorithm_type",
          "solver_type",
          "euler_at_final",
          "final_sigmas_type",
        ]),
      });
    },
  },
  FlowMatchEulerDiscreteScheduler: {
    defaults: flowMatchDefaults,
    create: (values) =>
      flowMatchEuler({
        spacing: spacingOf({ ...values, timestep_spacing: "linspace" }, false) as FlowSpacing,
        ...optionsOf(values, [
          "shift",
          "use_dynamic_shifting",
          "base_shift",
          "max_shift",
          "base_image_seq_len",
          "max_image_seq_len",
          "shift_terminal",
          "time_shift_type",
          "stochastic_sampling",
        ]),
      }),
  },
  FlowMatchHeunDiscreteScheduler: {
    defaults: { shift: 1 },
    create: (values) => flowMatchHeun(optionsOf(values, ["shift"])),
  },
};
