/**
 * A file, or what else holds bytes, read piece by piece: so a graph of gigabytes can be looked at
 * without its weights coming into memory.
 */
export interface ByteRange {
  /** In bytes. */
  readonly size: number;
  /**
   * The bytes from `offset`, `length` of them; fewer where the file ends earlier than `size` said.
   * They may be a view of memory that others hold, so they are not written to.
   */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** Bytes in memory as a {@link ByteRange}; nothing is copied. */
export function bytesRange(bytes: Uint8Array): ByteRange {
  return {
    size: bytes.length,
    read: async (offset, length) => bytes.subarray(offset, offset + length),
  };
}
