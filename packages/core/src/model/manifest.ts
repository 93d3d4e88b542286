import { UnderpaintError } from "../errors.js";
import { type ModelDefaults, type ModelFamily, type ModelIndex, readIndex } from "./family.js";
import { type JsonObject, readJson, readOptionalJson } from "./json.js";
import type { ModelSource } from "./source.js";

/** The graphs that a model of the Stable Diffusion family consists of. */
export type ComponentName = "text_encoder" | "unet" | "vae_decoder" | "vae_encoder";

/** Every folder that may hold a graph in the families that are recognised. */
export type GraphFolder = ComponentName | "text_encoder_2" | "text_encoder_3" | "transformer";

/** One graph of a model, as known before it is loaded. */
export interface ComponentManifest {
  readonly name: GraphFolder;
  /** The graph's path inside the model: "unet/model.onnx". */
  readonly graph: string;
  /** Its external weights, named as beside it: "model.onnx_data". */
  readonly externalData: readonly string[];
  /** The sizes of graph and weights, by path inside the model. */
  readonly files: Readonly<Record<string, number>>;
  /** Their sum. */
  readonly bytes: number;
  /** Its config.json; empty where it has none. */
  readonly config: JsonObject;
}

/** What is in a model's folder, whether it can be used or not. */
export interface ModelInspection {
  /** {@link ModelSource.id}. */
  readonly id: string;
  /** diffusers' name of the pipeline: "StableDiffusionPipeline". */
  readonly className: string;
  readonly family: ModelFamily;
  readonly components: Readonly<Partial<Record<GraphFolder, ComponentManifest>>>;
  /** The tokenizer's files, as paths inside the model. */
  readonly tokenizer: readonly string[];
  /** `scheduler_config.json`; undefined where there is none. */
  readonly scheduler: JsonObject | undefined;
  /** Graphs and weights together. */
  readonly bytes: number;
  /** What requests fall back to that leave steps or guidance out. */
  readonly defaults: ModelDefaults;
  /** Folders of the controls that it brings along, by name: "lineart". */
  readonly controls: Readonly<Record<string, string>>;
}

/** A model that can be used: {@link ModelInspection} with nothing missing. */
export interface ModelManifest extends ModelInspection {
  readonly family: "stable-diffusion";
  readonly components: Readonly<
    Record<Exclude<ComponentName, "vae_encoder">, ComponentManifest> & {
      /** Missing in exports that make pictures from text alone. */
      vae_encoder?: ComponentManifest;
    }
  >;
  readonly scheduler: JsonObject;
}

/** How a manifest is read. */
export interface ManifestOptions {
  readonly signal?: AbortSignal;
}

const stableDiffusionGraphs: readonly ComponentName[] = [
  "text_encoder",
  "unet",
  "vae_decoder",
  "vae_encoder",
];
const allGraphs: readonly GraphFolder[] = [
  ...stableDiffusionGraphs,
  "text_encoder_2",
  "text_encoder_3",
  "transformer",
];

/** The names that external weights have: optimum's, OnnxStack's, and diffusers' legacy script's. */
export const weightNames = ["model.onnx_data", "model.onnx.data", "weights.pb"] as const;

const tokenizerNames = [
  "vocab.json",
  "merges.txt",
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "added_tokens.json",
] as const;

const indexFile = "model_index.json";
const schedulerFile = "scheduler/scheduler_config.json";

/**
 * What a model folder holds: family, components, sizes and configs. Reads small JSON files and asks
 * for sizes; loads no weights, and does not mind what is missing or not supported.
 *
 * @throws UnderpaintError `model-not-found` when there is nothing of a model, `model-invalid` when
 * `model_index.json` or a config is missing or broken, or names what lies outside the model.
 */
export async function inspectModel(
  source: ModelSource,
  { signal }: ManifestOptions = {},
): Promise<ModelInspection> {
  const asked = signal && { signal };
  const index = await loadIndex(source, signal);
  const folders = index.family === "stable-diffusion" ? stableDiffusionGraphs : allGraphs;
  const [found, tokenizer, scheduler] = await Promise.all([
    Promise.all(folders.map((name) => readComponent(source, name, signal))),
    Promise.all(
      tokenizerNames.map(async (name) => {
        const file = `tokenizer/${name}`;
        return (await source.size(file, asked)) === undefined ? [] : [file];
      }),
    ),
    readOptionalJson(source, schedulerFile, signal),
  ]);
  const components: Partial<Record<GraphFolder, ComponentManifest>> = {};
  let bytes = 0;
  for (const component of found) {
    if (!component) continue;
    components[component.name] = component;
    bytes += component.bytes;
  }
  return {
    id: source.id,
    className: index.className,
    family: index.family,
    components,
    tokenizer: tokenizer.flat(),
    scheduler,
    bytes,
    defaults: index.defaults,
    controls: index.controls,
  };
}

