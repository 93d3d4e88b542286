import { createNoiseSource } from "../random/noise-source.js";
import { batchEntry, type FloatTensor, zeros } from "../tensor/tensor.js";

/** Normals for the pictures of one request, each from its own seed. */
export interface SeededNoise {
  /** The next normals of picture `index`, in a tensor of these dims. */
  one(index: number, dims: readonly number[]): FloatTensor;
  /** The next normals of all pictures, as a batch of these dims without the first. */
  batch(dims: readonly number[]): FloatTensor;
}

/**
 * Picture k draws from its own generator, in the order of the reference's pipelines: the encoder's
 * sample, the initial noise, then what each step asks for. So it comes out the same alone and
 * among others.
 */
export function createSeededNoise(seeds: readonly (number | bigint)[]): SeededNoise {
  const sources = seeds.map((seed) => createNoiseSource(seed));
  return {
    one(index, dims) {
      const normals = zeros("float32", dims);
      sources[index]!.fillNormal(normals.data);
      return normals;
    },
    batch(dims) {
      const normals = zeros("float32", [sources.length, ...dims]);
      sources.forEach((source, index) => {
        source.fillNormal(batchEntry(normals, index).data);
      });
      return normals;
    },
  };
}
