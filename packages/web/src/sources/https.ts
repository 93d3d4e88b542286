import { type ModelSource, UnderpaintError } from "@underpaint/core";
import { missingFile, tooLarge } from "./errors.js";
import { checkedPath, folderOf } from "./paths.js";

/** How {@link httpsSource} fetches. */
export interface HttpsOptions {
  /** What a recipe records; the address without its query when left out. */
  readonly id?: string;
  /** In place of the global fetch. */
  readonly fetch?: typeof fetch;
}

/** A model behind an address: that of the folder that holds `model_index.json`. */
export function httpsSource(address: string | URL, options: HttpsOptions = {}): ModelSource {
  const base = new URL(address, globalThis.location?.href);
  base.pathname = base.pathname.replace(/\/(model_index\.json)?$/, "").concat("/");
  const shown = options.id ?? `${base.origin}${base.pathname}`;
  const request = options.fetch ?? fetch;

  async function get(file: string, init: RequestInit): Promise<Response | undefined> {
    init.signal?.throwIfAborted();
    const url = new URL(base);
    url.pathname += checkedPath(file).split("/").map(encodeURIComponent).join("/");
    const response = await request(url, init).catch((cause: unknown) => {
      init.signal?.throwIfAborted();
      throw new UnderpaintError({
        code: "download-failed",
        what: `${shown} cannot be reached`,
        remedy: "check the network and try again",
        cause,
      });
    });
    return response.ok ? response : undefined;
  }

  async function whole(
    file: string,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const response = await get(file, signal ? { signal } : {});
    if (!response) throw missingFile(file, shown);
    return new Uint8Array(await response.arrayBuffer());
  }

  return {
    id: shown,
    async size(file, { signal } = {}) {
      const response = await get(file, { method: "HEAD", ...(signal && { signal }) });
      const length = response?.headers.get("content-length");
      return length ? Number(length) : undefined;
    },
    async read(file, { maxBytes, signal }) {
      const bytes = await whole(file, signal);
      if (bytes.length > maxBytes) throw tooLarge(file, bytes.length, maxBytes);
      return bytes;
    },
    async open(file, { companions = [], signal, onProgress } = {}) {
      const files = [file, ...companions.map((name) => folderOf(file) + name)];
      const contents: Uint8Array[] = [];
      for (const each of files) {
        const bytes = await whole(each, signal);
        onProgress?.({ file: each, loadedBytes: bytes.length, totalBytes: bytes.length });
        contents.push(bytes);
      }
      return {
        bytes: contents[0]!,
        externalData: companions.map((path, k) => ({ path, data: contents[k + 1]! })),
      };
    },
  };
}
