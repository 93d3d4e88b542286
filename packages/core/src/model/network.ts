import type { InferenceSession, NamedTensors, TensorSpec } from "../backend/contract.js";
import { UnderpaintError } from "../errors.js";
import type { ResidualPort } from "../graph/controllable.js";
import { type FloatTensor, type Tensor, zeros } from "../tensor/tensor.js";
import { inBatches, sliceBatch } from "./batches.js";
import { type Bound, bindInputs, bindOutputs, describeSpec, type Port } from "./bind.js";
import { floatFeed, readFloats, timestepFeed } from "./feeds.js";
import { configCount, type JsonObject } from "./json.js";
import { networkInputs } from "./network-inputs.js";

/** One question to the network. */
export interface NetworkCall {
  /** [n, channels, height, width], scaled as the network wants it. */
  readonly latents: FloatTensor;
  /** On the model's training scale, mostly 0 to 1000; may be fractional. */
  readonly timestep: number;
  /**
   * The text states [n, tokens, width]. Not to be written to afterwards: where the graph takes
   * halves, they are kept for the next call with the same tensor.
   */
  readonly states: FloatTensor;
  /** [1 or n, {@link Network.guidanceEmbeddingSize}], for the networks that have one. */
  readonly guidanceEmbedding?: FloatTensor;
  /**
   * [1 or n, 1 + channels, height, width], for the networks that paint: the mask, 1 = made anew,
   * and the latents of the picture without what is masked.
   */
  readonly inpainting?: FloatTensor;
  /**
   * What controls add, by the names of the network's inputs for it; those that are left out add
   * nothing. Not where the graph's fixed batch has to be filled up.
   */
  readonly residuals?: NamedTensors;
}

/** A denoising network: a UNet whose graph's names, types and ranks are settled. */
export interface Network {
  /**
   * Runs the network, in several runs where its graph has a fixed batch.
   *
   * @returns its raw output (noise, velocity or picture), [n, latentChannels, height, width].
   * @throws UnderpaintError `invalid-request` for shapes that the graph does not take.
   */
  predict(call: NetworkCall): Promise<FloatTensor>;
  readonly latentChannels: number;
  /** The width of the text states that it takes; undefined where its graph takes any. */
  readonly textWidth: number | undefined;
  /** Whether it was trained for inpainting, with a mask and a masked picture beside the latents. */
  readonly inpaints: boolean;
  /** The batch that the graph was exported for; undefined where it takes any. */
  readonly fixedBatch: number | undefined;
  /** The size, in latents, that the graph was exported for; an axis that takes any is undefined. */
  readonly fixedSize: { readonly height: number | undefined; readonly width: number | undefined };
  /** Set for latent consistency models: see {@link guidanceEmbedding}. */
  readonly guidanceEmbeddingSize: number | undefined;
}

const optionalInputs = {
  guidanceEmbedding: {
    names: ["timestep_cond"],
    ranks: [2],
    elements: "float",
    meaning: "an embedding of the guidance scale, float [batch, size]",
  },
} as const satisfies Record<string, Port>;

const outputs = {
  prediction: {
    names: ["out_sample", "noise_pred", "latent", "sample", "output"],
    ranks: [4],
    elements: "float",
    meaning: "the prediction, float [batch, channels, height, width]",
  },
} as const satisfies Record<string, Port>;

/** Inputs of networks that are recognised, and not supported yet. */
const unsupported: readonly (readonly [name: RegExp, reason: string])[] = [
  [/^(text_embeds|time_ids)$/, "a network of Stable Diffusion XL"],
  [/^(down_block_|mid_block_|down_intrablock)|^controlnet_/, "a network that needs a ControlNet"],
  [/^class_labels$/, "an upscaler or another network with class labels"],
  [/^pooled_projections$/, "a transformer of Stable Diffusion 3 or Flux"],
];

/**
 * A {@link Network} over the session of a UNet.
 *
 * @param config the component's config.json; used for what the graph does not say.
 * @param graph what errors call the graph.
 * @param ports the inputs that are for controls, of a graph that has such.
 * @throws UnderpaintError `model-invalid` for a graph whose inputs are not known, listing them;
 * `model-unsupported` for networks of other families, and those that need more than latents and
 * text.
 */
