import { readFile, realpath, stat } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { isUnderpaintError, UnderpaintError } from "@underpaint/core";
import { reason } from "../files/reason.js";
import { isAbsent, missingFile, tooLarge } from "./errors.js";
import { gathered } from "./gathered.js";
import type { NodeModelSource } from "./local.js";
import { below } from "./paths.js";

/** How {@link folderSource} reads a folder. */
export interface FolderOptions {
  /** What a recipe records; `folder:` and the folder's name when left out (a path may be private). */
  readonly id?: string;
  /** Further folders into which symbolic links in the model may lead. */
  readonly linksInto?: readonly string[];
}

/**
 * A model in a folder of this machine: `model_index.json` and a folder for each component.
 *
 * Symbolic links are followed only to places inside the folder, or inside the folders of
 * `linksInto`, so that a model from a stranger cannot make other files of this machine be read. A
 * snapshot of the hub's cache consists of links into the cache; those are known and allowed.
 *
 * @throws UnderpaintError `model-not-found` when there is no such folder.
 */
export async function folderSource(
  folder: string,
  options: FolderOptions = {},
): Promise<NodeModelSource> {
  const root = resolve(folder);
  const id = options.id ?? `folder:${basename(root)}`;
  const kind = await stat(root).catch((error: unknown) => error as Error);
  if (kind instanceof Error || !kind.isDirectory()) {
    throw new UnderpaintError({
      code: "model-not-found",
      what: kind instanceof Error ? "there is no such model folder" : "the model is not a folder",
      value: root,
      allowed: 'a folder with a model_index.json, "hub:owner/name", or an https address',
      remedy: "check the path, or leave the model out for the embedded starter",
      ...(kind instanceof Error ? { cause: kind } : {}),
    });
  }
  const repository = hubRepositoryOf(await realpath(root));
  // A snapshot links to its repository's blobs, and those may be links to blobs that are shared.
  const blobs = repository ? [repository, dirname(repository)].map((at) => join(at, "blobs")) : [];
  const allowed = await Promise.all(
    [root, ...blobs, ...(options.linksInto ?? [])].map((place) =>
      realpath(place).catch(() => resolve(place)),
    ),
  );

  async function find(file: string): Promise<{ path: string; bytes: number } | undefined> {
    const path = below(root, file);
    try {
      const [real, found] = await Promise.all([realpath(path), stat(path)]);
      if (!allowed.some((place) => isInside(real, place))) {
        throw new UnderpaintError({
          code: "model-invalid",
          what: `the model's ${file} is a link that leads out of the model's folder`,
          value: real,
          remedy: "put the file itself there, or give the folder that it is in",
        });
      }
      return found.isFile() ? { path, bytes: found.size } : undefined;
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw isUnderpaintError(error) ? error : unreadable(file, error);
    }
  }

  async function need(file: string): Promise<{ path: string; bytes: number }> {
    const found = await find(file);
    if (!found) throw missingFile(file, root);
    return found;
  }

  return {
    id,
    async size(file, { signal } = {}) {
      signal?.throwIfAborted();
      return (await find(file))?.bytes;
    },
    locate: async (file) => (await find(file))?.path,
    async read(file, { maxBytes, signal }) {
      const { path, bytes } = await need(file);
      if (bytes > maxBytes) throw tooLarge(file, bytes, maxBytes);
      signal?.throwIfAborted();
      return readFile(path, { signal }).catch((error: unknown) => {
        signal?.throwIfAborted();
        throw unreadable(file, error);
      });
    },
    async open(file, { companions = [], signal, onProgress } = {}) {
      const place = file.slice(0, file.lastIndexOf("/") + 1);
      const names = [file.slice(place.length), ...companions];
      const found = await Promise.all(names.map((name) => need(place + name)));
      signal?.throwIfAborted();
      names.forEach((name, index) => {
        const { bytes } = found[index]!;
        onProgress?.({ file: place + name, loadedBytes: bytes, totalBytes: bytes });
      });
      const [graph, ...weights] = names.map((name, index) => ({ name, path: found[index]!.path }));
      return gathered(graph!, weights, repository && join(repository, ".underpaint"));
    },
  };
}

function unreadable(file: string, cause: unknown): UnderpaintError {
  return new UnderpaintError({
    code: "model-invalid",
    what: `the model's ${file} cannot be read: ${reason(cause)}`,
    remedy: "check the file's permissions",
    cause,
  });
}

/** Whether a real path is a folder or lies below it. */
function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** Of `…/models--owner--name/snapshots/<commit>`, the folder `…/models--owner--name`. */
function hubRepositoryOf(root: string): string | undefined {
  const repository = dirname(dirname(root));
  const isSnapshot =
    basename(dirname(root)) === "snapshots" && basename(repository).startsWith("models--");
  return isSnapshot ? repository : undefined;
}
