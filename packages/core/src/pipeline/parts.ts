import type { InferenceSession } from "../backend/contract.js";
import type { Mixer } from "../control/mixer.js";
import { UnderpaintError } from "../errors.js";
import type { ControllableUNet } from "../graph/controllable.js";
import { createLatentPreview, type LatentPreview } from "../latents/preview.js";
import { latentChannelsOf, vaeScaleFactor } from "../latents/scaling.js";
import { createVaeDecoder, type VaeDecoder } from "../latents/vae-decoder.js";
import type { VaeEncoder } from "../latents/vae-encoder.js";
import { createGraphCache, type GraphCache } from "../model/graph-cache.js";
import { configCount, type JsonObject } from "../model/json.js";
import type { ComponentName, ModelManifest } from "../model/manifest.js";
import { type GraphVariant, type ModelOptions, openModel } from "../model/model.js";
import { createNetwork, type Network } from "../model/network.js";
import type { ModelSource } from "../model/source.js";
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
  /** How many pixels of the picture a place of the latents is wide and high. */
  readonly latentScale: number;
  /** Pixels whose multiples as sides every level of the network can halve. */
  readonly networkMultiple: number;
  /** [channels, height, width] of the latents of a picture of this size in pixels. */
  latentDims(width: number, height: number): readonly number[];
  /** The words that a small model says it knows. */
  knownWords(signal?: AbortSignal): Promise<KnownWords | undefined>;
  textEncoder(signal?: AbortSignal): Promise<ClipTextEncoder>;
  /** The network, for a look at what it is. */
  network(signal?: AbortSignal, form?: NetworkForm): Promise<Network>;
  /** The network, for the runs of a request. */
  borrowNetwork(signal: AbortSignal | undefined, form: NetworkForm): Promise<BorrowedNetwork>;
  vaeEncoder(signal?: AbortSignal): Promise<VaeEncoder>;
  vaeDecoder(signal?: AbortSignal): Promise<VaeDecoder>;
  /** A small picture of picture `index` of clean latents [n, channels, height, width]. */
  readonly preview: LatentPreview;
  /** Graphs of controls. */
  readonly graphs: GraphCache;
  /** Weighs and joins what controls give; loaded when there are any. */
  mixer(): Promise<Mixer>;
  /** Where the model is. */
  readonly source: ModelSource;
  unload(component?: ComponentName | "controls"): Promise<void>;
  dispose(): Promise<void>;
}

/**
 * What the network can be given besides latents and text: nothing, a ControlNet's residuals, or a
 * T2I-Adapter's features as well.
 */
export type NetworkForm = "plain" | "residuals" | "features";

/** A network that is in use. */
export interface BorrowedNetwork {
  readonly network: Network;
  /** Its inputs for controls; undefined where it was asked for in its plain form. */
  readonly ports: ControllableUNet | undefined;
  /** Lets go of it. */
  release(): void;
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

  const controllable = new Map<NetworkForm, ControllableUNet>();
  const networks = new WeakMap<InferenceSession, Network>();
  const portsOf = new WeakMap<InferenceSession, ControllableUNet>();
  const graphs = createGraphCache(options);
  let mixing: Mixer | undefined;
  const mixer = once(async () => {
    const { createMixer } = await import("../control/mixer.js");
    mixing = createMixer(options.backend);
    return mixing;
  });

  async function variantOf(form: Exclude<NetworkForm, "plain">): Promise<GraphVariant> {
    const { makeControllable } = await import("../graph/controllable.js");
    return {
      name: form,
      edit(graph) {
        const found = makeControllable(graph, { features: form === "features" });
        controllable.set(form, found);
        return found.edits;
      },
    };
  }

  /** Zeros as residuals change nothing, to the bit: a network that takes them is a plain one too. */
  const borrowNetwork: ModelParts["borrowNetwork"] = async (signal, form) => {
    const { session, release } = await model.borrow("unet", {
      ...(form === "plain" ? { orVariants: ["residuals"] } : { variant: await variantOf(form) }),
      ...(signal && { signal }),
    });
    try {
      const ports = portsOf.get(session) ?? controllable.get(form);
      if (!ports && session.inputs.some(({ name }) => residualInput.test(name))) {
        // The export has such inputs of its own: what they are is read off its graph.
        release();
        return await borrowNetwork(signal, "residuals");
      }
      let network = networks.get(session);
      if (!network) {
        const all = ports && [...ports.down, ports.mid, ...ports.encoder];
        network = createNetwork(session, unet.config, "unet/model.onnx", all);
        networks.set(session, network);
        if (ports) portsOf.set(session, ports);
      }
      return { network, ports, release };
    } catch (error) {
      release();
      throw error;
    }
  };

  const sizeMultiple = manifest.defaults.sizeMultiple ?? scale;
  if (sizeMultiple % scale !== 0) {
    throw new UnderpaintError({
      code: "model-invalid",
      what: "model_index.json: _underpaint_size_multiple is no multiple of the VAE's scale",
      value: sizeMultiple,
      allowed: `a multiple of ${scale}`,
    });
  }
  const halved = scale * 2 ** (levelsOf(unet.config) - 1);
  let networkMultiple = halved;
  while (networkMultiple % sizeMultiple !== 0) networkMultiple += halved;

  return {
    manifest,
    noiseModel: noiseModelFromConfig(manifest.scheduler),
    defaults: {
      ...defaultSize(unet.config, scale),
      steps: 20,
      guidanceScale: 7.5,
      ...manifest.defaults,
      sizeMultiple,
      paddingMultiple: networkMultiple,
    },
    embedsGuidance: configCount(unet.config, "time_cond_proj_dim") !== undefined,
    inpaints: configCount(unet.config, "in_channels") === 2 * channels + 1,
    latentScale: scale,
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
    async network(signal, form = "plain") {
      const { network, release } = await borrowNetwork(signal, form);
      release();
      return network;
    },
    borrowNetwork,
    vaeEncoder: part("vae_encoder", async (session) => {
      const { createVaeEncoder } = await import("../latents/vae-encoder.js");
      return createVaeEncoder(session, vae_encoder?.config);
    }),
    vaeDecoder,
    preview: createLatentPreview(vae_decoder.config, () => vaeDecoder()),
    graphs,
    mixer,
    source: model.source,
    async unload(component) {
      if (component === undefined || component === "controls") {
        await Promise.all([graphs.unload(), mixing?.dispose()]);
      }
      if (component !== "controls") await model.unload(component);
    },
    async dispose() {
      await Promise.all([graphs.unload(), mixing?.dispose(), model.dispose()]);
    },
  };
}

const residualInput = /^(down_block|mid_block|down_intrablock)_/;

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
