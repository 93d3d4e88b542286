import type { InferenceSession } from "../backend/contract.js";
import { UnderpaintError } from "../errors.js";
import { inBatches, sliceBatch } from "../model/batches.js";
import { bindInputs, bindOutputs, type Port } from "../model/bind.js";
import { floatFeed, readFloats } from "../model/feeds.js";
import type { JsonObject } from "../model/json.js";
import type { FloatTensor } from "../tensor/tensor.js";
import { latentChannelsOf, latentScaling } from "./scaling.js";

/** Makes pictures of latents. */
export interface VaeDecoder {
  /**
   * Pictures [n, 3, H, W] of latents [n, channels, h, w] as the network works with them.
   *
   * @returns values from −1 to 1, and somewhat beyond: they are not clamped.
   * @throws UnderpaintError `invalid-request` for shapes that the graph does not take.
   */
  decode(latents: FloatTensor): Promise<FloatTensor>;
  readonly latentChannels: number;
  /** The size, in latents, that the graph was exported for; an axis that takes any is undefined. */
  readonly fixedSize: { readonly height: number | undefined; readonly width: number | undefined };
}

const inputs = {
  latents: {
    names: ["latent_sample", "latent", "latents", "sample", "z"],
    ranks: [4],
    elements: "float",
    meaning: "latents, float [batch, channels, height, width]",
  },
} as const satisfies Record<string, Port>;

const outputs = {
  picture: {
    names: ["sample", "images", "image", "output"],
    ranks: [4],
    elements: "float",
    meaning: "a picture, float [batch, 3, height, width]",
  },
} as const satisfies Record<string, Port>;

/**
 * A {@link VaeDecoder} over the session of a VAE's decoder.
 *
 * @param config the component's config.json: see {@link latentScaling}.
 * @param graph what errors call the graph.
 * @throws UnderpaintError `model-invalid` for a graph whose inputs are not known, or a config that
 * cannot be.
 */
export function createVaeDecoder(
  session: InferenceSession,
  config: JsonObject = {},
  graph = "vae_decoder/model.onnx",
): VaeDecoder {
  const { latents: input } = bindInputs(graph, session.inputs, inputs);
  const { picture: output } = bindOutputs(graph, session.outputs, outputs);
  const scaling = latentScaling(config);
  const [batch, channels, height, width] = input.dims;
  const fixedBatch = typeof batch === "number" ? batch : undefined;
  const latentChannels = typeof channels === "number" ? channels : latentChannelsOf(config);

  return {
    latentChannels,
    fixedSize: {
      height: typeof height === "number" ? height : undefined,
      width: typeof width === "number" ? width : undefined,
    },
    async decode(latents) {
      const [n = 0, found] = latents.dims;
      if (latents.dims.length !== 4 || found !== latentChannels || n < 1) {
        throw new UnderpaintError({
          code: "invalid-request",
          what: "the latents to decode have another shape",
          value: latents.dims,
          allowed: `[n, ${latentChannels}, height, width]`,
        });
      }
      const z = scaling.toVae(latents);
      return inBatches(n, fixedBatch, async (from, count) => {
        const feed = floatFeed(graph, input, sliceBatch(z, from, count));
        const results = await session.run({ [input.name]: feed }, { outputs: [output.name] });
        const picture = await readFloats(results[output.name]!);
        if (picture.dims.length === 4 && picture.dims[0] === count && picture.dims[1] === 3) {
          return picture;
        }
        throw new UnderpaintError({
          code: "inference-failed",
          what: `${graph} gave no pictures`,
          value: picture.dims,
          allowed: `[${count}, 3, height, width]`,
        });
      });
    },
  };
}