export function createNetwork(
  session: InferenceSession,
  config: JsonObject = {},
  graph = "unet/model.onnx",
  ports: readonly ResidualPort[] = [],
): Network {
  const forControls = new Set(ports.map(({ name }) => name));
  const specs = session.inputs.filter(({ name }) => !forControls.has(name));
  for (const spec of specs) {
    const reason = unsupported.find(([name]) => name.test(spec.name))?.[1];
    if (reason) throw notSupported(`${graph} is ${reason}, which is not supported yet`, spec);
  }
  const bound = bindInputs(graph, specs, networkInputs, optionalInputs);
  const nothing = nothingAdded(session.inputs, ports);
  const { prediction } = bindOutputs(graph, session.outputs, outputs);

  const inChannels = fixed(bound.latents, 1) ?? configCount(config, "in_channels") ?? 4;
  const latentChannels = fixed(prediction, 1) ?? configCount(config, "out_channels") ?? inChannels;
  const inpaints = inChannels === 2 * latentChannels + 1;
  if (inChannels !== latentChannels && !inpaints) {
    throw notSupported(
      `${graph} takes ${inChannels} channels and gives ${latentChannels}, which is not supported yet`,
      bound.latents,
    );
  }
  const fixedBatch =
    fixed(bound.latents, 0) ?? fixed(bound.states, 0) ?? severalTimesteps(bound.timestep);
  const guidanceEmbeddingSize = bound.guidanceEmbedding
    ? (fixed(bound.guidanceEmbedding, 1) ?? configCount(config, "time_cond_proj_dim") ?? 256)
    : undefined;

  // The same at every step of a run, and the largest input by far.
  const statesFed = new WeakMap<FloatTensor, Tensor>();

  function statesFeed(states: FloatTensor): Tensor {
    let fed = statesFed.get(states);
    if (!fed) {
      fed = floatFeed(graph, bound.states, states);
      statesFed.set(states, fed);
    }
    return fed;
  }

  async function run(call: NetworkCall): Promise<FloatTensor> {
    const { latents, timestep, states, inpainting, residuals } = call;
    const [n = 0, , height, width] = latents.dims;
    const sample = inpainting ? besideLatents(latents, inpainting) : latents;
    const feeds = {
      [bound.latents.name]: floatFeed(graph, bound.latents, sample),
      [bound.timestep.name]: timestepFeed(bound.timestep, timestep, n, bound.latents.dims[0]),
      [bound.states.name]: statesFeed(states),
      ...(bound.guidanceEmbedding && {
        [bound.guidanceEmbedding.name]: floatFeed(
          graph,
          bound.guidanceEmbedding,
          call.guidanceEmbedding!,
        ),
      }),
      ...nothing(latents.dims, residuals),
      ...residuals,
    };
    const results = await session.run(feeds, { outputs: [prediction.name] });
    const output = await readFloats(results[prediction.name]!);
    const dims = [n, latentChannels, height, width];
    if (output.dims.length !== 4 || output.dims.some((size, axis) => size !== dims[axis])) {
      throw new UnderpaintError({
        code: "inference-failed",
        what: `${graph} answered with another shape than its latents have`,
        value: output.dims,
        allowed: `[${dims.join(", ")}]`,
      });
    }
    return output;
  }

  return {
    latentChannels,
    textWidth: fixed(bound.states, 2),
    inpaints,
    fixedBatch,
    fixedSize: { height: fixed(bound.latents, 2), width: fixed(bound.latents, 3) },
    guidanceEmbeddingSize,
    async predict(call) {
      checkInpainting(call, inpaints, latentChannels);
      const checked = checkedCall(call, bound, latentChannels, guidanceEmbeddingSize);
      if (call.residuals && fixedBatch !== undefined && fixedBatch !== call.latents.dims[0]) {
        throw notSupported(
          `${graph} was exported for ${fixedBatch} entries at once, which controls cannot fill up`,
          bound.latents,
        );
      }
      return inBatches(checked.latents.dims[0]!, fixedBatch, (from, count) =>
        run(sliceCall(checked, from, count)),
      );
    },
  };
}

function notSupported(what: string, spec: TensorSpec): UnderpaintError {
  return new UnderpaintError({
    code: "model-unsupported",
    what: `${what} (input ${describeSpec(spec)})`,
    allowed: "a network that takes latents, a timestep and text states",
  });
}

/** An axis's size where the graph fixes it. */
function fixed(spec: TensorSpec, axis: number): number | undefined {
  const size = spec.dims[axis];
  return typeof size === "number" ? size : undefined;
}

/** A graph with two timesteps or more was exported for that batch, whatever its other axes say. */
function severalTimesteps(spec: TensorSpec): number | undefined {
  const count = fixed(spec, 0);
  return count !== undefined && count > 1 ? count : undefined;
}

