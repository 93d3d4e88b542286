import {
  addToSeed,
  batchEntry,
  createNoiseSource,
  type FloatTensor,
  type Seed,
  zeros,
} from "@underpaint/core";

/** Noise for a run that remembers what was drawn. */
export interface CountingNoise {
  /** For `SamplingRun.noise`: the next normals. */
  readonly noise: () => FloatTensor;
  /** Everything that was drawn, in order: the very tensors that were given out. */
  readonly drawn: readonly FloatTensor[];
}

/**
 * Noise as a pipeline draws it: picture k of the dims [pictures, …] from the seed + k, so that
 * it is the same alone and in a batch.
 */
export function countingNoise(dims: readonly number[], seed: Seed = 0): CountingNoise {
  const sources = Array.from({ length: dims[0] ?? 1 }, (_, picture) =>
    createNoiseSource(addToSeed(seed, picture)),
  );
  const drawn: FloatTensor[] = [];
  return {
    drawn,
    noise() {
      const normals = zeros("float32", dims);
      sources.forEach((source, picture) => {
        source.fillNormal(dims.length === 0 ? normals.data : batchEntry(normals, picture).data);
      });
      drawn.push(normals);
      return normals;
    },
  };
}

/**
 * Given tensors as noise, one after the other; throws when there are no more.
 */
export function replayedNoise(tensors: readonly FloatTensor[]): CountingNoise {
  const drawn: FloatTensor[] = [];
  return {
    drawn,
    noise() {
      const next = tensors[drawn.length];
      if (!next) throw new Error(`more noise was drawn than the ${tensors.length} there are`);
      drawn.push(next);
      return next;
    },
  };
}
