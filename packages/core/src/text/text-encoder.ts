import type { InferenceSession, NamedTensors, TensorSpec } from "../backend/contract.js";
import { UnderpaintError } from "../errors.js";
import { bindInputs, bindOutputs, describeSpec, type Port } from "../model/bind.js";
import { idsFeed, readFloats } from "../model/feeds.js";
import { configCount, configNumber, type JsonObject } from "../model/json.js";
import { batchEntry, type FloatTensor, tensor } from "../tensor/tensor.js";
import type { ClipTokenizer, TokenEncoding } from "./clip-tokenizer.js";
import { applyFinalNorm, type FinalNorm, fitFinalNorm } from "./final-norm.js";

/** What {@link createTextEncoder} is given. */
export interface ClipTextEncoderOptions {
  /** The session of a CLIP text encoder. It stays the caller's to dispose. */
  readonly session: InferenceSession;
  readonly tokenizer: ClipTokenizer;
  /** The component's config.json. */
  readonly config?: JsonObject;
  /** What errors call the graph; "text_encoder/model.onnx" when left out. */
  readonly graph?: string;
}

/** A prompt, encoded. */
export interface EncodedPrompt {
  /** The text states [1, tokens, width] that the denoising network attends to. */
  readonly states: FloatTensor;
  /** The state of the whole prompt [1, width], where the graph gives it. */
  readonly pooled: FloatTensor | undefined;
  /** The tokens, with what was cut off. */
  readonly tokens: TokenEncoding;
}

/** CLIP's text encoder: prompts to text states. */
export interface ClipTextEncoder {
  /** The greatest `clipSkip`: 0 where the graph gives no hidden states. */
  readonly maxClipSkip: number;
  /**
   * Encodes one prompt in one run, so that its states depend on nothing else.
   *
   * @param options.clipSkip How many of the last layers are left out, as diffusers counts: 0 (or
   * left out) none, 1 the last. The final layer norm is applied in any case.
   * @throws UnderpaintError `invalid-request` for a `clipSkip` out of range, `model-unsupported`
   * where the graph has no hidden states for it, `model-invalid` where graph, tokenizer and config
   * do not fit together.
   */
  encode(prompt: string, options?: { readonly clipSkip?: number }): Promise<EncodedPrompt>;
}

const inputs = {
  ids: {
    names: ["input_ids", "tokens", "text_input_ids", "ids"],
    ranks: [2],
    elements: "integer",
    meaning: "token ids, integer [batch, tokens]",
  },
} as const satisfies Record<string, Port>;

const optionalInputs = {
  mask: {
    names: ["attention_mask"],
    ranks: [2],
    elements: "number",
    meaning: "which tokens count, [batch, tokens]",
  },
} as const satisfies Record<string, Port>;

const outputs = {
  states: {
    names: ["last_hidden_state", "text_embeddings", "encoder_hidden_states", "prompt_embeds"],
    ranks: [3],
    elements: "float",
    meaning: "text states, float [batch, tokens, width]",
  },
} as const satisfies Record<string, Port>;

const optionalOutputs = {
  pooled: {
    names: ["pooler_output", "text_embeds", "pooled_output", "pooled_prompt_embeds"],
    ranks: [2],
    elements: "float",
    meaning: "the state of the whole prompt, float [batch, width]",
  },
} as const satisfies Record<string, Port>;

const largestBatch = 64;
// Half precision leaves about 1e-3; what is no layer norm leaves far more than this.
const largestResidual = 1e-2;

/**
 * A text encoder over a graph, whose names, types and fixed sizes are read off the graph: ids as
 * int32 or int64, an attention mask if it wants one, states in single or half precision.
 *
 * As in diffusers, an attention mask is all ones, the padding included, unless the config has
 * `use_attention_mask`. A graph that was exported for a batch of several is given the prompt as
 * often; one that was exported for another length gets prompts of that length.
 *
 * @throws UnderpaintError `model-invalid` for a graph that is no text encoder, listing what it has.
 */