/**
 * The manifest of a model that can be used: all that is known of it before any weights are loaded.
 *
 * @throws UnderpaintError as {@link inspectModel}; further `model-unsupported` for a family that is
 * not built yet, and `model-invalid` for a missing graph, tokenizer or scheduler config.
 */
export async function readManifest(
  source: ModelSource,
  options: ManifestOptions = {},
): Promise<ModelManifest> {
  const inspection = await inspectModel(source, options);
  checkFamily(inspection);
  for (const name of ["text_encoder", "unet", "vae_decoder"] as const) {
    if (!inspection.components[name]) throw await missingGraph(source, name, options.signal);
  }
  checkTokenizer(inspection.tokenizer);
  if (!inspection.scheduler) {
    throw missing(schedulerFile, "it says with what noise the model was trained");
  }
  return inspection as ModelManifest;
}

async function loadIndex(source: ModelSource, signal?: AbortSignal): Promise<ModelIndex> {
  const asked = signal && { signal };
  if ((await source.size(indexFile, asked)) === undefined) {
    const graphs = await Promise.all(
      allGraphs.map((name) => source.size(`${name}/model.onnx`, asked)),
    );
    const some = graphs.some((size) => size !== undefined);
    throw new UnderpaintError({
      code: some ? "model-invalid" : "model-not-found",
      what: some
        ? `the model has graphs, but no ${indexFile}`
        : `there is no model here: ${indexFile} is missing`,
      value: source.id,
      remedy: some
        ? `fetch it too; for Stable Diffusion it may be just {"_class_name": "StableDiffusionPipeline"}`
        : "give the folder or address that holds model_index.json and the components' folders",
    });
  }
  return readIndex(await readJson(source, indexFile, signal));
}

async function readComponent(
  source: ModelSource,
  name: GraphFolder,
  signal?: AbortSignal,
): Promise<ComponentManifest | undefined> {
  const graph = `${name}/model.onnx`;
  const asked = signal && { signal };
  const graphBytes = await source.size(graph, asked);
  if (graphBytes === undefined) return undefined;
  const [weights, config] = await Promise.all([
    Promise.all(weightNames.map((file) => source.size(`${name}/${file}`, asked))),
    readConfig(source, name, signal),
  ]);
  const files: Record<string, number> = { [graph]: graphBytes };
  const externalData: string[] = [];
  weightNames.forEach((file, i) => {
    const size = weights[i];
    if (size === undefined) return;
    externalData.push(file);
    files[`${name}/${file}`] = size;
  });
  const bytes = Object.values(files).reduce((sum, size) => sum + size, 0);
  return { name, graph, externalData, files, bytes, config };
}

/** A component's config.json; for the two halves of a VAE also that of the whole. */
async function readConfig(
  source: ModelSource,
  name: GraphFolder,
  signal?: AbortSignal,
): Promise<JsonObject> {
  const own = await readOptionalJson(source, `${name}/config.json`, signal);
  if (own) return own;
  const whole = name.startsWith("vae_")
    ? await readOptionalJson(source, "vae/config.json", signal)
    : undefined;
  return whole ?? {};
}

function checkFamily({ family, className, components }: ModelInspection): void {
  if (family === "stable-diffusion") return;
  const names = {
    "stable-diffusion-xl": "Stable Diffusion XL",
    "stable-diffusion-3": "Stable Diffusion 3",
    flux: "Flux",
  };
  throw new UnderpaintError({
    code: "model-unsupported",
    what:
      family === "unknown"
        ? `models of this class, with ${Object.keys(components).join(", ") || "no graph that is known"}, are not supported`
        : `${names[family]} is not supported yet`,
    value: className,
    allowed: "Stable Diffusion 1 and 2, SD-Turbo and latent consistency models made of them",
  });
}

async function missingGraph(
  source: ModelSource,
  name: ComponentName,
  signal?: AbortSignal,
): Promise<UnderpaintError> {
  const file = `${name}/model.onnx`;
  const torch = await Promise.all(
    ["diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin"].map((weights) =>
      source.size(`unet/${weights}`, signal && { signal }),
    ),
  );
  if (torch.every((size) => size === undefined)) return missing(file, "the model is incomplete");
  return new UnderpaintError({
    code: "model-invalid",
    what: `this is a model for PyTorch: ${file} is missing`,
    remedy: "export it first: optimum-cli export onnx --model MODEL FOLDER",
  });
}

function checkTokenizer(files: readonly string[]): void {
  const has = (name: string): boolean => files.includes(`tokenizer/${name}`);
  if (has("tokenizer.json") || (has("vocab.json") && has("merges.txt"))) return;
  const name = has("vocab.json") ? "merges.txt" : "vocab.json";
  throw missing(`tokenizer/${name}`, "without it no prompt can be read");
}

function missing(file: string, why: string): UnderpaintError {
  return new UnderpaintError({
    code: "model-invalid",
    what: `the model has no ${file}: ${why}`,
    remedy: "fetch the model again, whole",
  });
}
