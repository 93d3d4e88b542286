import type { LoadProgress, ModelFile, ModelSource } from "@underpaint/core";
import { type Check, caught, check, fail, need, refusal } from "../check.js";

/** Puts files where the source reads from, under their paths, and makes the source. */
export type SourceFactory = (
  files: Readonly<Record<string, Uint8Array>>,
) => ModelSource | Promise<ModelSource>;

/** What the suite must be told of a source. */
export interface SourceCheckOptions {
  /** Reads a file by its absolute path: for sources whose `open` gives paths. */
  readonly readFile?: (path: string) => Promise<Uint8Array>;
  /**
   * The way from the model to a file outside of it that exists, such as "../secret.txt": a source
   * that follows it is caught, not only one that would.
   */
  readonly outside?: string;
}

const text = (content: string): Uint8Array => new TextEncoder().encode(content);
const graph = Uint8Array.from({ length: 3000 }, (_, i) => i * 7);
const weights = Uint8Array.from({ length: 5000 }, (_, i) => i * 11 + 1);

const files: Readonly<Record<string, Uint8Array>> = {
  "model_index.json": text('{"_class_name":"StableDiffusionPipeline"}'),
  "unet/model.onnx": graph,
  "unet/model.onnx_data": weights,
  "vae_decoder/model.onnx": text("another graph"),
};

const leaving: readonly string[] = [
  "../model_index.json",
  "unet/../../model_index.json",
  "/model_index.json",
  "/etc/hostname",
  "..\\model_index.json",
  "unet\\..\\..\\model_index.json",
  "C:/model_index.json",
  "C:\\model_index.json",
  "..",
  "",
];

