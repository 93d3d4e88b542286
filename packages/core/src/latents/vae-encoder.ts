import type { InferenceSession, TensorSpec } from "../backend/contract.js";
import { UnderpaintError } from "../errors.js";
import { inBatches, sliceBatch } from "../model/batches.js";
import { bindInputs, bindOutputs, type Port } from "../model/bind.js";
import { floatFeed, readFloats } from "../model/feeds.js";
import type { JsonObject } from "../model/json.js";
import { type FloatTensor, sameDims, zeros } from "../tensor/tensor.js";
import { latentChannelsOf, latentScaling } from "./scaling.js";

/** How a picture's latents are chosen. */
export interface EncodeOptions {
  /** `sample` draws from the distribution that the encoder gives, `mean` takes its middle. */
  readonly mode: "sample" | "mean";
  /** Normals of the latents' shape; asked for once, in mode `sample` alone. */
  readonly noise?: () => FloatTensor;
}

/** Makes latents of pictures. */
export interface VaeEncoder {
  /**
   * Latents [n, channels, h, w], as the network works with them, of pictures [n, 3, H, W] from
   * −1 to 1.
   *
   * @throws UnderpaintError `invalid-request` for shapes that the graph does not take, and for mode
   * `sample` without noise.
   */
  encode(pictures: FloatTensor, options: EncodeOptions): Promise<FloatTensor>;
  readonly latentChannels: number;
  /**
   * Whether the graph draws its sample itself, as older exports do: then `mode` and `noise` are
   * without effect, and no seed makes the same latents again.
   */
  readonly samplesInside: boolean;
}

const inputs = {
  picture: {
    names: ["sample", "images", "image", "pixel_values"],
    ranks: [4],
    elements: "float",
    meaning: "a picture, float [batch, 3, height, width]",
  },
} as const satisfies Record<string, Port>;

const outputs = {
  latents: {
    names: ["latent_parameters", "latent_sample", "latent", "latents", "moments", "output"],
    ranks: [4],
    elements: "float",
    meaning: "mean and log-variance, float [batch, 2 · channels, height, width]",
  },
} as const satisfies Record<string, Port>;

/**
 * A {@link VaeEncoder} over the session of a VAE's encoder.
 *
 * The graph gives mean and log-variance of a Gaussian for each latent (Kingma and Welling,
 * Auto-Encoding Variational Bayes, arXiv 1312.6114); latents = mean + exp(logvar / 2) · noise.
 *
 * @param config the component's config.json: see {@link latentScaling}.
 * @param graph what errors call the graph.
 * @throws UnderpaintError `model-invalid` for a graph whose inputs are not known, or a config that
 * cannot be.
 */
export function createVaeEncoder(
  session: InferenceSession,
  config: JsonObject = {},
  graph = "vae_encoder/model.onnx",
): VaeEncoder {
  const { picture: input } = bindInputs(graph, session.inputs, inputs);
  const { latents: output } = bindOutputs(graph, session.outputs, outputs);
  const scaling = latentScaling(config);
  const latentChannels = latentChannelsOf(config);
  const samplesInside = drawsItself(output, latentChannels);
  const [batch] = input.dims;
  const fixedBatch = typeof batch === "number" ? batch : undefined;
  const channels = samplesInside ? latentChannels : 2 * latentChannels;

  return {
    latentChannels,
    samplesInside,
    async encode(pictures, { mode, noise }) {
      const [n = 0, colours] = pictures.dims;
      if (pictures.dims.length !== 4 || colours !== 3 || n < 1) {
        throw invalid("the pictures to encode have another shape", pictures.dims, "[n, 3, H, W]");
      }
      if (mode === "sample" && !noise && !samplesInside) {
        throw invalid('encoding in mode "sample" needs noise', noise, 'noise, or mode "mean"');
      }
      const given = await inBatches(n, fixedBatch, async (from, count) => {
        const feed = floatFeed(graph, input, sliceBatch(pictures, from, count));
        const results = await session.run({ [input.name]: feed }, { outputs: [output.name] });
        const found = await readFloats(results[output.name]!);
        if (found.dims.length === 4 && found.dims[0] === count && found.dims[1] === channels) {
          return found;
        }
        throw new UnderpaintError({
          code: "inference-failed",
          what: `${graph} gave no latents`,
          value: found.dims,
          allowed: `[${count}, ${channels}, height, width]`,
        });
      });
      if (samplesInside) return scaling.fromVae(given);
      return scaling.fromVae(drawn(given, mode === "sample" ? noise : undefined));
    },
  };
}

/** Whether the output is latents rather than the parameters of their distribution. */
function drawsItself({ name, dims }: TensorSpec, latentChannels: number): boolean {
  const channels = dims[1];
  if (typeof channels === "number") return channels === latentChannels;
  return /sample|^latents?$/.test(name);
}

/** mean + exp(logvar / 2) · noise, each rounded to float32; the mean alone without noise. */
function drawn(parameters: FloatTensor, noise: (() => FloatTensor) | undefined): FloatTensor {
  const { fround } = Math;
  const [n = 0, channels = 0, height = 0, width = 0] = parameters.dims;
  const out = zeros("float32", [n, channels / 2, height, width]);
  const size = out.data.length / Math.max(1, n);
  const normals = noise?.();
  if (normals && !sameDims(normals, out)) {
    throw invalid(
      "the noise to encode with has another shape",
      normals.dims,
      `[${out.dims.join(", ")}]`,
    );
  }
  for (let k = 0; k < n; k++) {
    const mean = parameters.data.subarray(2 * k * size, (2 * k + 1) * size);
    const result = out.data.subarray(k * size, (k + 1) * size);
    if (!normals) {
      result.set(mean);
      continue;
    }
    const logVariance = parameters.data.subarray((2 * k + 1) * size, (2 * k + 2) * size);
    const normal = normals.data.subarray(k * size, (k + 1) * size);
    for (let i = 0; i < size; i++) {
      const bounded = Math.min(20, Math.max(-30, logVariance[i]!));
      result[i] = mean[i]! + fround(fround(Math.exp(fround(0.5 * bounded))) * normal[i]!);
    }
  }
  return out;
}

function invalid(what: string, value: unknown, allowed: string): UnderpaintError {
  return new UnderpaintError({ code: "invalid-request", what, value, allowed });
}
