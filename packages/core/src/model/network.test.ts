import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { readSafetensors } from "../../../../tests/support/safetensors.js";
import type { InferenceSession } from "../backend/contract.js";
import { onnxGraph, type Port } from "../backend/fakes/onnx-graph.js";
import { createOrtBackend } from "../backend/ort.js";
import { isUnderpaintError } from "../errors.js";
import { batchEntry, type FloatTensor, floatTensor } from "../tensor/tensor.js";
import { folderSource, modelFolder } from "./fakes/sources.js";
import { createNetwork, type Network } from "./network.js";

const backend = createOrtBackend({
  ort,
  name: "onnxruntime-node/cpu",
  sessionOptions: { logSeverityLevel: 4 },
});

const components = readSafetensors(
  fileURLToPath(new URL("../../../../fixtures/reference/components.safetensors", import.meta.url)),
);

function reference(name: string): FloatTensor {
  const { dims, data } = components.get(name)!;
  return floatTensor(dims, data as Float32Array);
}

async function fixtureNetwork(model: string): Promise<Network> {
  const file = await folderSource(modelFolder(model)).open("unet/model.onnx");
  return createNetwork(await backend.createSession(file));
}

/** The largest difference, in units of the reference's largest absolute value. */
function relativeError(found: FloatTensor, expected: FloatTensor): number {
  expect(found.dims).toEqual(expected.dims);
  let [difference, scale] = [0, 0];
  expected.data.forEach((value, i) => {
    difference = Math.max(difference, Math.abs(value - found.data[i]!));
    scale = Math.max(scale, Math.abs(value));
  });
  return difference / scale;
}

const latents = reference("unet.sample");
const states = reference("text.last_hidden_state");
const timesteps = [...(components.get("unet.timesteps")!.data as Float64Array)];

describe("a network's prediction", () => {
  // Half precision has 11 significant bits: each operation is right to 4.9e-4, and there are some
  // sixty of them on the way. A float16 timestep of 856.28571 is 856.5.
  it.each([
    ["tiny", "float32 graph, timestep float32 []", 1e-5, 5],
    ["tiny-names", "float32 graph, timestep float32 [1], output latent", 1e-5, 5],
    ["tiny-legacy", "float32 graph, timestep int64 [1], weights.pb", 1e-5, 4],
    ["tiny-v", "float32 graph, timestep float16 [1]", 1e-5, 4],
    ["tiny-fp16-fp32io", "float16 weights, timestep int64 [batch], model.onnx.data", 1e-2, 4],
    ["tiny-fp16", "float16 graph, timestep float16 [], model.onnx_data", 1e-2, 4],
  ])("of %s (%s) is diffusers' within %d", async (model, _, bound, count) => {
    const network = await fixtureNetwork(model);
    expect(network).toMatchObject({ latentChannels: 4, fixedBatch: undefined });
    for (let i = 0; i < count; i++) {
      const found = await network.predict({ latents, timestep: timesteps[i]!, states });
      const error = relativeError(found, reference(`unet.out_sample.${i}`));

      expect(error, `timestep ${timesteps[i]}`).toBeLessThan(bound);
    }
  });

  it("takes a fractional timestep for its whole part where the graph counts in integers", async () => {
    const network = await fixtureNetwork("tiny-legacy");
    const fractional = await network.predict({ latents, timestep: 501.99, states });
    expect(relativeError(fractional, reference("unet.out_sample.2"))).toBeLessThan(1e-5);
  });

  it("of one entry of a batch is that of the entry alone", async () => {
    const network = await fixtureNetwork("tiny");
    for (let k = 0; k < 2; k++) {
      const one = await network.predict({
        latents: batchEntry(latents, k),
        timestep: 501,
        states: batchEntry(states, k),
      });
      const expected = batchEntry(reference("unet.out_sample.2"), k);
      expect(relativeError(one, expected)).toBeLessThan(1e-5);
    }
  });
});

describe("text states in half precision", () => {
  it("are converted once for a tensor, and anew for another", async () => {
    const file = await folderSource(modelFolder("tiny-fp16")).open("unet/model.onnx");
    const session = await backend.createSession(file);
    const fed: unknown[] = [];
    const watched: InferenceSession = {
      ...session,
      run(feeds, options) {
        fed.push(feeds.encoder_hidden_states);
        return session.run(feeds, options);
      },
    };
    const network = createNetwork(watched);
    const others = floatTensor(
      states.dims,
      states.data.map((value) => -value),
    );
    const question = { latents, timestep: timesteps[2]! };
    const first = await network.predict({ ...question, states });
    const other = await network.predict({ ...question, states: others });
    const again = await network.predict({ ...question, states });

    expect(fed[2]).toBe(fed[0]);
    expect(again.data).toEqual(first.data);
    const fresh = await createNetwork(session).predict({ ...question, states: others });
    expect(other.data).toEqual(fresh.data);
    expect(other.data).not.toEqual(first.data);
  });
});

