import { expect, it } from "vitest";
import { floatTensor } from "../tensor/tensor.js";
import { applyFinalNorm, fitFinalNorm } from "./final-norm.js";

const [tokens, width, epsilon] = [77, 24, 1e-5];
const dims = [1, tokens, width];
const hidden = floatTensor(
  dims,
  // One channel is far larger than the others, as in CLIP.
  Float32Array.from({ length: tokens * width }, (_, i) => {
    const size = i % width === 5 ? 30 : 1;
    return size * (Math.sin(i * 0.7) + 0.3 * Math.cos(i * i * 0.01));
  }),
);
const weight = Float64Array.from({ length: width }, (_, c) => 0.2 + 0.05 * c);
const bias = Float64Array.from({ length: width }, (_, c) => Math.sin(c));

/** The layer norm as its definition has it. */
const normed = floatTensor(dims, new Float32Array(tokens * width));
for (let token = 0; token < tokens; token++) {
  const row = [...hidden.data.subarray(token * width, (token + 1) * width)];
  const mean = row.reduce((sum, value) => sum + value, 0) / width;
  const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width;
  row.forEach((value, c) => {
    normed.data[token * width + c] =
      ((value - mean) / Math.sqrt(variance + epsilon)) * weight[c]! + bias[c]!;
  });
}

it("recovers a layer norm's weight and bias from what goes in and comes out", () => {
  const { norm, residual } = fitFinalNorm(hidden, normed, epsilon);
  expect(residual).toBeLessThan(1e-6);
  for (let c = 0; c < width; c++) {
    expect(norm.weight[c]).toBeCloseTo(weight[c]!, 6);
    expect(norm.bias[c]).toBeCloseTo(bias[c]!, 6);
  }
  const again = applyFinalNorm(norm, hidden).data;
  for (let i = 0; i < again.length; i++) expect(again[i]).toBeCloseTo(normed.data[i]!, 5);
});

it("tells where something else than a layer norm lies between", () => {
  const squared = floatTensor(
    dims,
    normed.data.map((value) => value * value),
  );
  expect(fitFinalNorm(hidden, squared, epsilon).residual).toBeGreaterThan(0.1);
  const nothing = floatTensor(dims, new Float32Array(tokens * width));
  expect(fitFinalNorm(hidden, nothing, epsilon).residual).toBe(1);
});
