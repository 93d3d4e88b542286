import {
  createNoiseSource,
  floatTensor,
  isUnderpaintError,
  type NoiseLevel,
  type Tensor,
  tensor,
} from "@underpaint/core";
import { describe, expect, it } from "vitest";
import { fakeBackend, fakeSession } from "./backend.js";
import { countingNoise, replayedNoise } from "./counting-noise.js";
import { gaussianDenoiser } from "./gaussian.js";

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (!isUnderpaintError(error)) throw new Error(`no typed error: ${error}`);
  return error.code;
}

describe("gaussianDenoiser", () => {
  const [mean, deviation] = [0.3, 0.7];
  const exact = gaussianDenoiser({ mean, deviation });
  const one = (value: number) => floatTensor([1], Float32Array.of(value));
  const levels: readonly NoiseLevel[] = [
    { alpha: 1, sigma: 3, timestep: 0 },
    { alpha: 0.6, sigma: 0.8, timestep: 0 },
    { alpha: 0.9, sigma: 0.1, timestep: 0 },
    { alpha: 0, sigma: 1, timestep: 0 },
  ];

  it.each(levels)("gives the mean of the data that may be in latents at %o", async (level) => {
    for (const z of [-1.5, 0.2, 2]) {
      // Bayes' rule, integrated over the data.
      let [weights, sum] = [0, 0];
      for (let x0 = -8; x0 <= 8; x0 += 1e-3) {
        const prior = ((x0 - mean) / deviation) ** 2;
        const likelihood = ((z - level.alpha * x0) / level.sigma) ** 2;
        const weight = Math.exp(-(prior + likelihood) / 2);
        weights += weight;
        sum += weight * x0;
      }
      const estimate = (await exact.denoise(one(z), level)).data[0]!;
      expect(Math.abs(estimate - sum / weights)).toBeLessThan(1e-5);
    }
  });

  it("carries latents along the probability-flow ODE", async () => {
    // With alpha = 1, dz / dsigma = (z − estimate) / sigma: Runge and Kutta's method.
    const at = (sigma: number): NoiseLevel => ({ alpha: 1, sigma, timestep: 0 });
    const gain = (sigma: number) => deviation ** 2 / (deviation ** 2 + sigma ** 2);
    const slope = (z: number, sigma: number) => (z - mean - gain(sigma) * (z - mean)) / sigma;
    let [z, sigma] = [2.5, 4];
    const h = -3.9 / 1000;
    for (let i = 0; i < 1000; i++, sigma += h) {
      const a = slope(z, sigma);
      const b = slope(z + (h / 2) * a, sigma + h / 2);
      const c = slope(z + (h / 2) * b, sigma + h / 2);
      const d = slope(z + h * c, sigma + h);
      z += (h / 6) * (a + 2 * b + 2 * c + d);
    }
    expect(exact.carry(one(2.5), at(4), at(0.1)).data[0]).toBeCloseTo(z, 6);
    // On another scale the same picture is alpha times as large, at the same sigma / alpha.
    const half = { alpha: 0.5, sigma: 0.05, timestep: 0 };
    expect(exact.carry(one(2.5), at(4), half).data[0]).toBeCloseTo(z / 2, 6);
    const end = exact.carry(one(2.5), at(4), at(0)).data[0];
    expect((await exact.consistent(one(2.5), at(4))).data[0]).toBeCloseTo(end!, 6);
  });

  it("distributes latents as noisy data are", () => {
    const normals = floatTensor([3], Float32Array.of(0, 1, -2));
    const { data } = exact.latents({ alpha: 0.6, sigma: 0.8, timestep: 0 }, normals);
    const spread = Math.sqrt(0.36 * 0.49 + 0.64);
    [0.18, 0.18 + spread, 0.18 - 2 * spread].forEach((right, i) => {
      expect(data[i]).toBeCloseTo(right, 6);
    });
  });
});

describe("countingNoise", () => {
  it("draws each picture from its own seed, and remembers", () => {
    const { noise, drawn } = countingNoise([2, 1, 4, 4], 41);
    const [first, second] = [noise(), noise()];
    const sources = [41, 42].map((seed) => createNoiseSource(seed));
    for (const { data } of [first, second]) {
      sources.forEach((source, k) => {
        expect(data.subarray(16 * k, 16 * k + 16)).toEqual(source.normal(16));
      });
    }
    expect(drawn).toEqual([first, second]);
  });

  it("is replayed, and not for longer than it was", () => {
    const { noise } = countingNoise([4], 1);
    const tensors = [noise(), noise()];
    const again = replayedNoise(tensors);
    expect([again.noise(), again.noise()]).toEqual(tensors);
    expect(again.noise).toThrow("more noise was drawn than the 2 there are");
  });
});

