import { describe, expect, it } from "vitest";
import { classifierFree } from "../guidance/classifier-free.js";
import type { Guidance } from "../guidance/contract.js";
import { type FloatTensor, floatTensor, zeros } from "../tensor/tensor.js";
import type { NoiseModel } from "./noise-model.js";
import { createPredictor, type PredictorOptions } from "./predictor.js";

const noiseModel: NoiseModel = {
  kind: "diffusion",
  predictionType: "sample",
  alphasCumprod: new Float64Array(1000).fill(0.5),
  zeroTerminalSnr: false,
} as NoiseModel;

/** A network whose answer is its latents plus the first text state: told apart by branch and picture. */
function recorded() {
  const calls: { dims: readonly number[]; states: number[] }[] = [];
  const network: PredictorOptions["network"] = {
    async predict({ latents, states }) {
      const first = Array.from({ length: latents.dims[0]! }, (_, b) => states.data[b * 2]!);
      calls.push({ dims: latents.dims, states: first });
      const size = latents.data.length / first.length;
      const data = latents.data.map((value, i) => value + first[Math.floor(i / size)]!);
      return floatTensor(latents.dims, data);
    },
  };
  return { calls, network };
}

const states = new Map([
  ["positive", floatTensor([1, 1, 2], new Float32Array([10, 0]))],
  ["negative", floatTensor([1, 1, 2], new Float32Array([4, 0]))],
] as const);
const level = { alpha: Math.SQRT1_2, sigma: Math.SQRT1_2, timestep: 500 };
const at = { index: 0, steps: 1, timestep: 500 };

function latentsOf(count: number, side = 1): FloatTensor {
  const latents = zeros("float32", [count, 1, side, side]);
  latents.data.forEach((_, i) => {
    latents.data[i] = Math.floor(i / side ** 2);
  });
  return latents;
}

describe("createPredictor", () => {
  it("asks for each picture alone, with both branches in one call", async () => {
    const { calls, network } = recorded();
    const guidance = classifierFree({ scale: 3 });
    const predict = createPredictor({ network, noiseModel, guidance, states });
    const estimate = await predict(latentsOf(3), level, at);
    // negative + 3 · (positive − negative), on picture k: (k + 4) + 3 · 6.
    expect([...estimate.data]).toEqual([22, 23, 24]);
    expect(calls).toEqual(Array(3).fill({ dims: [2, 1, 1, 1], states: [4, 10] }));
  });

  it("asks for one branch after the other where latents are large", async () => {
    const { calls, network } = recorded();
    const guidance = classifierFree({ scale: 3 });
    const predict = createPredictor({ network, noiseModel, guidance, states });
    const estimate = await predict(latentsOf(2, 129), level, at);
    expect([estimate.data[0], estimate.data.at(-1)]).toEqual([22, 23]);
    expect(calls.map((call) => call.states)).toEqual([[4], [10], [4], [10]]);
  });

  it("refuses a guidance that asks for what it does not declare", async () => {
    const { calls, network } = recorded();
    const guidance: Guidance = {
      name: "greedy",
      options: {},
      branches: ["positive"],
      start: () => async (ask) => (await ask(["negative", "positive"]))[0]!,
    };
    const onlyPositive = new Map([["positive", states.get("positive")!] as const]);
    const predict = createPredictor({ network, noiseModel, guidance, states: onlyPositive });
    const failure = predict(latentsOf(1), level, at);
    await expect(failure).rejects.toThrow(/greedy.*"negative".*allowed: positive/);
    expect(calls).toEqual([]);
  });
});
