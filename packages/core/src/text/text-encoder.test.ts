import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { readSafetensors } from "../../../../tests/support/safetensors.js";
import type { InferenceSession, NamedTensors, TensorSpec } from "../backend/contract.js";
import { createOrtBackend } from "../backend/ort.js";
import { isUnderpaintError } from "../errors.js";
import { modelFolder } from "../model/fakes/sources.js";
import { convert } from "../tensor/convert.js";
import {
  batchEntry,
  type FloatTensor,
  floatTensor,
  type Tensor,
  type TensorType,
  tensor,
} from "../tensor/tensor.js";
import { createClipTokenizer } from "./clip-tokenizer.js";
import { createTextEncoder } from "./text-encoder.js";

const backend = createOrtBackend({
  ort,
  name: "onnxruntime-node/cpu",
  sessionOptions: { logSeverityLevel: 4 },
});

const folder = new URL("../../../../fixtures/reference/", import.meta.url);
const tensorsOf = (file: string) => readSafetensors(fileURLToPath(new URL(file, folder)));

interface ReferenceCase {
  name: string;
  file: string;
  model: string;
  request: { prompt: string; negativePrompt?: string; guidanceScale: number; clipSkip?: number };
}
// Python writes a scheduler's -Infinity, which is no JSON.
const { cases } = JSON.parse(
  readFileSync(new URL("index.json", folder), "utf8").replaceAll("-Infinity", "null"),
) as { cases: ReferenceCase[] };

function tokenizerOf(model: string) {
  const read = (name: string) => readFileSync(`${modelFolder(model)}/tokenizer/${name}`, "utf8");
  return createClipTokenizer({
    vocab: read("vocab.json"),
    merges: read("merges.txt"),
    config: read("tokenizer_config.json"),
    specialTokens: read("special_tokens_map.json"),
  });
}