/** The conformance suite for model sources, over a small model that it brings with it. */
export function modelSourceChecks(
  create: SourceFactory,
  options: SourceCheckOptions = {},
): readonly Check[] {
  const outside = options.outside === undefined ? leaving : [...leaving, options.outside];
  const index = files["model_index.json"]!;

  return [
    check("has an id of one line", async () => {
      const { id } = await create(files);
      need(/^\S(.*\S)?$/.test(id), `id is ${JSON.stringify(id)}`);
    }),

    check("tells the size of a file, and undefined of what is none", async () => {
      const source = await create(files);
      for (const [path, { length }] of Object.entries(files)) {
        const found = await source.size(path);
        need(found === length, `the size of ${path} is ${found}, expected ${length}`);
      }
      for (const path of ["vae_encoder/model.onnx", "model_index", "unet", "unet/none/deeper"]) {
        const found = await source.size(path);
        need(found === undefined, `the size of ${path}, which is no file, is ${found}`);
      }
    }),

    check("reads a small file whole", async () => {
      const source = await create(files);
      for (const maxBytes of [index.length, 1_000_000]) {
        const found = await source.read("model_index.json", { maxBytes });
        needSame(found, index, `model_index.json, read with maxBytes ${maxBytes},`);
      }
    }),

    check("reads nothing that is larger than is allowed, or missing", async () => {
      const source = await create(files);
      const maxBytes = index.length - 1;
      const large = await refusal("a file one byte too large", "model-invalid", () =>
        source.read("model_index.json", { maxBytes }),
      );
      const missing = await refusal("a missing file", "model-invalid", () =>
        source.read("none.json", { maxBytes }),
      );
      needNamed(large, "model_index.json");
      needNamed(missing, "none.json");
    }),

    check("gives each reader bytes of its own", async () => {
      const source = await create(files);
      const read = () => source.read("model_index.json", { maxBytes: 1000 });
      const [first, second] = await Promise.all([read(), read()]);
      first.fill(0);
      needSame(second, index, "what one reader read, and another wrote into,");
      needSame(await read(), index, "what was read before, and written into,");
    }),

    check("opens a graph", async () => {
      const opened = await (await create(files)).open("unet/model.onnx");
      needSame(await graphOf(opened, options), graph, "the graph");
    }),

    check("opens a graph with the weights beside it", async () => {
      const companions = ["model.onnx_data"];
      const opened = await (await create(files)).open("unet/model.onnx", { companions });
      needSame(await graphOf(opened, options), graph, "the graph");
      needSame(await weightsOf(opened, companions[0]!, options), weights, "the weights");
    }),

    check("opens nothing that is missing, or lacks weights", async () => {
      const source = await create(files);
      const missing = await refusal("a missing graph", "model-invalid", () =>
        source.open("vae_encoder/model.onnx"),
      );
      const lacking = await refusal("missing weights", "model-invalid", () =>
        source.open("vae_decoder/model.onnx", { companions: ["model.onnx_data"] }),
      );
      needNamed(missing, "vae_encoder/model.onnx");
      needNamed(lacking, "model.onnx_data");
    }),

    check("tells how far it has come, up to the whole of each file", async () => {
      const seen = new Map<string, LoadProgress>();
      await (await create(files)).open("unet/model.onnx", {
        companions: ["model.onnx_data"],
        onProgress(progress) {
          const { file, loadedBytes } = progress;
          const before = seen.get(file)?.loadedBytes ?? 0;
          need(loadedBytes >= before, `${file} goes back from ${before} to ${loadedBytes} bytes`);
          seen.set(file, progress);
        },
      });
      for (const path of ["unet/model.onnx", "unet/model.onnx_data"]) {
        const last = seen.get(path) ?? fail(`no progress is told of ${path}`);
        const { length } = files[path]!;
        const whole = last.loadedBytes === length && (last.totalBytes ?? length) === length;
        need(whole, `${path} ends at ${last.loadedBytes} of ${last.totalBytes}, not at ${length}`);
      }
      need(seen.size === 2, `progress is told of ${[...seen.keys()].join(", ")}`);
    }),

    check("refuses paths that leave the model", async () => {
      const source = await create(files);
      for (const path of outside) {
        const shown = JSON.stringify(path);
        const ways = {
          [`the size of ${shown}`]: () => source.size(path),
          [`reading ${shown}`]: () => source.read(path, { maxBytes: 100_000 }),
          [`opening ${shown}`]: () => source.open(path),
          [`weights at ${shown}`]: () => source.open("unet/model.onnx", { companions: [path] }),
        };
        for (const [what, work] of Object.entries(ways)) await refusal(what, "model-invalid", work);
      }
    }),

    check("does nothing for a signal that is aborted", async () => {
      const source = await create(files);
      const reason = new Error("enough");
      const signal = AbortSignal.abort(reason);
      const ways = {
        size: () => source.size("model_index.json", { signal }),
        read: () => source.read("model_index.json", { maxBytes: 1000, signal }),
        open: () => source.open("unet/model.onnx", { signal }),
      };
      for (const [what, work] of Object.entries(ways)) {
        const error = await caught(`${what} with an aborted signal`, work);
        need(error === reason, `${what} rejects with ${error}, not with the signal's reason`);
      }
    }),

    check("works on after a signal was aborted meanwhile", async () => {
      const source = await create(files);
      const reason = new Error("enough");
      const controller = new AbortController();
      const { signal } = controller;
      const opening = source.open("unet/model.onnx", { signal }).catch((error: unknown) => {
        need(error === reason, `open rejects with ${error}, not with the signal's reason`);
      });
      controller.abort(reason);
      await opening;
      const opened = await source.open("unet/model.onnx");
      needSame(await graphOf(opened, options), graph, "the graph, opened once more,");
    }),
  ];
}

async function graphOf(model: ModelFile, options: SourceCheckOptions): Promise<Uint8Array> {
  return "bytes" in model ? model.bytes : contentAt(model.path, options);
}

/** External weights: handed with the graph, or beside a graph that has a path. */
async function weightsOf(
  model: ModelFile,
  name: string,
  options: SourceCheckOptions,
): Promise<Uint8Array> {
  const given = model.externalData?.find(({ path }) => path === name)?.data;
  if (typeof given === "object") return given;
  if (typeof given === "string") return contentAt(given, options);
  if ("bytes" in model) return fail(`a graph given as bytes comes without its weights ${name}`);
  return contentAt(model.path.replace(/[^/\\]*$/, name), options);
}

function contentAt(path: string, { readFile }: SourceCheckOptions): Promise<Uint8Array> {
  need(/^([/\\]|[a-z]:)/i.test(path), `the path ${JSON.stringify(path)} is not absolute`);
  return readFile?.(path) ?? fail("the source gives paths; hand the suite a readFile for them");
}

function needSame(found: Uint8Array, right: Uint8Array, what: string): void {
  need(found.length === right.length, `${what} has ${found.length} bytes, not ${right.length}`);
  const at = right.findIndex((byte, i) => found[i] !== byte);
  need(at === -1, () => `${what} has ${found[at]} at ${at}, not ${right[at]}`);
}

function needNamed(error: Error, file: string): void {
  need(error.message.includes(file), `the error does not name ${file}: ${error.message}`);
}
