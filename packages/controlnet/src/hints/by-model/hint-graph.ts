import {
  convert,
  type FloatTensor,
  type InferenceBackend,
  type InferenceSession,
  type LoadProgress,
  type ModelSource,
  type Tensor,
  type TensorSpec,
  UnderpaintError,
} from "@underpaint/core";
import { invalid } from "../options.js";

/** What a model that draws hints is opened with. */
export interface HintModelOptions {
  /** Where the model's files are. */
  readonly source: ModelSource;
  /** What runs its graph: the pipeline's own, or another. */
  readonly backend: InferenceBackend;
  /** The graph's path in the source; `model.onnx`, else `onnx/model.onnx`, when left out. */
  readonly file?: string;
  /** Told while the graph arrives. */
  readonly onProgress?: (progress: LoadProgress) => void;
  /** Ends the opening. */
  readonly signal?: AbortSignal;
}

/** The options that every hint model has. */
export const hintModelKeys = ["source", "backend", "file", "onProgress", "signal"] as const;

/** The input that a picture is fed to. */
export interface PictureInput {
  readonly name: string;
  readonly type: "float32" | "float16";
  /** The height and width that the graph insists on; undefined where it takes any. */
  readonly height: number | undefined;
  readonly width: number | undefined;
}

/** A loaded graph that takes one picture. */
export interface HintGraph {
  /** What errors call it. */
  readonly label: string;
  readonly input: PictureInput;
  readonly outputs: readonly TensorSpec[];
  /** Its `preprocessor_config.json`, beside the graph or at the model's root; empty without one. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Runs the graph for a picture [1, 3, height, width]; the outputs of these names as floats. */
  run(
    picture: FloatTensor,
    names: readonly string[],
    signal?: AbortSignal,
  ): Promise<readonly FloatTensor[]>;
  /** Gives the graph back when its running calls have ended. */
  dispose(): Promise<void>;
}

/** The largest picture that is fed to a hint model: 2048 × 2048. */
export const maxFedPixels = 2 ** 22;

const graphFiles = ["model.onnx", "onnx/model.onnx"];
const configFile = "preprocessor_config.json";
const maxConfigBytes = 2 ** 16;

/** Throws unless `options` name a source and a backend. */
function checkPlaces({ source, backend, file }: HintModelOptions, owner: string): void {
  const isSource = typeof source?.open === "function" && typeof source.size === "function";
  if (!isSource || typeof backend?.createSession !== "function") {
    throw invalid({
      what: `${owner} needs a source of models and a backend`,
      value: isSource ? backend : source,
      remedy: 'pass { source: await resolveModel("./folder"), backend: await createNodeBackend() }',
    });
  }
  if (file !== undefined && (typeof file !== "string" || !/^[^\\\0]+\.onnx$/.test(file))) {
    throw invalid({ what: `${owner}'s file is no graph's path`, value: file, allowed: "x.onnx" });
  }
}

/**
 * Loads a graph that takes one picture, [1, 3, height, width], by the source and backend that
 * diffusion models use.
 *
 * @param owner what errors call the model: "the depth model".
 * @throws UnderpaintError `model-not-found`, `model-invalid` for inputs of another kind, naming
 * what was found; errors of loading.
 */
export async function openHintGraph(options: HintModelOptions, owner: string): Promise<HintGraph> {
  checkPlaces(options, owner);
  const { source, backend, signal, onProgress } = options;
  const asked = signal && { signal };
  signal?.throwIfAborted();
  const file = options.file ?? (await findGraph(source, owner, asked));
  const folder = file.slice(0, file.lastIndexOf("/") + 1);
  const stem = file.slice(folder.length);
  const weights: string[] = [];
  for (const name of [`${stem}_data`, `${stem}.data`, "weights.pb"]) {
    if ((await source.size(folder + name, asked)) !== undefined) weights.push(name);
  }
  const config = await readConfig(source, [...new Set([folder, ""])], asked);
  const model = await source.open(file, {
    companions: weights,
    ...asked,
    ...(onProgress && { onProgress }),
  });
  const session = await backend.createSession(model, { label: file, ...asked });
  try {
    return wrap(session, file, pictureInput(session, file), config);
  } catch (error) {
    await session.dispose();
    throw error;
  }
}

