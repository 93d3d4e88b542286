import { UnderpaintError } from "../errors.js";
import type { Branch, Guidance, Predict, StepPosition } from "../guidance/contract.js";
import { linear } from "../tensor/linear.js";
import { batchEntry, elementCount, type FloatTensor, zeros } from "../tensor/tensor.js";
import type { NoiseLevel } from "./contract.js";
import { type NoiseModel, preconditioning } from "./noise-model.js";

/** The network as the predictor sees it: latents, a timestep and text states in, its output out. */
export interface PredictorNetwork {
  predict(call: {
    readonly latents: FloatTensor;
    readonly timestep: number;
    readonly states: FloatTensor;
    /** Which picture of the request it is. */
    readonly picture: number;
    /** The branch of each entry. */
    readonly branches: readonly Branch[];
    readonly at: StepPosition;
  }): Promise<FloatTensor>;
}

/** What {@link createPredictor} joins. */
export interface PredictorOptions {
  readonly network: PredictorNetwork;
  readonly noiseModel: NoiseModel;
  readonly guidance: Guidance;
  /** Text states [1, tokens, width] of each branch that the guidance asks for. */
  readonly states: ReadonlyMap<Branch, FloatTensor>;
  readonly signal?: AbortSignal;
}

/**
 * Latent area above which the branches run one after the other: from here on the activations of
 * one branch fill the machine's cores or GPU anyway, and running two at once doubles the memory
 * only. 128 × 128 latents are a picture of 1024 × 1024.
 */
const largestSharedArea = 128 * 128;

/**
 * Joins network, guidance and noise model into the clean estimate that schedulers see.
 *
 * The network runs once for each picture, never for several at once: matrix kernels choose other
 * orders of summation for other batch sizes, so a picture in a batch would differ in its last bits
 * from the same picture alone (docs/decisions/one-picture-a-call.md).
 */
export function createPredictor(options: PredictorOptions) {
  const { network, noiseModel, guidance, states, signal } = options;
  const guide = guidance.start();
  const joined = new Map<string, FloatTensor>();

  function statesOf(branches: readonly Branch[]): FloatTensor {
    const key = branches.join();
    let tensor = joined.get(key);
    if (!tensor) {
      tensor = stack(branches.map(statesOfOne));
      joined.set(key, tensor);
    }
    return tensor;
  }

  function statesOfOne(branch: Branch): FloatTensor {
    const found = states.get(branch);
    if (found) return found;
    throw new UnderpaintError({
      code: "invalid-request",
      what: `the guidance ${guidance.name} asks for a branch that it does not declare`,
      value: branch,
      allowed: guidance.branches.join(", "),
      remedy: "name every branch in its `branches`",
    });
  }

  async function ask(
    branches: readonly Branch[],
    noisy: FloatTensor,
    rest: { readonly picture: number; readonly timestep: number; readonly at: StepPosition },
  ) {
    signal?.throwIfAborted();
    const latents = stack(branches.map(() => noisy));
    return network.predict({ ...rest, latents, states: statesOf(branches), branches });
  }

  return async (
    latents: FloatTensor,
    level: NoiseLevel,
    at: StepPosition,
  ): Promise<FloatTensor> => {
    const { input, skip, output } = preconditioning(noiseModel, level);
    const scaled = input === 1 ? latents : linear(input, latents);
    const [pictures = 0, , height = 0, width = 0] = latents.dims;
    const together = height * width <= largestSharedArea;

    const predict: Predict = async (branches) => {
      const answers: FloatTensor[][] = branches.map(() => []);
      const groups = together ? [branches] : branches.map((branch) => [branch]);
      for (let k = 0; k < pictures; k++) {
        const noisy = batchEntry(scaled, k);
        let branch = 0;
        for (const group of groups) {
          const answer = await ask(group, noisy, { picture: k, timestep: level.timestep, at });
          for (let b = 0; b < group.length; b++) answers[branch++]!.push(batchEntry(answer, b));
        }
      }
      return answers.map(stack);
    };
    return linear(skip, latents, output, await guide(predict, at));
  };
}

/** Joins tensors [1, …] along the outermost axis; one alone is not copied. */
function stack(tensors: readonly FloatTensor[]): FloatTensor {
  const first = tensors[0]!;
  if (tensors.length === 1) return first;
  const size = elementCount(first.dims);
  const joined = zeros("float32", [tensors.length, ...first.dims.slice(1)]);
  tensors.forEach((tensor, index) => {
    joined.data.set(tensor.data, index * size);
  });
  return joined;
}
