import type { FloatTensor } from "../tensor/tensor.js";
import type { NoiseModel } from "./noise-model.js";

/**
 * How noisy latents are: latents = alpha · picture + sigma · noise.
 *
 * A scheduler picks its own scale: variance preserving (alpha² + sigma² = 1: DDIM, DPM-Solver),
 * variance exploding (alpha = 1: Euler, EDM) or flow (alpha = 1 − sigma). The network's
 * preconditioning follows from the pair, so schedulers never scale its input themselves.
 */
export interface NoiseLevel {
  /** The picture's share, 0 to 1. */
  readonly alpha: number;
  /** The noise's share, 0 or more. */
  readonly sigma: number;
  /** What the network is told. At the end of a schedule, where it is not asked, 0. */
  readonly timestep: number;
}

/** The noise levels that one run visits. */
export interface Schedule {
  /**
   * steps + 1 levels in the order of the run: noisiest first, except for inversion (DDIM inverse),
   * which goes from a picture to its noise. The last is where the run ends, mostly without noise.
   */
  readonly levels: readonly NoiseLevel[];
  /** The reference's type of the timesteps: fractional ones are float32 values. */
  readonly timestepType: "int64" | "float32";
  /**
   * What unit noise is multiplied with to begin a picture from nothing. It differs from the first
   * level's sigma where the reference does so (Euler with leading spacing: √(sigma² + 1)).
   */
  readonly initialNoiseScale: number;
}

/**
 * The network's estimate of the clean picture in `latents` at a level, guidance included. Solvers
 * may ask at levels of their own between those of the schedule. The tensor stays as it is: a
 * solver may keep it, and must not change it.
 */
export type Denoise = (latents: FloatTensor, level: NoiseLevel) => Promise<FloatTensor>;

/** What a scheduler is handed at the beginning of one run. */
export interface SamplingRun {
  readonly schedule: Schedule;
  readonly noiseModel: NoiseModel;
  /** The first index that the step function is called with: above 0 for image-to-image. */
  readonly begin: number;
  readonly denoise: Denoise;
  /** Fresh normals of the latents' shape; picture k's come from picture k's own seed. */
  readonly noise: () => FloatTensor;
}

/** What else a schedule may depend on. */
export interface ScheduleContext {
  /** The latents' dims, [pictures, channels, height, width]: dynamic shifting goes by their size. */
  readonly latentDims?: readonly number[];
}

/**
 * A solver of the reverse diffusion: a plug-in kind. Made by a factory that takes its options;
 * holds no state of a run.
 */
export interface Scheduler {
  /** As in a recipe and in the command: "euler", "dpmpp-2m". */
  readonly name: string;
  /** The factory's options, plain JSON, by which a recipe makes the scheduler again. */
  readonly options: Readonly<Record<string, unknown>>;
  /**
   * The levels of a run of `steps` steps for a model with this noise.
   *
   * @throws UnderpaintError `invalid-request` when options, steps and model do not go together.
   */
  schedule(steps: number, noiseModel: NoiseModel, context?: ScheduleContext): Schedule;
  /**
   * Begins a run; history lives in the returned closure, so that runs cannot mix. The closure
   * takes the latents at level `index` to level `index + 1`; it is called with `begin`,
   * `begin + 1`, …, and leaves the latents that it is given unchanged.
   */
  start(run: SamplingRun): (latents: FloatTensor, index: number) => Promise<FloatTensor>;
}