/** A graph of out = sample · mean(states) + timestep, with axes and types as given. */
function toyNetwork(options: {
  batch?: number | string;
  sample?: Partial<Port>;
  timestep?: Partial<Port>;
  extra?: readonly Port[];
}): Promise<InferenceSession> {
  const batch = options.batch ?? "batch";
  const sample: Port = {
    name: "sample",
    type: "float32",
    dims: [batch, 4, "height", "width"],
    ...options.sample,
  };
  const timestep: Port = { name: "timestep", type: "float32", dims: [], ...options.timestep };
  const states: Port = {
    name: "encoder_hidden_states",
    type: "float32",
    dims: [batch, "tokens", 3],
  };
  const one = (value: bigint) => BigInt64Array.of(value);
  return backend.createSession({
    bytes: onnxGraph({
      inputs: [sample, timestep, states, ...(options.extra ?? [])],
      outputs: [
        {
          name: "out_sample",
          type: "float32",
          dims: [batch, "channels", "height", "width"],
        },
      ],
      constants: [
        { name: "last", dims: [1], values: one(3n) },
        { name: "column", dims: [4], values: BigInt64Array.of(-1n, 1n, 1n, 1n) },
      ],
      nodes: [
        {
          op: "ReduceMean",
          inputs: [states.name],
          outputs: ["mean"],
          attributes: { axes: [1, 2], keepdims: 1 },
        },
        { op: "Unsqueeze", inputs: ["mean", "last"], outputs: ["mean4"] },
        { op: "Mul", inputs: [sample.name, "mean4"], outputs: ["scaled"] },
        { op: "Cast", inputs: [timestep.name], outputs: ["time"], attributes: { to: 1 } },
        { op: "Reshape", inputs: ["time", "column"], outputs: ["time4"] },
        { op: "Add", inputs: ["scaled", "time4"], outputs: ["out_sample"] },
      ],
    }),
  });
}

/** n entries; the states of entry k have the mean k + 2. */
function call(n: number, height = 2, width = 3) {
  const size = 4 * height * width;
  const values = Float32Array.from({ length: n * size }, (_, i) => i / 8);
  const states = Float32Array.from(
    { length: n * 6 },
    (_, i) => Math.floor(i / 6) + 1 + (i % 2) * 2,
  );
  return {
    latents: floatTensor([n, 4, height, width], values),
    timestep: 500,
    states: floatTensor([n, 2, 3], states),
  };
}

function expected({ latents, timestep }: ReturnType<typeof call>): Float32Array {
  const size = latents.data.length / latents.dims[0]!;
  return latents.data.map((value, i) => value * (Math.floor(i / size) + 2) + timestep);
}

describe("a graph with a fixed batch", () => {
  it.each([
    [1, 1],
    [1, 3],
    [2, 1],
    [2, 2],
    [2, 5],
    [4, 3],
  ])("of %i is run as often as %i entries need", async (batch, n) => {
    const session = await toyNetwork({ batch });
    let runs = 0;
    const counting: InferenceSession = {
      ...session,
      run(feeds, options) {
        runs++;
        return session.run(feeds, options);
      },
    };
    const network = createNetwork(counting);
    expect(network.fixedBatch).toBe(batch);
    const question = call(n);
    const answer = await network.predict(question);
    expect(answer.dims).toEqual(question.latents.dims);
    expect(answer.data).toEqual(expected(question));
    expect(runs).toBe(Math.ceil(n / batch));
  });

  it("is known by its timesteps too", async () => {
    const session = await toyNetwork({ timestep: { type: "int64", dims: [2] } });
    const network = createNetwork(session);
    expect(network.fixedBatch).toBe(2);
    expect((await network.predict(call(3))).data).toEqual(expected(call(3)));
  });
});