export function createTextEncoder({
  session,
  tokenizer,
  config = {},
  graph = "text_encoder/model.onnx",
}: ClipTextEncoderOptions): ClipTextEncoder {
  const { ids: idsSpec, mask: maskSpec } = bindInputs(
    graph,
    session.inputs,
    inputs,
    optionalInputs,
  );
  const { states: statesSpec, pooled: pooledSpec } = bindOutputs(
    graph,
    session.outputs,
    outputs,
    optionalOutputs,
  );
  const hiddenSpecs = findHiddenStates(session.outputs);
  const maxClipSkip = Math.max(0, hiddenSpecs.length - 1);
  const { batch, length } = sizesOf(graph, idsSpec, tokenizer, config);
  const vocabularySize = configCount(config, "vocab_size");
  const epsilon =
    configNumber(config, "layer_norm_eps", "a number above 0", (value) => value > 0) ?? 1e-5;

  /** One run; gives the outputs of these specs for the first entry of the batch. */
  const run = async (
    { ids, used }: { ids: Int32Array; used: number },
    specs: readonly TensorSpec[],
  ): Promise<readonly FloatTensor[]> => {
    const rows = (row: Int32Array) => {
      const all = new Int32Array(batch * length);
      for (let i = 0; i < batch; i++) all.set(row, i * length);
      return tensor("int32", [batch, length], all);
    };
    const ones = config.use_attention_mask === true ? used : length;
    const feeds: NamedTensors = {
      [idsSpec.name]: idsFeed(graph, idsSpec, rows(ids)),
      ...(maskSpec && {
        [maskSpec.name]: idsFeed(graph, maskSpec, rows(new Int32Array(length).fill(1, 0, ones))),
      }),
    };
    const results = await session.run(feeds, { outputs: specs.map((spec) => spec.name) });
    return Promise.all(
      specs.map(async (spec) => {
        const all = await readFloats(results[spec.name]!);
        checkResult(graph, spec, all.dims, spec === pooledSpec ? [batch] : [batch, length]);
        return batchEntry(all, 0);
      }),
    );
  };

  /**
   * The final layer norm's parameters lie in the graph's weights, out of reach; but the graph's
   * last hidden states and its text states are what goes in and comes out. They are taken from
   * tokens of its own, not from a prompt's, so that no request depends on an earlier one.
   */
  const recoverFinalNorm = async (): Promise<FinalNorm> => {
    const probe = { ids: probeIds(tokenizer, length, vocabularySize), used: length };
    const [hidden, normed] = await run(probe, [hiddenSpecs.at(-1)!, statesSpec]);
    const { norm, residual } = fitFinalNorm(hidden!, normed!, epsilon);
    const untouched = hidden!.data.every((value, i) => value === normed!.data[i]);
    if (residual <= largestResidual && !untouched) return norm;
    throw new UnderpaintError({
      code: "model-unsupported",
      what: `the hidden states of ${graph} do not lead to its ${statesSpec.name} by a layer norm, so clipSkip cannot be honoured`,
      value: untouched ? "the last of them are normed already" : `${residual.toFixed(3)} is left`,
      remedy: "leave clipSkip out, or export the text encoder with the hidden states of all layers",
    });
  };
  let finalNorm: Promise<FinalNorm> | undefined;
  const finalNormOnce = (): Promise<FinalNorm> => {
    finalNorm ??= recoverFinalNorm().catch((error: unknown) => {
      finalNorm = undefined;
      throw error;
    });
    return finalNorm;
  };

  const checkClipSkip = (clipSkip: number): void => {
    if (clipSkip === 0) return;
    const isCount = Number.isInteger(clipSkip) && clipSkip > 0;
    if (isCount && maxClipSkip === 0) {
      throw new UnderpaintError({
        code: "model-unsupported",
        what: `${graph} gives no hidden states, so clipSkip cannot be honoured`,
        value: clipSkip,
        allowed: "0",
        remedy:
          "leave clipSkip out, or export the text encoder with output_hidden_states, as hidden_states.0 and on",
      });
    }
    if (!isCount || clipSkip > maxClipSkip) {
      throw new UnderpaintError({
        code: "invalid-request",
        what: "clipSkip is not a number of layers that can be left out",
        value: clipSkip,
        allowed: `a whole number from 0 to ${maxClipSkip}`,
        remedy: "leave it out for none",
      });
    }
  };

  return {
    maxClipSkip,
    async encode(prompt, { clipSkip = 0 } = {}) {
      checkClipSkip(clipSkip);
      const tokens = tokenizer.encode(prompt, { maxLength: length });
      checkIds(graph, tokens.ids, vocabularySize);
      const spec = clipSkip === 0 ? statesSpec : hiddenSpecs[hiddenSpecs.length - 1 - clipSkip]!;
      const norm = clipSkip === 0 ? undefined : await finalNormOnce();
      const used = Math.min(length, tokens.tokenCount + 2);
      const [states, pooled] = await run(
        { ids: tokens.ids, used },
        pooledSpec ? [spec, pooledSpec] : [spec],
      );
      return { states: norm ? applyFinalNorm(norm, states!) : states!, pooled, tokens };
    },
  };
}

