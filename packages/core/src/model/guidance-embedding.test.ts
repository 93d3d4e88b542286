import { describe, expect, it } from "vitest";
import { guidanceEmbedding } from "./guidance-embedding.js";

// LatentConsistencyModelPipeline.get_guidance_scale_embedding(None, torch.tensor([scale - 1]), size)
// of diffusers 0.42.1 with torch 2.13.0, by scale and size; the index of each value first.
const reference: readonly [scale: number, size: number, values: readonly [number, number][]][] = [
  [
    8.5,
    256,
    [
      [0, -0.8512358665466309],
      [1, 0.8421311974525452],
      [2, 0.011876258999109268],
      [63, 0.6963727474212646],
      [127, 0.6816387176513672],
      [128, -0.5247832536697388],
      [129, 0.5392727255821228],
      [200, -0.9390370845794678],
      [255, 0.731688916683197],
    ],
  ],
  [1, 8, Array.from({ length: 8 }, (_, i) => [i, i < 4 ? 0 : 1])],
  [
    7.5,
    9,
    [
      [0, -0.04478473961353302],
      [1, 0.11018915474414825],
      [2, 0.9911232590675354],
      [3, 0.6051863431930542],
      [4, -0.9989966750144958],
      [5, 0.9939106106758118],
      [6, 0.13294602930545807],
      [7, 0.7960838675498962],
      [8, 0],
    ],
  ],
];

describe("guidanceEmbedding", () => {
  it.each(reference)("is diffusers' for scale %d and size %d", (scale, size, values) => {
    const embedding = guidanceEmbedding(scale, size);
    expect(embedding.dims).toEqual([1, size]);
    // Angles reach 7,500, whose float32 neighbours are 4.9e-4 apart: one rounding, on either side.
    for (const [index, value] of values) {
      expect(Math.abs(embedding.data[index]! - value), `at ${index}`).toBeLessThan(5e-4);
    }
  });
});
