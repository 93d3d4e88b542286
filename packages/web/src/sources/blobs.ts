import { checkedPath, type ModelFile, type OpenOptions, UnderpaintError } from "@underpaint/core";
import { missingFile, tooLarge } from "./errors.js";
import { folderOf } from "./paths.js";
import { orAborted } from "./waiting.js";

const pieceBytes = 16 * 2 ** 20;
const mostFileBytes = 4 * 2 ** 30;

/** Finds a model's file; undefined where there is none. */
export type FindBlob = (file: string) => Promise<Blob | undefined>;

/** What a source over blobs does, whoever finds them. `shown` is the model in messages. */
export function blobReader(find: FindBlob, shown: string) {
  async function need(file: string): Promise<Blob> {
    const found = await find(checkedPath(file));
    if (!found) throw missingFile(file, shown);
    return found;
  }

  async function content(
    file: string,
    blob: Blob,
    { signal, onProgress }: OpenOptions,
  ): Promise<Uint8Array> {
    if (blob.size > mostFileBytes) throw tooLarge(file, blob.size, mostFileBytes);
    const whole = new Uint8Array(blob.size);
    const tell = (loadedBytes: number): void =>
      onProgress?.({ file, loadedBytes, totalBytes: blob.size });
    tell(0);
    for (let at = 0; at < blob.size; at += pieceBytes) {
      signal?.throwIfAborted();
      const slice = blob.slice(at, at + pieceBytes);
      const piece = await orAborted(slice.arrayBuffer(), signal).catch((cause: unknown) => {
        signal?.throwIfAborted();
        throw unreadable(file, cause);
      });
      whole.set(new Uint8Array(piece), at);
      tell(at + piece.byteLength);
    }
    return whole;
  }

  return {
    async size(file: string, { signal }: { signal?: AbortSignal } = {}) {
      signal?.throwIfAborted();
      return (await find(checkedPath(file)))?.size;
    },
    async read(
      file: string,
      { maxBytes, signal }: { maxBytes: number; signal?: AbortSignal },
    ): Promise<Uint8Array> {
      signal?.throwIfAborted();
      const blob = await need(file);
      if (blob.size > maxBytes) throw tooLarge(file, blob.size, maxBytes);
      return content(file, blob, signal ? { signal } : {});
    },
    async open(
      file: string,
      { companions = [], ...request }: OpenOptions & { companions?: readonly string[] } = {},
    ): Promise<ModelFile> {
      request.signal?.throwIfAborted();
      const files = [file, ...companions.map((name) => folderOf(file) + name)];
      const blobs = await Promise.all(files.map(need));
      const contents: Uint8Array[] = [];
      for (const [k, blob] of blobs.entries())
        contents.push(await content(files[k]!, blob, request));
      const externalData = companions.map((path, k) => ({ path, data: contents[k + 1]! }));
      return { bytes: contents[0]!, ...(externalData.length > 0 && { externalData }) };
    },
  };
}

function unreadable(file: string, cause: unknown): UnderpaintError {
  return new UnderpaintError({
    code: "model-invalid",
    what: `the model's ${file} cannot be read (${(cause as Error).name})`,
    remedy: "choose the model's folder again: its files may have changed or gone since",
    cause,
  });
}