async function encoderOf(model: string, tokenizer = tokenizerOf(model)) {
  const path = `${modelFolder(model)}/text_encoder`;
  return createTextEncoder({
    session: await backend.createSession({ path: `${path}/model.onnx` }),
    tokenizer,
    config: JSON.parse(readFileSync(`${path}/config.json`, "utf8")),
  });
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

function floats({ dims, data }: { dims: readonly number[]; data: unknown }): FloatTensor {
  return floatTensor(dims, data as Float32Array);
}

describe("diffusers' text states", () => {
  const models = [...new Set(cases.map((each) => each.model))];

  it.each(models)("of every prompt that %s was given", async (model) => {
    const encoder = await encoderOf(model);
    const seen = new Set<string>();
    for (const { name, file, request, model: of } of cases) {
      const { prompt, negativePrompt = "", guidanceScale, clipSkip } = request;
      const key = JSON.stringify([prompt, negativePrompt, clipSkip, guidanceScale > 1]);
      if (of !== model || seen.has(key)) continue;
      seen.add(key);
      const reference = tensorsOf(file);
      const branches =
        guidanceScale > 1
          ? ([
              [negativePrompt, "negative_ids"],
              [prompt, "input_ids"],
            ] as const)
          : ([[prompt, "input_ids"]] as const);
      const expected = floats(reference.get("text_states")!);
      expect(expected.dims[0]).toBe(branches.length);
      for (const [row, [text, ids]] of branches.entries()) {
        // diffusers leaves layers out for the prompt alone, not for the negative prompt.
        const skip = ids === "input_ids" ? clipSkip : undefined;
        const { states, tokens } = await encoder.encode(text, { clipSkip: skip ?? 0 });

        expect([name, [...tokens.ids].map(BigInt)]).toEqual([
          name,
          [...(reference.get(ids)!.data as BigInt64Array)],
        ]);
        expect(relativeError(states, batchEntry(expected, row)), name).toBeLessThan(1e-5);
      }
    }
    expect(seen.size).toBeGreaterThan(0);
  });

  // The weights of all variants are those of "tiny"; half precision is right to 5e-4 an operation.
  it.each([
    ["tiny-legacy", "int32 ids", 1e-5],
    ["tiny-names", "text_embeddings", 1e-5],
    ["tiny-fp16", "float16 outputs", 5e-3],
    ["tiny-fp16-fp32io", "float16 weights", 5e-3],
  ])("of %s (%s)", async (model, _, bound) => {
    const encoder = await encoderOf(model);
    const { request, file } = cases.find((each) => each.name === "ddim-clip-sample")!;
    const expected = batchEntry(floats(tensorsOf(file).get("text_states")!), 1);
    const { states } = await encoder.encode(request.prompt);
    expect(relativeError(states, expected)).toBeLessThan(bound);
  });

  it("with layers left out, in half precision", async () => {
    const encoder = await encoderOf("tiny-fp16");
    for (const clipSkip of [1, 2]) {
      const { request, file } = cases.find((each) => each.name === `ddim-clip-skip-${clipSkip}`)!;
      const expected = batchEntry(floats(tensorsOf(file).get("text_states")!), 1);
      const { states } = await encoder.encode(request.prompt, { clipSkip });
      expect(relativeError(states, expected)).toBeLessThan(5e-3);
    }
  });

  it("and the pooled state of given ids", async () => {
    const components = tensorsOf("components.safetensors");
    const ids = components.get("text.input_ids")!.data as BigInt64Array;
    const tokenizer = tokenizerOf("tiny");
    for (const row of [0, 1]) {
      const encoder = await encoderOf("tiny", {
        ...tokenizer,
        encode: () => ({
          ids: Int32Array.from(ids.subarray(row * 77, (row + 1) * 77), Number),
          places: [],
          tokenCount: 75,
          dropped: undefined,
        }),
      });
      const { states, pooled } = await encoder.encode("");
      const expected = (name: string) => batchEntry(floats(components.get(name)!), row);
      expect(relativeError(states, expected("text.last_hidden_state"))).toBeLessThan(1e-5);
      expect(relativeError(pooled!, expected("text.pooler_output"))).toBeLessThan(1e-5);
    }
  });

  it("whatever was encoded before, and at the same time", async () => {
    const prompt = "a red apple on a wooden table";
    const [first, second] = [await encoderOf("tiny"), await encoderOf("tiny")];
    const alone = await first.encode(prompt, { clipSkip: 1 });
    await second.encode("blurry", { clipSkip: 2 });
    const [, after] = await Promise.all([
      second.encode("", { clipSkip: 1 }),
      second.encode(prompt, { clipSkip: 1 }),
    ]);
    expect(after!.states.data).toEqual(alone.states.data);
  });
});

describe("a graph's names, types and sizes", () => {
  const tokenizer = tokenizerOf("tiny");
  const width = 4;

  interface Shape {
    inputs?: readonly TensorSpec[];
    outputs?: readonly TensorSpec[];
    /** The value of an output's element, of its row, token and channel. */
    value?: (output: string, row: number, token: number, channel: number) => number;
    dims?: readonly number[];
  }

  /** A session that keeps what it is fed, and gives what `value` says. */
  function fakeSession({ inputs = [ids("int64")], outputs = [states()], value, dims }: Shape = {}) {
    const fed: NamedTensors[] = [];
    const session: InferenceSession = {
      inputs,
      outputs,
      async run(feeds, options) {
        fed.push(feeds);
        const [batch = 0, length = 0] = (feeds[inputs[0]!.name] as Tensor).dims;
        const result: Record<string, Tensor> = {};
        for (const name of options?.outputs ?? outputs.map((spec) => spec.name)) {
          const spec = outputs.find((each) => each.name === name)!;
          const shape = dims ?? [batch, ...(spec.dims.length === 2 ? [] : [length]), width];
          const tokens = shape.length === 3 ? length : 1;
          const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => {
            const [row, rest] = [Math.floor(i / (tokens * width)), i % (tokens * width)];
            return value?.(name, row, Math.floor(rest / width), rest % width) ?? row + rest / 1024;
          });
          result[name] = convert(floatTensor(shape, values), spec.type as TensorType);
        }
        return result;
      },
      async dispose() {},
    };
    return { session, fed };
  }

  function ids(type: string, dims: TensorSpec["dims"] = ["batch", "tokens"], name = "input_ids") {
    return { name, type, dims };
  }
  function states(
    name = "last_hidden_state",
    type = "float32",
    dims: TensorSpec["dims"] = ["batch", "tokens", width],
  ) {
    return { name, type, dims };
  }

  it.each(["int32", "int64"] as const)("feeds %s ids where the graph has them", async (type) => {
    const { session, fed } = fakeSession({ inputs: [ids(type, undefined, "some_ids")] });
    const { tokens } = await createTextEncoder({ session, tokenizer }).encode("a red apple");
    const expected = convert(tensor("int32", [1, 77], tokens.ids), type);
    expect(fed).toEqual([{ some_ids: expected }]);
  });

  it("takes the one output of rank 3, of whatever name, from half precision", async () => {
    const { session } = fakeSession({
      outputs: [{ name: "p", type: "float16", dims: ["batch", width] }, states("z", "float16")],
    });
    const { states: found, pooled } = await createTextEncoder({ session, tokenizer }).encode("a");
    expect(found.type).toBe("float32");
    expect(found.dims).toEqual([1, 77, width]);
    expect([...found.data.subarray(0, 3)]).toEqual([0, 1 / 1024, 2 / 1024]);
    expect(pooled).toBeUndefined();
  });

  it.each([
    [{}, 77],
    [{ use_attention_mask: true }, 6],
  ])("feeds an attention mask, with config %o of %i ones", async (config, ones) => {
    const inputs = [ids("int64"), ids("int32", undefined, "attention_mask")];
    const { session, fed } = fakeSession({ inputs });
    const { tokens } = await createTextEncoder({ session, tokenizer, config }).encode("a red, red");
    expect(tokens.tokenCount).toBe(4);
    const mask = fed[0]!.attention_mask as Tensor<"int32">;
    expect(mask.type).toBe("int32");
    expect([...mask.data]).toEqual(Array.from({ length: 77 }, (_, i) => (i < ones ? 1 : 0)));
  });

  it("repeats the prompt for a fixed batch, and gives one entry", async () => {
    const { session, fed } = fakeSession({ inputs: [ids("int32", [2, "tokens"])] });
    const encoded = await createTextEncoder({ session, tokenizer }).encode("red");
    const { dims, data } = fed[0]!.input_ids as Tensor<"int32">;
    expect(dims).toEqual([2, 77]);
    expect(data.subarray(77)).toEqual(data.subarray(0, 77));
    expect(encoded.states.dims).toEqual([1, 77, width]);
    expect(encoded.states.data[0]).toBe(0);
  });

  it("keeps to a fixed length, and to the model's positions", async () => {
    const fixed = fakeSession({ inputs: [ids("int32", ["batch", 5])] });
    const encoded = await createTextEncoder({ session: fixed.session, tokenizer }).encode(
      "red apple red apple red",
    );
    expect((fixed.fed[0]!.input_ids as Tensor).dims).toEqual([1, 5]);
    expect(encoded.states.dims).toEqual([1, 5, width]);
    expect(encoded.tokens.dropped).toBeDefined();

    const short = fakeSession();
    const config = { max_position_embeddings: 12 };
    await createTextEncoder({ session: short.session, tokenizer, config }).encode("red");
    expect((short.fed[0]!.input_ids as Tensor).dims).toEqual([1, 12]);
  });

  it("fetches no output that is not needed", async () => {
    const { session } = fakeSession({
      outputs: [states(), states("hidden_states.0"), states("hidden_states.1")],
      value: (output) => {
        if (output !== "last_hidden_state") throw new Error(`${output} was fetched`);
        return 1;
      },
    });
    const encoder = createTextEncoder({ session, tokenizer });
    expect(encoder.maxClipSkip).toBe(1);
    expect((await encoder.encode("a")).states.data.every((each) => each === 1)).toBe(true);
  });

  const layered = [states(), states("hidden_states.0"), states("hidden_states.1")];
  const wave = (row: number, token: number, channel: number) =>
    Math.sin(1 + row + 1.7 * token + 0.6 * channel * token);

  it.each([
    [
      "no inputs",
      { inputs: [] },
      {},
      "model-invalid",
      /text_encoder\/model\.onnx has no input for token ids/,
    ],
    [
      "inputs that are not known",
      { inputs: [ids("int32"), ids("float32", [1, 2, 3], "pixel_values")] },
      {},
      "model-invalid",
      /not known: pixel_values float32 \[1, 2, 3\]/,
    ],
    [
      "no text states",
      { outputs: [states("logits", "float32", ["batch", 9])] },
      {},
      "model-invalid",
      /has no output for text states.*it has logits float32/,
    ],
    [
      "a batch of thousands",
      { inputs: [ids("int32", [4096, 77])] },
      {},
      "model-invalid",
      /shape that prompts cannot have.*4096/,
    ],
    ["a length of 1", { inputs: [ids("int32", [1, 1])] }, {}, "model-invalid", /2 to 4096 tokens/],
    [
      "more tokens than positions",
      { inputs: [ids("int32", [1, 99])] },
      { max_position_embeddings: 77 },
      "model-invalid",
      /2 to 77 tokens/,
    ],
    ["a vocabulary that is too small", {}, { vocab_size: 1000 }, "model-invalid", /ids below 1000/],
    ["an epsilon of 0", {}, { layer_norm_eps: 0 }, "model-invalid", /layer_norm_eps/],
    ["results of another shape", { dims: [1, 9, width] }, {}, "model-invalid", /\[1, 9, 4\]/],
  ] as const)("refuses %s", async (_, shape, config, code, message) => {
    const run = async () =>
      createTextEncoder({ session: fakeSession(shape).session, tokenizer, config }).encode("red");
    const error = await run().catch((caught: unknown) => caught);
    expect(isUnderpaintError(error, code)).toBe(true);
    expect((error as Error).message).toMatch(message);
  });

  it.each([
    [
      "of a graph without hidden states",
      {},
      1,
      "model-unsupported",
      /gives no hidden states.*found 1.*leave clipSkip out, or export/,
    ],
    ["beyond the layers", { outputs: layered }, 2, "invalid-request", /found 2.*from 0 to 1/],
    ["that is negative", { outputs: layered }, -1, "invalid-request", /found -1/],
    ["that is no whole number", { outputs: layered }, 0.5, "invalid-request", /found 0\.5/],
    ["that is NaN", {}, Number.NaN, "invalid-request", /found NaN/],
    [
      "where the last hidden states are normed already",
      {
        outputs: layered,
        value: (_output: string, ...at: [number, number, number]) => wave(...at),
      },
      1,
      "model-unsupported",
      /by a layer norm.*normed already/,
    ],
    [
      "where the text states are not the norm of the hidden states",
      {
        outputs: layered,
        value: (output: string, ...[row, token, channel]: [number, number, number]) =>
          wave(output.length + row, token, channel),
      },
      1,
      "model-unsupported",
      /by a layer norm.*is left/,
    ],
  ] as const)("refuses a clipSkip %s", async (_, shape, clipSkip, code, message) => {
    const { session } = fakeSession(shape);
    const encoder = createTextEncoder({ session, tokenizer });
    const error = await encoder.encode("red", { clipSkip }).catch((caught: unknown) => caught);
    expect(isUnderpaintError(error, code)).toBe(true);
    expect((error as Error).message).toMatch(message);
  });
});