async function findGraph(
  source: ModelSource,
  owner: string,
  asked: { signal: AbortSignal } | undefined,
): Promise<string> {
  for (const file of graphFiles) if ((await source.size(file, asked)) !== undefined) return file;
  throw new UnderpaintError({
    code: "model-not-found",
    what: `${owner} is not there`,
    value: source.id,
    allowed: graphFiles.join(" or "),
    remedy: "name its graph: { file: … }",
  });
}

/** Sizes and means that the model says it wants; nothing where it says none. */
async function readConfig(
  source: ModelSource,
  folders: readonly string[],
  asked: { signal: AbortSignal } | undefined,
): Promise<Readonly<Record<string, unknown>>> {
  for (const folder of folders) {
    const path = folder + configFile;
    if ((await source.size(path, asked)) === undefined) continue;
    const bytes = await source.read(path, { maxBytes: maxConfigBytes, ...asked });
    try {
      const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
      if (typeof value === "object" && value !== null && !Array.isArray(value)) {
        return value as Record<string, unknown>;
      }
    } catch {
      // Told below: what it says cannot be known.
    }
    throw new UnderpaintError({
      code: "model-invalid",
      what: `${path} holds no JSON object`,
      remedy: "fetch the model again",
    });
  }
  return {};
}

function wrap(
  session: InferenceSession,
  label: string,
  input: PictureInput,
  config: Readonly<Record<string, unknown>>,
): HintGraph {
  return {
    label,
    input,
    outputs: session.outputs,
    config,
    async run(picture, names, signal) {
      signal?.throwIfAborted();
      const feeds = { [input.name]: convert(picture, input.type) };
      const results = await session.run(feeds, { outputs: names });
      const floats: FloatTensor[] = [];
      for (const name of names) {
        const result = results[name]!;
        const here: Tensor = "data" in result ? result : await result.download();
        if (!("data" in result)) result.dispose();
        floats.push(convert(here, "float32"));
      }
      signal?.throwIfAborted();
      return floats;
    },
    dispose: () => session.dispose(),
  };
}

/** The one input of a graph, a picture. */
function pictureInput({ inputs }: InferenceSession, label: string): PictureInput {
  const [input, ...others] = inputs;
  const [batch, channels, height, width] = input?.dims ?? [];
  const isPicture =
    input !== undefined &&
    others.length === 0 &&
    input.dims.length === 4 &&
    (batch === 1 || typeof batch === "string") &&
    (channels === 3 || typeof channels === "string") &&
    (input.type === "float32" || input.type === "float16");
  if (!isPicture) {
    throw new UnderpaintError({
      code: "model-invalid",
      what: `${label} does not take one picture: its inputs are ${describe(inputs)}`,
      allowed: "a single input [1, 3, height, width] of float32 or float16",
      remedy: "export it with its channels first, without its own pre- and post-processing",
    });
  }
  return {
    name: input.name,
    type: input.type as "float32" | "float16",
    height: fixedSide(height!, label),
    width: fixedSide(width!, label),
  };
}

function fixedSide(side: number | string, label: string): number | undefined {
  if (typeof side === "string") return undefined;
  if (side >= 8 && side <= 2048) return side;
  throw new UnderpaintError({
    code: "model-invalid",
    what: `${label} takes a picture of a size that is not allowed`,
    value: side,
    allowed: "sides of 8 to 2048 pixels",
  });
}

/** "depth float32 [1, h, w], …", for errors. */
export function describe(specs: readonly TensorSpec[]): string {
  const shown = specs.slice(0, 8).map(({ name, type, dims }) => {
    const shape = dims.slice(0, 6).map((size) => (size === "" ? "?" : String(size).slice(0, 30)));
    return `${name.slice(0, 40)} ${type} [${shape.join(", ")}]`;
  });
  return shown.join("; ") + (specs.length > 8 ? "; …" : "") || "none";
}

/** An error about outputs of another kind than a sort of model has. */
export function wrongOutputs(graph: HintGraph, allowed: string, remedy: string): UnderpaintError {
  return new UnderpaintError({
    code: "model-invalid",
    what: `${graph.label} gives something else: its outputs are ${describe(graph.outputs)}`,
    allowed,
    remedy,
  });
}

/** An error about an output whose size is another than the graph said, or none that can be. */
export function wrongSize(
  graph: HintGraph,
  name: string,
  dims: readonly number[],
  allowed: string,
) {
  return new UnderpaintError({
    code: "model-invalid",
    what: `${graph.label}'s output ${name} has a shape that cannot be`,
    value: dims,
    allowed,
  });
}
