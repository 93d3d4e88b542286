import { type ModelSource, UnderpaintError } from "@underpaint/core";
import { blobReader } from "./blobs.js";

/** Files by their paths, or a list of files that know theirs (`<input type="file" webkitdirectory>`). */
export type ModelFiles = Iterable<File> | Readonly<Record<string, Blob>>;

const indexFile = "model_index.json";

/**
 * A model of files that the user chose or dropped: those of a folder, the model's own or one above
 * it. They are read where they are, and not kept.
 *
 * @throws UnderpaintError `model-not-found` when none of them is a model_index.json.
 */
export function filesSource(
  files: ModelFiles,
  options: { readonly id?: string } = {},
): ModelSource {
  const byPath = new Map(Object.entries(filesByPath(files)));
  const indexes = [...byPath.keys()].filter((path) => `/${path}`.endsWith(`/${indexFile}`));
  const [index] = indexes.sort((a, b) => depth(a) - depth(b));
  if (index === undefined) {
    throw new UnderpaintError({
      code: "model-not-found",
      what: "the files are no model: none of them is a model_index.json",
      value: `${byPath.size} files`,
      remedy: 'let the user choose the model\'s folder: <input type="file" webkitdirectory>',
    });
  }
  const folder = index.slice(0, -indexFile.length);
  const name = folder.split("/").at(-2);
  const id = options.id ?? (name ? `folder:${name}` : "files");
  return { id, ...blobReader(async (file) => byPath.get(folder + file), id) };
}

function depth(path: string): number {
  return path.split("/").length;
}

/** Files by their paths. A file that is sent to a worker forgets its own. */
export function filesByPath(files: ModelFiles): Readonly<Record<string, Blob>> {
  if (!(Symbol.iterator in files)) return files;
  return Object.fromEntries(
    Array.from(files as Iterable<File>, (file) => [file.webkitRelativePath || file.name, file]),
  );
}
