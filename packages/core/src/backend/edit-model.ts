import { UnderpaintError } from "../errors.js";
import { type ByteRange, bytesRange } from "../graph/byte-range.js";
import type { GraphEdits } from "../graph/edits.js";
import type { OnnxGraph } from "../graph/graph.js";
import { outlineGraph } from "../graph/outline.js";
import { readGraph } from "../graph/read-graph.js";
import type { ExternalData, ModelFile } from "./contract.js";

/** A file that is open for reading. */
export interface OpenFile extends ByteRange {
  /** Its absolute path, all links followed. */
  readonly path: string;
  close(): Promise<void>;
}

/** How graphs that are given by their paths are read; the platform's own. */
export interface GraphFiles {
  open(path: string): Promise<OpenFile>;
  /**
   * The absolute path, all links followed, of a file of weights that the graph at the path `graph`
   * calls `location`; undefined where there is none, or it is not in the graph's folder.
   */
  resolve(graph: string, location: string): Promise<string | undefined>;
}

/** How {@link editModel} works. */
export interface EditModelOptions {
  /** What errors call the graph: "unet/model.onnx". */
  readonly label?: string;
  /** Needed for a graph that is given by its path. */
  readonly files?: GraphFiles;
  readonly signal?: AbortSignal;
}

/**
 * A model with edits applied: a small graph in memory, whose weights stay in the files that they are
 * in, inside of the original graph's file too. Nothing is written, and no weight is read
 * (docs/decisions/graph-patches.md).
 *
 * @param edit gives the edits, or undefined where none are needed: the model is then given back.
 * @throws UnderpaintError as `readGraph`, `outlineGraph` and `edit` do; `invalid-request` for a path
 * without {@link EditModelOptions.files}.
 */
export async function editModel(
  model: ModelFile,
  edit: (graph: OnnxGraph) => GraphEdits | undefined,
  { label = "the graph", files, signal }: EditModelOptions = {},
): Promise<ModelFile> {
  if ("bytes" in model) return editBytes(model, edit, label);
  if (!files) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: `${label} is given by a path, which cannot be read here`,
      value: model.path,
      remedy: "give its bytes",
    });
  }
  const file = await files.open(model.path).catch((cause: unknown) => {
    throw new UnderpaintError({
      code: "model-invalid",
      what: `${label} cannot be read`,
      remedy: "fetch the model again, or check the file's permissions",
      cause,
    });
  });
  try {
    const graph = await readGraph(file, { label, ...(signal && { signal }) });
    const edits = edit(graph);
    if (!edits) return model;
    const inMemory = (model.externalData ?? []).filter(({ data }) => typeof data !== "string");
    const names = new Set(inMemory.map(({ path }) => path));
    const places = new Map<string | undefined, string>([[undefined, file.path]]);
    for (const location of locationsOf(graph)) {
      if (names.has(location)) continue;
      const path = await files.resolve(model.path, location);
      if (path === undefined) throw notThere(label, location);
      places.set(location, path);
    }
    const { folder, nameOf } = inOneFolder(graph, [...places.values()]);
    const used = new Map<string, string>();
    const locate = (location: string | undefined): string => {
      const path = places.get(location);
      // Weights in memory keep the name under which they are given.
      if (path === undefined) return location!;
      const name = nameOf(path);
      used.set(name, folder + name);
      return name;
    };
    for (const location of graph.nestedLocations) {
      if (locate(location) !== location) throw renamed(graph, location);
    }
    const bytes = await outlineGraph(file, graph, edits, { locate });
    const onDisk = [...used].map(([path, data]) => ({ path, data }));
    return { bytes, ...someData([...inMemory, ...onDisk]) };
  } finally {
    await file.close();
  }
}

async function editBytes(
  model: Extract<ModelFile, { bytes: Uint8Array }>,
  edit: (graph: OnnxGraph) => GraphEdits | undefined,
  label: string,
): Promise<ModelFile> {
  const range = bytesRange(model.bytes);
  const graph = await readGraph(range, { label });
  const edits = edit(graph);
  if (!edits) return model;
  const given = model.externalData ?? [];
  const taken = new Set([...given.map(({ path }) => path), ...locationsOf(graph)]);
  let name = "model.onnx";
  while (taken.has(name)) name = `_${name}`;
  let isUsed = false;
  const locate = (location: string | undefined): string => {
    isUsed ||= location === undefined;
    return location ?? name;
  };
  const bytes = await outlineGraph(range, graph, edits, { locate });
  return { bytes, ...someData(isUsed ? [...given, { path: name, data: model.bytes }] : given) };
}

function someData(externalData: readonly ExternalData[]): {
  externalData?: readonly ExternalData[];
} {
  return externalData.length > 0 ? { externalData } : {};
}

/** The files that a graph's weights are in, by its names for them. */
function locationsOf(graph: OnnxGraph): ReadonlySet<string> {
  const locations = new Set(graph.nestedLocations);
  for (const { place } of graph.initializers.values()) {
    if (place.kind === "external") locations.add(place.location);
  }
  return locations;
}

/** The deepest folder that holds all files, with its last slash, and their names in it. */
function inOneFolder(
  graph: OnnxGraph,
  paths: readonly string[],
): { folder: string; nameOf(path: string): string } {
  const slashes = (path: string): string => path.replaceAll("\\", "/");
  const folders = paths.map((path) => slashes(path).split("/").slice(0, -1));
  const [first = []] = folders;
  let depth = 0;
  while (depth < first.length && folders.every((folder) => folder[depth] === first[depth])) depth++;
  if (depth === 0) {
    throw new UnderpaintError({
      code: "model-unsupported",
      what: `${graph.label} and its weights are on different drives`,
      value: paths,
      remedy: "copy them into one folder",
    });
  }
  const folder = `${first.slice(0, depth).join("/")}/`;
  return { folder, nameOf: (path) => slashes(path).slice(folder.length) };
}

function notThere(label: string, location: string): UnderpaintError {
  return new UnderpaintError({
    code: "model-invalid",
    what: `${label} needs external weights that are not in its folder`,
    value: location,
    remedy: "put the file beside the graph, under that name, and load the model again",
  });
}

function renamed(graph: OnnxGraph, location: string): UnderpaintError {
  return new UnderpaintError({
    code: "model-unsupported",
    what: `${graph.label} has weights inside of an operator that lie in another file, behind a link`,
    value: location,
    remedy: "copy the graph and its weights into one folder, without links",
  });
}