/** The call with a guidance embedding for each entry; throws where its parts do not go together. */
function checkedCall(
  call: NetworkCall,
  bound: Bound<keyof typeof networkInputs, keyof typeof optionalInputs>,
  channels: number,
  embeddingSize: number | undefined,
): NetworkCall {
  const { latents, states, guidanceEmbedding } = call;
  const n = latents.dims[0] ?? 0;
  if (latents.dims.length !== 4 || latents.dims[1] !== channels || n < 1) {
    throw invalid(
      "the network's latents have another shape",
      latents.dims,
      `[n, ${channels}, height, width]`,
    );
  }
  if (states.dims.length !== 3 || states.dims[0] !== n) {
    throw invalid(
      "the network's text states have another shape",
      states.dims,
      `[${n}, tokens, width]`,
    );
  }
  if (!bound.guidanceEmbedding) return call;
  const size = embeddingSize!;
  if (!guidanceEmbedding || guidanceEmbedding.dims[1] !== size) {
    throw invalid(
      "this network needs an embedding of the guidance scale",
      guidanceEmbedding?.dims,
      `[1, ${size}] or [${n}, ${size}]`,
    );
  }
  if (guidanceEmbedding.dims[0] === n) return call;
  const repeated = zeros("float32", [n, size]);
  for (let k = 0; k < n; k++) repeated.data.set(guidanceEmbedding.data.subarray(0, size), k * size);
  return { ...call, guidanceEmbedding: repeated };
}

/** Throws where what a network for inpainting needs is missing, or another is given it. */
function checkInpainting(
  { latents, inpainting }: NetworkCall,
  inpaints: boolean,
  channels: number,
): void {
  if (!inpaints && !inpainting) return;
  const [n = 0, , height, width] = latents.dims;
  const [m, ...rest] = inpainting?.dims ?? [];
  const fits = (m === 1 || m === n) && rest.join() === [1 + channels, height, width].join();
  if (inpaints && inpainting && fits) return;
  throw invalid(
    inpaints
      ? "this network is for inpainting: it needs a mask and the masked picture's latents"
      : "this network is not for inpainting: it takes no mask",
    inpainting?.dims,
    inpaints ? `[1 or ${n}, ${1 + channels}, ${height}, ${width}]` : "latents alone",
  );
}

/**
 * Zeros for inputs that nothing is added through: `[1, channels, 1, 1]` where the graph lets them
 * be so small, kept for the next call.
 */
function nothingAdded(
  specs: readonly TensorSpec[],
  ports: readonly ResidualPort[],
): (latentDims: readonly number[], given: NamedTensors | undefined) => NamedTensors {
  const kept = new Map<string, Tensor>();
  const named = specs.flatMap(({ dims }) => [...dims]).filter((axis) => typeof axis === "string");
  // An axis whose name another has too must have its size: the runtime relies on it.
  const isFree = (axis: number | string | undefined): boolean =>
    axis === "" || named.filter((other) => other === axis).length === 1;
  return (latentDims, given = {}) => {
    const feeds: Record<string, Tensor> = {};
    for (const { name, type, dims, channels, downscale } of ports) {
      if (given[name]) continue;
      const [n = 1, , height = 1, width = 1] = latentDims;
      const whole = [n, channels, Math.ceil(height / downscale), Math.ceil(width / downscale)];
      const sizes = whole.map((size, axis) => (axis !== 1 && isFree(dims[axis]) ? 1 : size));
      const key = `${name} ${sizes.join()}`;
      let none = kept.get(key);
      if (!none) {
        none = zeros(type === "float16" ? "float16" : "float32", sizes);
        if (kept.size > 4 * ports.length) kept.clear();
        kept.set(key, none);
      }
      feeds[name] = none;
    }
    return feeds;
  };
}

/** Each entry's latents, and after them its mask and masked picture. */
function besideLatents(latents: FloatTensor, inpainting: FloatTensor): FloatTensor {
  const [n = 0, channels = 0, height = 0, width = 0] = latents.dims;
  const [entries = 0, more = 0] = inpainting.dims;
  const plane = height * width;
  const joined = zeros("float32", [n, channels + more, height, width]);
  for (let k = 0; k < n; k++) {
    const start = k * (channels + more) * plane;
    const of = entries === 1 ? 0 : k;
    joined.data.set(latents.data.subarray(k * channels * plane, (k + 1) * channels * plane), start);
    const given = inpainting.data.subarray(of * more * plane, (of + 1) * more * plane);
    joined.data.set(given, start + channels * plane);
  }
  return joined;
}

function invalid(what: string, value: unknown, allowed: string): UnderpaintError {
  return new UnderpaintError({ code: "invalid-request", what, value, allowed });
}

function sliceCall(call: NetworkCall, from: number, count: number): NetworkCall {
  return {
    timestep: call.timestep,
    latents: sliceBatch(call.latents, from, count),
    states: sliceBatch(call.states, from, count),
    ...(call.residuals && { residuals: call.residuals }),
    ...(call.inpainting && {
      inpainting:
        call.inpainting.dims[0] === 1 ? call.inpainting : sliceBatch(call.inpainting, from, count),
    }),
    ...(call.guidanceEmbedding && {
      guidanceEmbedding: sliceBatch(call.guidanceEmbedding, from, count),
    }),
  };
}
