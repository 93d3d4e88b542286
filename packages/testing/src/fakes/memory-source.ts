import { type ModelSource, UnderpaintError } from "@underpaint/core";

/** Files of a model by their paths; a text is stored in UTF-8. */
export type MemoryFiles = Readonly<Record<string, Uint8Array | string>>;

/**
 * A model whose files are in memory. Paths are checked as strictly as a folder's: relative, with
 * forward slashes, and without `.` and `..`.
 *
 * @param files copied when they are asked for; nothing that is done to the copies comes back.
 * @param id what a recipe records.
 */
export function memorySource(files: MemoryFiles, id = "memory:model"): ModelSource {
  function find(file: string): Uint8Array | undefined {
    checkPath(file);
    const content = Object.hasOwn(files, file) ? files[file]! : undefined;
    return typeof content === "string" ? new TextEncoder().encode(content) : content?.slice();
  }

  function need(file: string): Uint8Array {
    const content = find(file);
    if (content) return content;
    throw new UnderpaintError({
      code: "model-invalid",
      what: `the model ${id} has no file ${file}`,
      allowed: Object.keys(files).join(", "),
    });
  }

  return {
    id,
    async size(file, { signal } = {}) {
      signal?.throwIfAborted();
      return find(file)?.length;
    },
    async read(file, { maxBytes, signal }) {
      signal?.throwIfAborted();
      const content = need(file);
      if (content.length <= maxBytes) return content;
      throw new UnderpaintError({
        code: "model-invalid",
        what: `the model's ${file} is too large`,
        value: content.length,
        allowed: `up to ${maxBytes} bytes`,
      });
    },
    async open(file, { companions = [], signal, onProgress } = {}) {
      signal?.throwIfAborted();
      checkPath(file);
      const folder = file.slice(0, file.lastIndexOf("/") + 1);
      const load = (path: string): Uint8Array => {
        const content = need(path);
        onProgress?.({ file: path, loadedBytes: content.length, totalBytes: content.length });
        return content;
      };
      const externalData = companions.map((path) => ({ path, data: need(folder + path) }));
      const bytes = load(file);
      for (const { path } of externalData) load(folder + path);
      return externalData.length === 0 ? { bytes } : { bytes, externalData };
    },
  };
}

function checkPath(file: string): void {
  const sound =
    !/[\\\0]/.test(file) &&
    // Not even as "C:", which is another drive on Windows.
    file.split("/").every((part) => !/^(\.{0,2}|[a-z]:.*)$/i.test(part));
  if (sound) return;
  throw new UnderpaintError({
    code: "model-invalid",
    what: "the model names a file outside of itself",
    value: file,
    allowed: "a relative path with forward slashes and without ..",
  });
}
