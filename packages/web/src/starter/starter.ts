import { type ModelSource, UnderpaintError } from "@underpaint/core";

/**
 * The embedded model, `@underpaint/starter`, at the addresses that the page's bundler gave its
 * files. Nothing is fetched but what is asked for.
 *
 * @throws UnderpaintError `model-not-found` when the package cannot be loaded.
 */
export async function embeddedStarter(fetcher: typeof fetch = fetch): Promise<ModelSource> {
  const { files, version } = await import("@underpaint/starter").catch((cause: unknown) => {
    throw new UnderpaintError({
      code: "model-not-found",
      what: "the embedded model is not where this page looks for it",
      remedy:
        "install @underpaint/starter, or give the address of its folder by the option starter",
      cause,
    });
  });

  async function whole(
    file: string,
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const found = Object.hasOwn(files, file) ? files[file] : undefined;
    if (!found) {
      throw new UnderpaintError({
        code: "model-invalid",
        what: "the embedded model has no such file",
        value: file,
      });
    }
    const bytes = await fetchBytes(found.url, fetcher, signal);
    if (bytes.length === found.bytes) return bytes;
    throw new UnderpaintError({
      code: "model-not-found",
      what: `what is served for the embedded model's ${file} is another file`,
      value: `${bytes.length} bytes from ${shown(found.url)}`,
      allowed: `${found.bytes} bytes`,
      remedy:
        "copy the folder model of @underpaint/starter to where the page is served from, and give its address by the option starter",
    });
  }

  return {
    id: `starter@${version}`,
    size: async (file) => (Object.hasOwn(files, file) ? files[file]!.bytes : undefined),
    async read(file, { signal }) {
      return whole(file, signal);
    },
    async open(file, { signal, onProgress } = {}) {
      const bytes = await whole(file, signal);
      onProgress?.({ file, loadedBytes: bytes.length, totalBytes: bytes.length });
      return { bytes };
    },
  };
}

async function fetchBytes(
  url: string,
  fetcher: typeof fetch,
  signal: AbortSignal | undefined,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const response = await fetcher(url, signal ? { signal } : {});
    if (!response.ok) throw new Error(`${response.status} ${response.statusText}`.trim());
    return new Uint8Array(await response.arrayBuffer());
  } catch (cause) {
    signal?.throwIfAborted();
    throw new UnderpaintError({
      code: "model-not-found",
      what: `the embedded model cannot be fetched (${(cause as Error).message})`,
      value: shown(url),
      remedy:
        "try again; if the page's bundler does not copy the model's files, copy the folder model of @underpaint/starter and give its address by the option starter",
      cause,
    });
  }
}

/** Small files may be in their address. */
function shown(url: string): string {
  return url.startsWith("data:") ? "a data: address" : url;
}
