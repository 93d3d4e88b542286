import type { NoiseLevel, NoiseModel, Scheduler } from "@underpaint/core";

/**
 * Makes the scheduler to be checked. Called without options it makes the one that is meant; called
 * with the options that a scheduler has, as a recipe's JSON holds them, it makes the same again.
 */
export type SchedulerFactory = {
  // A method, so that factories of narrower options are taken, as the registry takes them.
  create(options?: Readonly<Record<string, unknown>>): Scheduler;
}["create"];

/**
 * What a step may call: the network's clean estimate, and fresh noise; or noise that has no effect,
 * drawn so that a seed means the same as in a reference that draws it too.
 */
export type Call = "denoise" | "noise" | "unused noise";

/** What each step calls, in this order. */
export type Calls = (
  index: number,
  steps: number,
  levels: readonly NoiseLevel[],
) => readonly Call[];

/** What a scheduler promises beyond its contract. */
export interface SchedulerCheckOptions {
  /** The kinds of noise model that it takes; all others it must refuse. `["diffusion"]`. */
  readonly noise?: readonly NoiseModel["kind"][];
  /**
   * What it solves; "ode" when left out.
   *
   * - `ode`: the probability-flow ODE. Results are compared with its exact solution.
   * - `sde`: a stochastic equation with the data's distribution at its end. The mean and variance
   *   of the results are compared with the data's.
   * - `consistency`: nothing; the network itself gives the end of the path, as latent consistency
   *   models do. With a perfect one the results have the data's mean and variance in any number of
   *   steps.
   * - `unmeasured`: what the suite cannot know. No clause is about accuracy then.
   */
  readonly solves?: "ode" | "sde" | "consistency" | "unmeasured";
  /**
   * The order of convergence: the error falls as steps^−order. 1 when left out; by kinds of noise
   * model where they differ.
   *
   * That of a whole run, its beginning included: a multistep solver that begins with one step of
   * Euler's has an error of second order in that step alone.
   */
  readonly order?: number | Readonly<Partial<Record<NoiseModel["kind"], number>>>;
  /**
   * How many steps make up one of the method's; 1 when left out. Latents between are its stages,
   * and errors are measured where it is at its end.
   */
  readonly cycle?: number;
  /** What each step calls, in this order; `["denoise"]` when left out. */
  readonly calls?: readonly Call[] | Calls;
  /**
   * Whether steps look back on earlier ones. Then a run that starts late cannot equal the tail of
   * a full one; it is held to the exact solution, with the {@link lateOrder}.
   */
  readonly multistep?: boolean;
  /**
   * The order of a multistep solver's runs that start late: that of the whole run, but 2 at most,
   * as the first step is mostly of first order then.
   */
  readonly lateOrder?: number;
  /** Whether runs end with some noise left, rather than with none. */
  readonly endsWithNoise?: boolean;
  /** Whether runs go the other way, from a picture to its noise. */
  readonly inverts?: boolean;
  /**
   * Which of 1, 2, 3 and 1000 steps it may refuse, or of which models. None when left out; a model
   * that predicts noise, at zero terminal SNR, may always be refused.
   */
  readonly mayRefuse?: readonly number[] | ((steps: number, noiseModel: NoiseModel) => boolean);
  /** Options that the factory must refuse, each alone. */
  readonly refuses?: readonly Readonly<Record<string, unknown>>[];
}

/** {@link SchedulerCheckOptions} with everything filled in. */
export interface Expectations
  extends Required<Omit<SchedulerCheckOptions, "calls" | "mayRefuse" | "order" | "lateOrder">> {
  readonly order: (kind: NoiseModel["kind"]) => number;
  readonly lateOrder: (kind: NoiseModel["kind"]) => number;
  readonly calls: Calls;
  readonly mayRefuse: (steps: number, noiseModel: NoiseModel) => boolean;
}

/** The options with what is left out filled in. */
export function expectations(options: SchedulerCheckOptions): Expectations {
  const { calls = ["denoise"], mayRefuse = [], order: orders = 1, lateOrder } = options;
  const order = (kind: NoiseModel["kind"]) =>
    typeof orders === "number" ? orders : (orders[kind] ?? 1);
  return {
    noise: ["diffusion"],
    solves: "ode",
    cycle: 1,
    multistep: false,
    endsWithNoise: options.inverts ?? false,
    inverts: false,
    refuses: [],
    ...options,
    order,
    lateOrder: (kind) => lateOrder ?? Math.min(order(kind), 2),
    calls: typeof calls === "function" ? calls : () => calls,
    mayRefuse: typeof mayRefuse === "function" ? mayRefuse : (steps) => mayRefuse.includes(steps),
  };
}
