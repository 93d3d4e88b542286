// What pages of these tests import: the sources, the store, and some deeds over them.
import { isUnderpaintError, type ModelFile, type ModelSource } from "@underpaint/core";
import { failures, modelSourceChecks } from "@underpaint/testing";
import { download } from "../../../packages/web/src/sources/download.js";
import { startHash } from "../../../packages/web/src/sources/file-hash.js";
import { createSHA256 } from "../../../packages/web/src/sources/hashes.js";
import type { RemoteOptions } from "../../../packages/web/src/sources/remote-source.js";
import { type ResolveOptions, resolveModel } from "../../../packages/web/src/sources/resolve.js";
import { openKeeper } from "../../../packages/web/src/store/keeper.js";
import { modelStore } from "../../../packages/web/src/store/model-store.js";

export { directorySource } from "../../../packages/web/src/sources/directory.js";
export { filesSource } from "../../../packages/web/src/sources/files.js";
export { modelStore, resolveModel };

/** What became of a deed. */
export interface Outcome {
  /** The opened graph's content. */
  readonly sha256?: string;
  readonly bytes?: number;
  readonly error?: { readonly code: string; readonly message: string };
  readonly warnings: readonly string[];
  /** Bytes that had come when progress was told. */
  readonly progress: readonly number[];
}

/** What {@link open} is told. */
export interface OpenRequest extends Pick<ResolveOptions, "hubEndpoint" | "hubToken"> {
  readonly model: string;
  readonly file?: string;
  readonly options?: Omit<RemoteOptions, "fetch">;
  /** Aborts when so many bytes have come. */
  readonly abortAfter?: number;
}

const quick = { firstDelayMs: 1, retries: 3, silenceMs: 1_000 };

/** Opens a graph of a model, and tells what came of it. */
export async function open(request: OpenRequest): Promise<Outcome> {
  const { model, file = "unet/model.onnx", options, abortAfter, ...rest } = request;
  const warnings: string[] = [];
  const progress: number[] = [];
  const controller = new AbortController();
  try {
    const source = await resolveModel(model, {
      patience: quick,
      ...options,
      ...rest,
      onWarning: ({ code }) => warnings.push(code),
    });
    const opened = await source.open(file, {
      signal: controller.signal,
      onProgress({ loadedBytes }) {
        progress.push(loadedBytes);
        if (abortAfter !== undefined && loadedBytes >= abortAfter) controller.abort();
      },
    });
    const content = bytesOf(opened);
    // crypto.subtle is missing in insecure contexts.
    const sha256 = (await createSHA256()).init().update(content).digest("hex");
    return { sha256, bytes: content.length, warnings, progress };
  } catch (error) {
    return { error: errorOf(error), warnings, progress };
  }
}

export function errorOf(error: unknown): { code: string; message: string } {
  const { name, message } = error as Error;
  return { code: isUnderpaintError(error) ? error.code : `untyped ${name}`, message };
}

function bytesOf(file: ModelFile): Uint8Array {
  if (!("bytes" in file)) throw new Error("a graph in a page has bytes");
  return file.bytes;
}

/** The conformance suite, over sources that the page makes of files: what fails. */
export async function failuresOf(
  create: (files: Readonly<Record<string, Uint8Array>>) => Promise<ModelSource>,
): Promise<string[]> {
  const found = await failures(modelSourceChecks(create, { outside: "../secret.txt" }));
  return found.map(({ name, error }) => `${name}: ${(error as Error).message}`);
}

/** Has the test publish files, by a function of its own that the page was given: their address. */
export async function published(
  how: "publish" | "publishAtHub",
  files: Readonly<Record<string, Uint8Array>>,
): Promise<string> {
  const publish = (globalThis as unknown as Record<string, (files: unknown) => Promise<string>>)[
    how
  ];
  const plain = Object.entries(files).map(([path, content]) => [path, [...content]]);
  return publish!(Object.fromEntries(plain));
}

/** Downloads a file into the browser's storage without reading it: how many bytes are there then. */
export async function downloadOnly(address: string, bytes: number): Promise<number> {
  const keeper = await openKeeper(address, address);
  return keeper.hold("large.bin", undefined, async (part) => {
    await download({ url: new URL(address), part, file: "large.bin", bytes, maxBytes: bytes });
    return part.bytes;
  });
}

/** Whether what {@link downloadOnly} stored, read as a source does, has this SHA-256. */
export async function contentMatches(address: string, value: string): Promise<boolean> {
  const keeper = await openKeeper(address, address);
  const content = await keeper.hold("large.bin", undefined, (part) => part.finish(undefined));
  // crypto.subtle would copy it whole.
  const hash = await startHash({ kind: "sha256", value }, content.length);
  hash.update(content);
  return hash.matches();
}