describe("a graph's timestep", () => {
  it.each<Partial<Port>>([
    { type: "float32", dims: [] },
    { type: "float32", dims: [1] },
    { type: "float32", dims: ["batch"] },
    { type: "int64", dims: [] },
    { type: "int64", dims: ["steps"] },
    { type: "int32", dims: [1] },
    { type: "float16", dims: ["batch"] },
    { type: "int64", dims: ["batch"], name: "t" },
    { type: "int64", dims: [1], name: "whatever" },
  ])("may be %j", async (timestep) => {
    const network = createNetwork(await toyNetwork({ timestep }));
    expect((await network.predict(call(2))).data).toEqual(expected(call(2)));
  });
});

describe("a graph that a network cannot be made of", () => {
  async function refusal(session: Promise<InferenceSession>, config = {}): Promise<string[]> {
    const graph = await session;
    try {
      createNetwork(graph, config);
    } catch (error) {
      if (isUnderpaintError(error)) return [error.code, error.message];
      throw error;
    }
    throw new Error("nothing was thrown");
  }

  it.each<[string, Parameters<typeof toyNetwork>[0], string, RegExp]>([
    [
      "of an XL model",
      { extra: [{ name: "time_ids", type: "float32", dims: ["batch", 6] }] },
      "model-unsupported",
      /Stable Diffusion XL.*time_ids float32 \[batch, 6\]/,
    ],
    [
      "with residuals of a ControlNet",
      { extra: [{ name: "down_block_0", type: "float32", dims: ["batch", 320, 64, 64] }] },
      "model-unsupported",
      /ControlNet/,
    ],
    [
      "with an input that nobody knows",
      { extra: [{ name: "mystery", type: "float32", dims: ["batch", 7] }] },
      "model-invalid",
      /not known: mystery float32 \[batch, 7\]; allowed: sample: latents/,
    ],
  ])("is refused: %s", async (_, options, code, message) => {
    expect(await refusal(toyNetwork(options))).toEqual([code, expect.stringMatching(message)]);
  });

  it("is refused: with other channels than a mask and a masked picture need", async () => {
    const session = await toyNetwork({ sample: { dims: ["batch", 8, "height", "width"] } });
    const outputs = [{ name: "out_sample", type: "float32", dims: ["batch", 4, "h", "w"] }];
    expect(await refusal(Promise.resolve({ ...session, outputs }))).toEqual([
      "model-unsupported",
      expect.stringMatching(/takes 8 channels and gives 4/),
    ]);
  });
});

describe("a network for inpainting", () => {
  /** Remembers what it is fed, and answers with its first four channels. */
  async function painting(batch: number | string = "batch") {
    const fed: FloatTensor[] = [];
    const states = { name: "encoder_hidden_states", type: "float32", dims: [batch, 2, 3] } as const;
    const session: InferenceSession = {
      ...(await toyNetwork({})),
      inputs: [
        { name: "sample", type: "float32", dims: [batch, 9, "height", "width"] },
        { name: "timestep", type: "float32", dims: [] },
        states,
      ],
      outputs: [{ name: "out_sample", type: "float32", dims: [batch, 4, "height", "width"] }],
      async run({ sample }) {
        const { dims, data } = sample as FloatTensor;
        fed.push({ type: "float32", dims, data: data.slice() });
        const [n = 0, , height = 0, width = 0] = dims;
        const size = 4 * height * width;
        const out = floatTensor([n, 4, height, width], new Float32Array(n * size));
        for (let k = 0; k < n; k++) {
          const from = 9 * height * width * k;
          out.data.set(data.subarray(from, from + size), k * size);
        }
        return { out_sample: out };
      },
    };
    return { network: createNetwork(session), fed };
  }
  const inpainting = (n: number) =>
    floatTensor(
      [n, 5, 1, 2],
      Float32Array.from({ length: 10 * n }, (_, i) => 1000 + i),
    );

  it.each([
    ["one for all", "batch", 1],
    ["one for each", "batch", 2],
    ["one for all, in runs of one", 1, 1],
    ["one for each, in runs of one", 1, 2],
  ] as const)("is fed latents, mask and masked picture: %s", async (_, batch, m) => {
    const { network, fed } = await painting(batch);
    expect([network.inpaints, network.latentChannels]).toEqual([true, 4]);
    const question = call(2, 1, 2);
    const answer = await network.predict({ ...question, inpainting: inpainting(m) });
    expect(answer).toEqual(question.latents);
    const [latents, more] = [[...question.latents.data], [...inpainting(m).data]];
    expect(fed.flatMap(({ data }) => [...data])).toEqual([
      ...latents.slice(0, 8),
      ...more.slice(0, 10),
      ...latents.slice(8),
      ...more.slice(10 * (m - 1)),
    ]);
  });

  it.each([
    ["without", undefined],
    ["of another size", floatTensor([1, 5, 2, 1], new Float32Array(10))],
    ["of another count", inpainting(3)],
    ["of other channels", floatTensor([1, 4, 1, 2], new Float32Array(8))],
  ])("refuses a call %s mask and masked picture", async (_, given) => {
    const { network } = await painting();
    const question = { ...call(2, 1, 2), ...(given && { inpainting: given }) };
    const error = await network.predict(question).catch((reason) => reason);
    expect(isUnderpaintError(error, "invalid-request")).toBe(true);
    expect(error.message).toMatch(/\[1 or 2, 5, 1, 2\]/);
  });

  it("is not what takes no mask", async () => {
    const network = createNetwork(await toyNetwork({}));
    expect(network.inpaints).toBe(false);
    const asked = network.predict({ ...call(2, 1, 2), inpainting: inpainting(1) });
    await expect(asked).rejects.toThrow(/not for inpainting/);
  });
});