/** The outputs hidden_states.0 to .N, in order; none unless all are there. */
function findHiddenStates(specs: readonly TensorSpec[]): readonly TensorSpec[] {
  const found = new Map<number, TensorSpec>();
  for (const spec of specs) {
    const index = /^hidden_states?[._](\d{1,3})$/.exec(spec.name)?.[1];
    if (index !== undefined) found.set(Number(index), spec);
  }
  const inOrder = Array.from({ length: found.size }, (_, index) => found.get(index));
  return inOrder.every((spec) => spec !== undefined) ? (inOrder as TensorSpec[]) : [];
}

/** How many rows of how many tokens the graph is given. */
function sizesOf(
  graph: string,
  spec: TensorSpec,
  tokenizer: ClipTokenizer,
  config: JsonObject,
): { batch: number; length: number } {
  const [rows, columns] = spec.dims;
  const batch = typeof rows === "number" ? rows : 1;
  const positions = configCount(config, "max_position_embeddings") ?? Number.POSITIVE_INFINITY;
  const length = typeof columns === "number" ? columns : Math.min(tokenizer.maxLength, positions);
  const longest = Math.min(positions, 4096);
  if (batch < 1 || batch > largestBatch || length < 2 || length > longest) {
    throw new UnderpaintError({
      code: "model-invalid",
      what: `${graph} is made for a shape that prompts cannot have`,
      value: describeSpec(spec),
      allowed: `1 to ${largestBatch} prompts of 2 to ${longest} tokens`,
    });
  }
  return { batch, length };
}

function checkIds(graph: string, ids: Int32Array, vocabularySize: number | undefined): void {
  if (vocabularySize === undefined) return;
  const strange = ids.find((id) => id >= vocabularySize);
  if (strange === undefined) return;
  throw new UnderpaintError({
    code: "model-invalid",
    what: `the tokenizer gives a token that ${graph} does not have`,
    value: strange,
    allowed: `ids below ${vocabularySize}, the config's vocab_size`,
    remedy: "use the tokenizer that belongs to the model",
  });
}

function checkResult(
  graph: string,
  spec: TensorSpec,
  dims: readonly number[],
  expected: readonly number[],
): void {
  if (dims.length === expected.length + 1 && expected.every((size, i) => size === dims[i])) return;
  throw new UnderpaintError({
    code: "model-invalid",
    what: `${graph} gives ${spec.name} in a shape that is no text encoder's`,
    value: dims,
    allowed: `[${expected.join(", ")}, width]`,
  });
}

/** Tokens from all over the vocabulary, between the markers: always the same. */
function probeIds(
  tokenizer: ClipTokenizer,
  length: number,
  vocabularySize = tokenizer.vocabularySize,
): Int32Array {
  const size = Math.min(vocabularySize, tokenizer.vocabularySize);
  const ids = new Int32Array(length);
  // A linear congruential generator (Numerical Recipes' constants) spreads them.
  for (let i = 0, state = 1; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    ids[i] = Math.floor((state / 2 ** 32) * size);
  }
  ids[0] = tokenizer.beginTokenId;
  ids[length - 1] = tokenizer.endTokenId;
  return ids;
}
