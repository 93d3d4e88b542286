import type { InferenceSession } from "../backend/contract.js";
import { createLatentPreview, type LatentPreview } from "../latents/preview.js";
import { latentChannelsOf, vaeScaleFactor } from "../latents/scaling.js";
import { createVaeDecoder, type VaeDecoder } from "../latents/vae-decoder.js";
import { createVaeEncoder, type VaeEncoder } from "../latents/vae-encoder.js";
import { configCount, type JsonObject } from "../model/json.js";
import type { ComponentName, ModelManifest } from "../model/manifest.js";
import { type ModelOptions, openModel } from "../model/model.js";
import { createNetwork, type Network } from "../model/network.js";
import { type KnownWords, readKnownWords } from "../model/words.js";
import type { NoiseModel } from "../sampling/noise-model.js";
import { noiseModelFromConfig } from "../sampling/noise-model-config.js";
import { type ClipTextEncoder, createTextEncoder } from "../text/text-encoder.js";
import { loadTokenizer } from "./tokenizer.js";
import type { RequestDefaults } from "./validate.js";

/** A model's parts as a request needs them, each loaded when it is first asked for. */
export interface ModelParts {
  readonly manifest: ModelManifest;
  readonly noiseModel: NoiseModel;
  readonly defaults: RequestDefaults;
  /** Whether the network takes the guidance scale as an input. */
  readonly embedsGuidance: boolean;
  /** Whether the network's config says that it is for inpainting: see {@link Network.inpaints}. */
  readonly inpaints: boolean;
  /** Pixels whose multiples as sides every level of the network can halve. */
  readonly networkMultiple: number;
  /** [channels, height, width] of the latents of a picture of this size in pixels. */
  latentDims(width: number, height: number): readonly number[];
  /** The words that a small model says it knows. */
  knownWords(signal?: AbortSignal): Promise<KnownWords | undefined>;
  textEncoder(signal?: AbortSignal): Promise<ClipTextEncoder>;
  network(signal?: AbortSignal): Promise<Network>;
  vaeEncoder(signal?: AbortSignal): Promise<VaeEncoder>;
  vaeDecoder(signal?: AbortSignal): Promise<VaeDecoder>;
  /** A small picture of picture `index` of clean latents [n, channels, height, width]. */
  readonly preview: LatentPreview;
  unload(component?: ComponentName): Promise<void>;
  dispose(): Promise<void>;
}

/**
 * Opens a model: reads its manifest, and no weights.
 *
 * @throws UnderpaintError as {@link openModel} does, and for configs that cannot be.
 */
export async function openParts(options: ModelOptions): Promise<ModelParts> {
  const model = await openModel(options);
  const { manifest } = model;
  const { text_encoder, unet, vae_decoder, vae_encoder } = manifest.components;
  const scale = vaeScaleFactor(vae_decoder.config);
  const channels = latentChannelsOf(vae_decoder.config);
  const readTokenizer = once((signal) => loadTokenizer(model, signal));

  /** What wraps a component's session, made once for as long as the session lives. */
  function part<T>(
    name: ComponentName,
    wrap: (session: InferenceSession, signal?: AbortSignal) => T | Promise<T>,
  ): (signal?: AbortSignal) => Promise<T> {
    const made = new WeakMap<InferenceSession, T>();
    return async (signal) => {
      const session = await model.session(name, signal && { signal });
      let found = made.get(session);
      if (found === undefined) {
        found = await wrap(session, signal);
        made.set(session, found);
      }
      return found;
    };
  }

  const vaeDecoder = part("vae_decoder", (session) =>
    createVaeDecoder(session, vae_decoder.config),
  );

  const networkMultiple = scale * 2 ** (levelsOf(unet.config) - 1);

  return {
    manifest,
    noiseModel: noiseModelFromConfig(manifest.scheduler),
    defaults: {
      ...defaultSize(unet.config, scale),
      steps: 20,
      guidanceScale: 7.5,
      ...manifest.defaults,
      sizeMultiple: scale,
      paddingMultiple: networkMultiple,
    },
    embedsGuidance: configCount(unet.config, "time_cond_proj_dim") !== undefined,
    inpaints: configCount(unet.config, "in_channels") === 2 * channels + 1,
    networkMultiple,
    latentDims: (width, height) => [channels, height / scale, width / scale],
    knownWords: once((signal) => readKnownWords(model.source, signal)),
    textEncoder: part("text_encoder", async (session, signal) =>
      createTextEncoder({
        session,
        tokenizer: await readTokenizer(signal),
        config: text_encoder.config,
      }),
    ),
    network: part("unet", (session) => createNetwork(session, unet.config)),
    vaeEncoder: part("vae_encoder", (session) => createVaeEncoder(session, vae_encoder?.config)),
    vaeDecoder,
    preview: createLatentPreview(vae_decoder.config, () => vaeDecoder()),
    unload: (component) => model.unload(component),
    dispose: () => model.dispose(),
  };
}

/** Reads at the first call, and again only where that failed. */
function once<T>(read: (signal?: AbortSignal) => Promise<T>): (signal?: AbortSignal) => Promise<T> {
  let reading: Promise<T> | undefined;
  return (signal) => {
    reading ??= read(signal).catch((error: unknown) => {
      reading = undefined;
      throw error;
    });
    return reading;
  };
}

/** The network's levels, each of half the size of the one before: 4 where its config does not tell. */
function levelsOf({ block_out_channels: channels }: JsonObject): number {
  return Array.isArray(channels) ? Math.min(8, Math.max(1, channels.length)) : 4;
}

/** The size that the network was trained for; 512 pixels where its config does not tell. */
function defaultSize(config: JsonObject, scale: number): { width: number; height: number } {
  const { sample_size: size } = config;
  const [height, width] = Array.isArray(size) ? size : [size, size];
  const pixels = (latents: unknown): number =>
    Number.isSafeInteger(latents) && (latents as number) > 0 ? (latents as number) * scale : 512;
  return { width: pixels(width), height: pixels(height) };
}
