import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { UnderpaintError } from "../../errors.js";
import type { ModelSource } from "../source.js";

/** The folder of a model under fixtures/models, or of the embedded starter. */
export function modelFolder(name: string): string {
  const root = new URL("../../../../../", import.meta.url);
  const place = name === "starter" ? "packages/starter/model" : `fixtures/models/${name}`;
  return fileURLToPath(new URL(place, root));
}

/** A source over a folder, for tests: no care is taken of what the folder holds. */
export function folderSource(folder: string): ModelSource {
  const size = async (file: string): Promise<number | undefined> => {
    const found = await stat(join(folder, file)).catch(() => undefined);
    return found?.isFile() ? found.size : undefined;
  };
  return {
    id: "folder:test",
    size,
    async read(file, { maxBytes }) {
      checkRead(file, await size(file), maxBytes);
      return readFile(join(folder, file));
    },
    async open(file, { signal } = {}) {
      signal?.throwIfAborted();
      return { path: join(folder, file) };
    },
  };
}

/** A source over files in memory, given as text or bytes. */
export function memorySource(files: Readonly<Record<string, string | Uint8Array>>): ModelSource {
  const bytes = (file: string): Uint8Array | undefined => {
    const content = Object.hasOwn(files, file) ? files[file] : undefined;
    return typeof content === "string" ? new TextEncoder().encode(content) : content;
  };
  return {
    id: "memory:test",
    async size(file) {
      return bytes(file)?.length;
    },
    async read(file, { maxBytes }) {
      checkRead(file, bytes(file)?.length, maxBytes);
      return bytes(file)!;
    },
    async open(file) {
      checkRead(file, bytes(file)?.length, Number.POSITIVE_INFINITY);
      return { bytes: bytes(file)! };
    },
  };
}

function checkRead(file: string, size: number | undefined, maxBytes: number): void {
  if (size !== undefined && size <= maxBytes) return;
  throw new UnderpaintError({
    code: "model-invalid",
    what: size === undefined ? `${file} is missing` : `${file} is too large`,
  });
}
