/** What broke while it was kept: it must not be used. */
export class UnsoundPart extends Error {
  override readonly name = "UnsoundPart";
}

/** A file as far as it has come, piece by piece. */
export interface Part {
  /** How many bytes are here. */
  readonly bytes: number;
  /** What the server said by which it tells whether the file has changed. */
  readonly validator: string | undefined;
  /** Begins anew: forgets what is here. `total` is the whole file's size, where it is known. */
  begin(validator: string | undefined, total?: number): Promise<void>;
  /** Adds bytes at the end; the caller may write to them afterwards. */
  append(bytes: Uint8Array): Promise<void>;
  /**
   * What is here, from the start; each piece is valid until the next is asked for.
   *
   * @throws UnsoundPart where it is not what came.
   */
  pieces(): AsyncIterable<Uint8Array>;
  /**
   * The file is here: gives its content.
   *
   * @throws UnsoundPart where it is not what came.
   */
  finish(signal: AbortSignal | undefined): Promise<Uint8Array>;
  /** Gives back what is here. */
  discard(): Promise<void>;
}

/** Bytes of all pieces, one after the other. Holds them once, beside the piece. */
export async function joined(
  pieces: AsyncIterable<Uint8Array>,
  bytes: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for await (const piece of pieces) {
    signal?.throwIfAborted();
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
