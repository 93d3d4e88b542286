import type { FileHandle } from "node:fs/promises";

const windowBytes = 1 << 16;

/** Reads a file at any place, 64 KiB at a time, so that what is skipped is never read. */
export interface FileWindow {
  readonly size: number;
  /** The byte at a place; undefined past the end. */
  byte(at: number): Promise<number | undefined>;
  /** The bytes of a place, cut at the end of the file. */
  bytes(at: number, length: number): Promise<Uint8Array>;
}

/** A window over an open file. */
export async function fileWindow(handle: FileHandle): Promise<FileWindow> {
  const { size } = await handle.stat();
  const buffer = new Uint8Array(windowBytes);
  let start = 0;
  let end = 0;

  return {
    size,
    async byte(at) {
      if (at < start || at >= end) {
        const { bytesRead } = await handle.read(buffer, 0, windowBytes, at);
        start = at;
        end = at + bytesRead;
      }
      return at < end ? buffer[at - start] : undefined;
    },
    async bytes(at, length) {
      const wanted = Math.max(0, Math.min(length, size - at));
      const out = new Uint8Array(wanted);
      const { bytesRead } = await handle.read(out, 0, wanted, at);
      return out.subarray(0, bytesRead);
    },
  };
}
