import {
  type ComponentManifest,
  inspectModel,
  isUnderpaintError,
  type ModelInspection,
  noiseModelFromConfig,
  readKnownWords,
  readManifest,
  vaeScaleFactor,
} from "@underpaint/core";
import { configClassNames } from "@underpaint/schedulers";
import type { NodeModelSource } from "../sources/local.js";
import { type OnnxHeader, readOnnxHeader } from "./onnx-header.js";

/** One graph of a model. */
export interface ComponentReport {
  readonly name: string;
  readonly graph: string;
  /** Graph and weights together. */
  readonly bytes: number;
  readonly externalData: readonly string[];
  /** Whether all of it is on this machine. */
  readonly isHere: boolean;
  /** What the graph's file says; undefined where it is not here, or broken. */
  readonly header: OnnxHeader | undefined;
  /** Why the graph's file could not be read. */
  readonly problem: string | undefined;
}

/** What a model is, and what it can and cannot do, as known before weights are loaded. */
export interface ModelReport {
  readonly id: string;
  readonly family: string;
  readonly className: string;
  readonly bytes: number;
  readonly components: readonly ComponentReport[];
  /** diffusers' name of the scheduler that its config describes, and what the network predicts. */
  readonly scheduler: { readonly className: string; readonly prediction: string } | undefined;
  /** Whether pictures can be made with it here. */
  readonly isUsable: boolean;
  readonly can: readonly string[];
  readonly cannot: readonly string[];
  /** What a small model says it knows; undefined for those that list nothing. */
  readonly words: readonly string[] | undefined;
}

/**
 * Describes a model from its small files and the beginnings of its graphs. Fetches no weights: of
 * a model that is elsewhere, the graphs that are not here yet are told of by size alone.
 *
 * @throws UnderpaintError as `inspectModel` does, when there is nothing of a model.
 */
export async function describeModel(
  source: NodeModelSource,
  { signal }: { signal?: AbortSignal } = {},
): Promise<ModelReport> {
  const asked = signal ? { signal } : {};
  const inspection = await inspectModel(source, asked);
  const problem = await problemOf(source, asked);
  const components = await Promise.all(
    Object.values(inspection.components).map((part) => describeComponent(source, part, asked)),
  );
  const broken = components.flatMap((part) => part.problem ?? []);
  const cannot = problem === undefined ? broken : [problem, ...broken];
  const isUsable = cannot.length === 0;
  const abilities = isUsable ? abilitiesOf(inspection, components) : { can: [], cannot: [] };
  return {
    id: inspection.id,
    family: inspection.family,
    className: inspection.className,
    bytes: inspection.bytes,
    components,
    scheduler: inspection.scheduler && {
      className: textOf(inspection.scheduler._class_name, "unknown"),
      prediction: textOf(inspection.scheduler.prediction_type, "epsilon"),
    },
    isUsable,
    can: abilities.can,
    cannot: [...cannot, ...abilities.cannot],
    words: (await readKnownWords(source, signal))?.list,
  };
}

/** Why a pipeline of the model could not be opened. */
async function problemOf(
  source: NodeModelSource,
  asked: { signal?: AbortSignal },
): Promise<string | undefined> {
  try {
    const { scheduler, components } = await readManifest(source, asked);
    noiseModelFromConfig(scheduler);
    vaeScaleFactor(components.vae_decoder.config);
    return undefined;
  } catch (error) {
    if (!isUnderpaintError(error)) throw error;
    return error.message;
  }
}

async function describeComponent(
  source: NodeModelSource,
  { name, graph, bytes, externalData }: ComponentManifest,
  asked: { signal?: AbortSignal },
): Promise<ComponentReport> {
  const place = graph.slice(0, graph.lastIndexOf("/") + 1);
  const files = [graph, ...externalData.map((file) => place + file)];
  const paths = await Promise.all(files.map((file) => source.locate(file, asked)));
  const isHere = paths.every((path) => path !== undefined);
  const common = { name, graph, bytes, externalData, isHere };
  if (paths[0] === undefined) return { ...common, header: undefined, problem: undefined };
  try {
    const header = await readOnnxHeader(paths[0], graph);
    return { ...common, header, problem: undefined };
  } catch (error) {
    if (!isUnderpaintError(error)) throw error;
    return { ...common, header: undefined, problem: error.message };
  }
}

function abilitiesOf(
  { components: manifests, scheduler, controls }: ModelInspection,
  components: readonly ComponentReport[],
): { can: string[]; cannot: string[] } {
  const can: string[] = [];
  const cannot: string[] = [];
  const header = (name: string): OnnxHeader | undefined =>
    components.find((part) => part.name === name)?.header;
  const unet = header("unet");
  const encoder = manifests.vae_encoder;

  can.push(`text to image${sizesOf(manifests, unet)}`);
  if (!encoder) cannot.push("image to image: it has no vae_encoder");
  else if (header("vae_encoder")?.outputs.some(({ name }) => /sample/.test(name))) {
    can.push("image to image, not repeatable by seed: its encoder draws random numbers of its own");
  } else can.push("image to image");
  const own = Object.keys(controls);
  if (own.length > 0) can.push(`be steered by controls of its own: ${own.join(", ")}`);
  if (unet?.inputs.some(({ name }) => name === "timestep_cond")) {
    can.push("few steps: the guidance scale is an input of its network (latent consistency)");
  }
  const text = header("text_encoder");
  if (text) {
    const skips = text.outputs.some(({ name }) => name.startsWith("hidden_states"));
    if (skips) can.push("clip skip");
    else cannot.push("clip skip: its text encoder gives the last layer alone");
  }
  const className = scheduler?._class_name;
  if (typeof className === "string" && !configClassNames.includes(className)) {
    cannot.push(`its own scheduler ${className}: name another with --scheduler`);
  }
  return { can, cannot };
}

/** " of 512 × 512 pixels", and whether that is all. */
function sizesOf(manifests: ModelInspection["components"], unet: OnnxHeader | undefined): string {
  const scale = vaeScaleFactor(manifests.vae_decoder?.config ?? {});
  const declared = unet?.inputs.find(({ name }) => /sample|latent/.test(name))?.dims.slice(-2);
  if (declared?.every((dim) => typeof dim === "number")) {
    const [height, width] = declared as number[];
    return `, ${width! * scale} × ${height! * scale} pixels alone`;
  }
  const sample = manifests.unet?.config.sample_size;
  const [height, width] = Array.isArray(sample) ? sample : [sample, sample];
  if (typeof height !== "number" || typeof width !== "number") return "";
  return `, made for ${width * scale} × ${height * scale} pixels`;
}

function textOf(value: unknown, fallback: string): string {
  return typeof value === "string" ? value : fallback;
}
