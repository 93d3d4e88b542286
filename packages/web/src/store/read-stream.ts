/** Reads a stream chunk by chunk; each chunk is valid until the next is asked for. */
export interface ChunkReader {
  /** The next bytes, or undefined at the end. */
  read(): Promise<Uint8Array | undefined>;
}

const chunkBytes = 2 ** 20;

/**
 * A reader that fills one buffer again and again where the browser can do so: else each chunk has
 * memory of its own, and hundreds of megabytes wait for the garbage collector.
 */
export function chunkReader(stream: ReadableStream<Uint8Array>): ChunkReader {
  const own = ownBuffers(stream);
  if (!own) {
    const reader = stream.getReader();
    return { read: async () => (await reader.read()).value };
  }
  let buffer = new ArrayBuffer(chunkBytes);
  return {
    async read() {
      // The buffer is taken from us, and comes back with what was read.
      const { done, value } = await own.read(new Uint8Array(buffer));
      if (done || !value) return undefined;
      buffer = value.buffer as ArrayBuffer;
      return value;
    },
  };
}

function ownBuffers(stream: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | undefined {
  try {
    return stream.getReader({ mode: "byob" });
  } catch {
    // No byte stream: an older browser, or a response that a caller's own fetch made.
    return undefined;
  }
}