describe("a call that does not fit", () => {
  it.each<[string, (good: ReturnType<typeof call>) => Partial<ReturnType<typeof call>>, RegExp]>([
    ["too few states", () => ({ states: call(1).states }), /text states.*\[2, tokens, width\]/],
    [
      "latents of three axes",
      () => ({ latents: floatTensor([4, 2, 3], new Float32Array(24)) }),
      /latents/,
    ],
    [
      "latents of other channels",
      () => ({ latents: floatTensor([2, 3, 2, 2], new Float32Array(24)) }),
      /\[n, 4, height, width\]/,
    ],
    [
      "states of another width",
      () => ({ states: floatTensor([2, 2, 5], new Float32Array(20)) }),
      /\[batch, tokens, 3\]/,
    ],
  ])("is told of: %s", async (_, change, message) => {
    const network = createNetwork(await toyNetwork({}));
    const good = call(2);
    const error = await network.predict({ ...good, ...change(good) }).catch((reason) => reason);
    expect(isUnderpaintError(error, "invalid-request")).toBe(true);
    expect(error.message).toMatch(message);
  });

  it("is told of: another size than the graph is fixed to", async () => {
    const sample: Partial<Port> = { dims: ["batch", 4, 2, 3] };
    const network = createNetwork(await toyNetwork({ sample }));
    expect(network.fixedSize).toEqual({ height: 2, width: 3 });
    expect((await network.predict(call(2))).data).toEqual(expected(call(2)));
    const error = await network.predict(call(2, 4, 3)).catch((reason) => reason);
    expect(isUnderpaintError(error, "invalid-request")).toBe(true);
  });
});

describe("a latent consistency network", () => {
  /** out = sample + timestep_cond[0], by its first value. */
  const lcm = () =>
    backend.createSession({
      bytes: onnxGraph({
        inputs: [
          { name: "sample", type: "float32", dims: ["batch", 4, 1, 1] },
          { name: "timestep", type: "int64", dims: ["batch"] },
          { name: "encoder_hidden_states", type: "float32", dims: ["batch", 2, 3] },
          { name: "timestep_cond", type: "float32", dims: ["batch", 4] },
        ],
        outputs: [{ name: "out_sample", type: "float32", dims: ["batch", 4, 1, 1] }],
        constants: [{ name: "axes", dims: [2], values: BigInt64Array.of(2n, 3n) }],
        nodes: [
          { op: "Unsqueeze", inputs: ["timestep_cond", "axes"], outputs: ["cond"] },
          { op: "Add", inputs: ["sample", "cond"], outputs: ["out_sample"] },
        ],
      }),
    });
  const question = {
    latents: floatTensor([2, 4, 1, 1], Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7)),
    timestep: 3,
    states: floatTensor([2, 2, 3], new Float32Array(12)),
  };

  it("is told the guidance scale, one embedding for all entries", async () => {
    const network = createNetwork(await lcm());
    expect(network.guidanceEmbeddingSize).toBe(4);
    const guidanceEmbedding = floatTensor([1, 4], Float32Array.of(10, 20, 30, 40));
    const { data } = await network.predict({ ...question, guidanceEmbedding });
    expect([...data]).toEqual([10, 21, 32, 43, 14, 25, 36, 47]);
  });

  it("is not run without", async () => {
    const error = await createNetwork(await lcm())
      .predict(question)
      .catch((reason) => reason);
    expect(isUnderpaintError(error, "invalid-request")).toBe(true);
    expect(error.message).toMatch(/embedding of the guidance scale.*\[1, 4\] or \[2, 4\]/);
  });
});
