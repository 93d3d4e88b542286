// The public API of @underpaint/schedulers: every export by name.

// spacings, and the two solvers that core has itself
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
export { configClassNames, type FromConfigOptions, fromConfig } from "./config/from-config.js";
export { type DdimInverseOptions, ddimInverse } from "./ddim-inverse.js";
export { type DdpmOptions, ddpm } from "./ddpm.js";
export { type DeisOptions, deis } from "./deis.js";
export type { DpmAlgorithm, DpmSolverType } from "./dpm-coefficients.js";
export {
  type DpmMultistepOptions,
  type DpmppOptions,
  dpmMultistep,
  dpmpp2m,
  dpmpp2mSde,
  dpmpp3m,
  dpmpp3mSde,
} from "./dpm-multistep.js";
export {
  type DpmppSinglestepOptions,
  type DpmSinglestepOptions,
  dpmpp2s,
  dpmpp3s,
  dpmSinglestep,
} from "./dpm-singlestep.js";
export { type Dpm2Options, dpm2, dpm2Ancestral } from "./dpm2.js";
export { type DpmppSdeOptions, dpmppSde } from "./dpmpp-sde.js";
export { type EdmDpmMultistepOptions, edmDpmMultistep } from "./edm-dpm-multistep.js";
export { type EdmEulerOptions, edmEuler } from "./edm-euler.js";
export type { EdmSpacing } from "./edm-schedule.js";
export { type EulerAncestralOptions, eulerAncestral } from "./euler-ancestral.js";
export {
  type FlowMatchEulerOptions,
  type FlowSpacing,
  flowMatchEuler,
} from "./flow-match-euler.js";
export { type FlowMatchHeunOptions, flowMatchHeun } from "./flow-match-heun.js";
export type { FlowShiftOptions } from "./flow-shift.js";
export { type HeunOptions, heun } from "./heun.js";
export { type IpndmOptions, ipndm } from "./ipndm.js";
export { type LcmOptions, lcm } from "./lcm.js";
export { type LmsOptions, lms } from "./lms.js";
export { type PndmOptions, pndm } from "./pndm.js";
export {
  createScheduler,
  type RegisteredScheduler,
  schedulerNames,
  schedulers,
} from "./registry.js";
export { type SaSolverOptions, saSolver } from "./sa-solver.js";
export { type TcdOptions, tcd } from "./tcd.js";
export { type UniPcOptions, unipc } from "./unipc.js";