describe("fakeSession", () => {
  const graph = {
    inputs: [
      { name: "x", type: "float32", dims: ["n", 2] },
      { name: "t", type: "int64", dims: [] },
    ],
    outputs: [
      { name: "y", type: "float32", dims: ["n", 2] },
      { name: "z", type: "float32", dims: ["n", 2] },
    ],
    run: ({ x }: Readonly<Record<string, unknown>>, call: number) => {
      const { data, dims } = x as Tensor<"float32">;
      const y = floatTensor(
        dims,
        data.map((value) => value * 2 + call),
      );
      return { y, z: x as Tensor };
    },
  };
  const x = floatTensor([1, 2], Float32Array.of(1, 2));
  const t = tensor("int64", [], BigInt64Array.of(5n));

  it("runs the function, and remembers its feeds", async () => {
    const session = fakeSession(graph);
    expect((await session.run({ x, t })).y).toEqual(floatTensor([1, 2], Float32Array.of(2, 4)));
    expect((await session.run({ x, t })).y).toEqual(floatTensor([1, 2], Float32Array.of(3, 5)));
    expect(Object.keys(await session.run({ x, t }, { outputs: ["z"] }))).toEqual(["z"]);
    expect(session.runs).toEqual([
      { x, t },
      { x, t },
      { x, t },
    ]);
  });

  it.each([
    ["a missing input", { x }],
    ["a wrong type", { x, t: tensor("int32", [], Int32Array.of(5)) }],
    ["a wrong rank", { x, t: tensor("int64", [1], BigInt64Array.of(5n)) }],
    ["a wrong size", { x: floatTensor([1, 3], new Float32Array(3)), t }],
    ["an input that it has not", { x, t, w: x }],
  ])("refuses %s", async (_, feeds) => {
    const session = fakeSession(graph);
    expect(await codeOf(session.run(feeds as Record<string, Tensor>))).toBe("inference-failed");
    expect(session.runs).toEqual([]);
  });

  it("refuses sizes of one axis that differ between inputs", async () => {
    const { inputs } = graph;
    const session = fakeSession({ ...graph, inputs: [inputs[0]!, { ...inputs[0]!, name: "w" }] });
    const w = floatTensor([2, 2], new Float32Array(4));
    expect(await codeOf(session.run({ x, w }))).toBe("inference-failed");
    expect(await session.run({ x, w: x })).toBeDefined();
  });

  it("tells of an output that the function does not give", async () => {
    const session = fakeSession({ ...graph, run: () => ({ y: x }) });
    expect(await codeOf(session.run({ x, t }))).toBe("inference-failed");
    expect(await session.run({ x, t }, { outputs: ["y"] })).toEqual({ y: x });
  });

  it("finishes what runs before it is disposed of, and runs nothing after", async () => {
    let finish = (): void => {};
    const gate = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const session = fakeSession({ ...graph, run: () => gate.then(() => ({ y: x, z: x })) });
    const order: string[] = [];
    const running = session.run({ x, t }).then(() => order.push("run"));
    const disposal = session.dispose().then(() => order.push("disposal"));
    expect(session.isDisposed).toBe(true);
    expect(await codeOf(session.run({ x, t }))).toBe("disposed");
    finish();
    await Promise.all([running, disposal, session.dispose()]);
    expect(order).toEqual(["run", "disposal"]);
  });

  it("is made by a fake backend, by its label", async () => {
    const backend = fakeBackend({ "unet/model.onnx": graph });
    const model = { bytes: new Uint8Array() };
    const session = await backend.createSession(model, { label: "unet/model.onnx" });
    expect(await session.run({ x, t })).toBeDefined();
    expect(backend.sessions).toMatchObject([{ label: "unet/model.onnx", model, session }]);
    expect(await codeOf(backend.createSession(model, { label: "vae" }))).toBe("model-invalid");
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(backend.createSession(model, { label: "unet/model.onnx", signal })).rejects.toBe(
      signal.reason,
    );
  });
});
