import { open, realpath, stat } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, sep } from "node:path";
import type { ByteRange, GraphFiles } from "@underpaint/core";

/** An open file as a {@link ByteRange}: each read is one of the operating system's. */
export async function openRange(path: string): Promise<ByteRange & { close(): Promise<void> }> {
  const handle = await open(path);
  const { size } = await handle.stat();
  return {
    size,
    async read(offset, length) {
      const bytes = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
      let filled = 0;
      while (filled < bytes.length) {
        const { bytesRead } = await handle.read(
          bytes,
          filled,
          bytes.length - filled,
          offset + filled,
        );
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return bytes.subarray(0, filled);
    },
    close: () => handle.close(),
  };
}

/**
 * Graphs of this machine, for `editModel`. Weights may be where ONNX Runtime would look for them:
 * in the folder of the graph, or in that of the file that the graph's link leads to (a blob of the
 * hub's cache).
 */
export const graphFiles: GraphFiles = {
  async open(path) {
    const real = await realpath(path);
    return { ...(await openRange(real)), path: real };
  },
  async resolve(graph, location) {
    if (isAbsolute(location) || /^[a-zA-Z]:/.test(location)) return undefined;
    const folder = dirname(graph);
    const real = await realpath(join(folder, location)).catch(() => undefined);
    if (real === undefined || !(await stat(real)).isFile()) return undefined;
    const allowed = [await realpath(folder), dirname(await realpath(graph))];
    return allowed.some((place) => isInside(real, place)) ? real : undefined;
  },
};

function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}
