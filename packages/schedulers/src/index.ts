// The public API of @underpaint/schedulers: every export by name.

export {
  beta,
  customSigmas,
  customTimesteps,
  type DdimOptions,
  ddim,
  type EulerOptions,
  euler,
  exponential,
  karras,
  leading,
  linspace,
  lu,
  type Spacing,
  trailing,
} from "@underpaint/core";
export {
  type DpmAlgorithm,
  type DpmSolverType,
  type DpmStep,
  dpmStep,
  lambdaOf,
} from "./dpm-coefficients.js";
export {
  type DpmMultistepOptions,
  type DpmppOptions,
  dpmMultistep,
  dpmpp2m,
} from "./dpm-multistep.js";
export { type EulerAncestralOptions, eulerAncestral } from "./euler-ancestral.js";
export { configClassNames, type FromConfigOptions, fromConfig } from "./from-config.js";
export {
  createScheduler,
  type RegisteredScheduler,
  schedulerNames,
  schedulers,
} from "./registry.js";
