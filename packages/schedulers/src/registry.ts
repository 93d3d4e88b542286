import {
  beta,
  ddim,
  euler,
  exponential,
  karras,
  leading,
  linspace,
  lu,
  nearest,
  type Scheduler,
  type Spacing,
  trailing,
  UnderpaintError,
} from "@underpaint/core";
import { ddimInverse } from "./ddim-inverse.js";
import { ddpm } from "./ddpm.js";
import { deis } from "./deis.js";
import { dpmMultistep, dpmpp2m, dpmpp2mSde, dpmpp3m, dpmpp3mSde } from "./dpm-multistep.js";
import { dpmpp2s, dpmpp3s, dpmSinglestep } from "./dpm-singlestep.js";
import { dpm2, dpm2Ancestral } from "./dpm2.js";
import { dpmppSde } from "./dpmpp-sde.js";
import { edmDpmMultistep } from "./edm-dpm-multistep.js";
import { edmEuler } from "./edm-euler.js";
import { eulerAncestral } from "./euler-ancestral.js";
import { flowMatchEuler } from "./flow-match-euler.js";
import { flowMatchHeun } from "./flow-match-heun.js";
import { heun } from "./heun.js";
import { ipndm } from "./ipndm.js";
import { lcm } from "./lcm.js";
import { lms } from "./lms.js";
import { pndm } from "./pndm.js";
import { saSolver } from "./sa-solver.js";
import { tcd } from "./tcd.js";
import { unipc } from "./unipc.js";

/** A scheduler that can be made by its name. */
export interface RegisteredScheduler {
  /** What it is good for, in a line. */
  readonly summary: string;
  /** Makes one from options that may be a recipe's JSON. */
  create(options?: Readonly<Record<string, unknown>>): Scheduler;
}

/** Every scheduler there is, by name. */
export const schedulers: Readonly<Record<string, RegisteredScheduler>> = {
  ddim: {
    summary: "The classic: deterministic, smooth, dependable from 20 steps; inverts well.",
    create: ddim,
  },
  euler: {
    summary: "Simple and fast; a safe default from 20 steps, and for most turbo models.",
    create: euler,
  },
  "euler-ancestral": {
    summary: "Euler with fresh noise each step: varied and soft; never settles on one picture.",
    create: eulerAncestral,
  },
  "dpmpp-2m": {
    summary: "The best all-rounder: sharp pictures in 15 to 25 steps, deterministic.",
    create: dpmpp2m,
  },
  "ddim-inverse": {
    summary: "DDIM backwards: from a picture to the noise that DDIM makes it of, for editing.",
    create: ddimInverse,
  },
  ddpm: {
    summary: "The original: random at each step, needs hundreds of steps.",
    create: ddpm,
  },
  pndm: {
    summary: "Stable Diffusion 1's own; good from 25 steps, twelve network calls to warm up.",
    create: pndm,
  },
  lms: {
    summary: "Linear multistep: fourth order, good from 30 steps, unstable with few.",
    create: lms,
  },
  heun: {
    summary: "Second order at two network calls a step: exact, for 10 to 20 steps.",
    create: heun,
  },
  dpm2: {
    summary: "Second order by midpoints, two network calls a step; much like heun.",
    create: dpm2,
  },
  "dpm2-ancestral": {
    summary: "dpm2 with fresh noise each step: varied, two network calls a step.",
    create: dpm2Ancestral,
  },
  "dpmpp-sde": {
    summary: "Fine detail from random steps, two network calls each; 10 to 15 steps.",
    create: dpmppSde,
  },
  "dpmpp-2m-sde": {
    summary: "dpmpp-2m with fresh noise each step: richer detail in 20 to 30 steps.",
    create: dpmpp2mSde,
  },
  "dpmpp-3m": {
    summary: "dpmpp-2m of third order; for models without guidance, from 15 steps.",
    create: dpmpp3m,
  },
  "dpmpp-3m-sde": {
    summary: "dpmpp-3m with fresh noise each step; wants 30 steps or more.",
    create: dpmpp3mSde,
  },
  "dpmpp-2s": {
    summary: "DPM-Solver++ in single steps of second order: steady under strong guidance.",
    create: dpmpp2s,
  },
  "dpmpp-3s": {
    summary: "DPM-Solver++ in single steps of third order: exact in many steps.",
    create: dpmpp3s,
  },
  deis: {
    summary: "Exponential integrator, deterministic; good pictures in 10 to 20 steps.",
    create: deis,
  },
  unipc: {
    summary: "Predictor and corrector: the most from the fewest steps, 5 to 15.",
    create: unipc,
  },
  ipndm: {
    summary: "Multistep without warm-up calls, for v-diffusion and others, from 20 steps.",
    create: ipndm,
  },
  "sa-solver": {
    summary: "Stochastic Adams method: noise in the middle of the run only; from 15 steps.",
    create: saSolver,
  },
  lcm: {
    summary: "For latent consistency models and LoRAs: 1 to 8 steps, guidance low.",
    create: lcm,
  },
  tcd: {
    summary: "For trajectory consistency models: 1 to 8 steps, noise chosen by eta.",
    create: tcd,
  },
  "edm-euler": {
    summary: "Euler for models with EDM's noise (Playground 2.5).",
    create: edmEuler,
  },
  "edm-dpm-multistep": {
    summary: "DPM-Solver++ for models with EDM's noise; 15 to 25 steps.",
    create: edmDpmMultistep,
  },
  "flow-match-euler": {
    summary: "Euler for models of flow (Stable Diffusion 3, Flux): their default.",
    create: flowMatchEuler,
  },
  "flow-match-heun": {
    summary: "Second order for models of flow, two network calls a step.",
    create: flowMatchHeun,
  },
  "dpm-singlestep": {
    summary: "The singlestep DPM-Solver family, for experiments: order, equation, solver.",
    create: dpmSinglestep,
  },
  "dpm-multistep": {
    summary: "The whole DPM-Solver family, for experiments: order, equation and solver to choose.",
    create: dpmMultistep,
  },
};

/** The names of {@link schedulers}. */
export const schedulerNames: readonly string[] = Object.keys(schedulers);

const spacings: Readonly<Record<string, () => Spacing>> = {
  karras,
  exponential,
  beta,
  lu,
  leading,
  trailing,
  linspace,
};

/**
 * The scheduler of a name and of options that a recipe holds. A spacing's name may follow the
 * scheduler's: `dpmpp-2m-karras` is `dpmpp2m({ spacing: karras() })`.
 *
 * @throws UnderpaintError `invalid-request` for a name that is none, or options that are not right.
 */
export function createScheduler(
  name: string,
  options: Readonly<Record<string, unknown>> = {},
): Scheduler {
  if (Object.hasOwn(schedulers, name)) return schedulers[name]!.create(options);
  const cut = String(name).lastIndexOf("-");
  const [base, suffix] = [String(name).slice(0, cut), String(name).slice(cut + 1)];
  if (Object.hasOwn(schedulers, base) && Object.hasOwn(spacings, suffix)) {
    return schedulers[base]!.create({ spacing: spacings[suffix]!(), ...options });
  }
  const meant = nearest(String(name), schedulerNames);
  throw new UnderpaintError({
    code: "invalid-request",
    what: "there is no such scheduler",
    value: name,
    allowed: `${schedulerNames.join(", ")}; then a spacing may follow, as in dpmpp-2m-karras`,
    ...(meant === undefined ? {} : { remedy: `did you mean ${meant}?` }),
  });
}
