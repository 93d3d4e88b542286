import type { FloatTensor } from "../tensor/tensor.js";

/** Which prompt the network is asked with. */
export type Branch = "positive" | "negative";

/** Where in a run the network is asked. */
export interface StepPosition {
  /** The step, from 0. */
  readonly index: number;
  /** The number of steps of the run. */
  readonly steps: number;
  /** What the network is told. */
  readonly timestep: number;
}

/**
 * Runs the network for the branches, in their order, in one call where the graph allows. The
 * results are raw network outputs (noise, velocity or picture, as the model predicts), NCHW.
 */
export type Predict = (branches: readonly Branch[]) => Promise<readonly FloatTensor[]>;

/** How the answers to several prompts become one: a plug-in kind. */
export interface Guidance {
  /** As in a recipe. */
  readonly name: string;
  /** The factory's options, plain JSON, by which a recipe makes the guidance again. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Every branch that it may ask for; prompts of others are not encoded. */
  readonly branches: readonly Branch[];
  /** What a network that takes the guidance scale as an input is told; 1, none, when left out. */
  readonly embeddedScale?: number;
  /** Begins a run; the closure is called once for each time the network is needed. */
  start(): (predict: Predict, at: StepPosition) => Promise<FloatTensor>;
}
