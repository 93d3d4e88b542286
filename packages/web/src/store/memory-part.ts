import { joined, type Part } from "./part.js";

/** A part in memory, for where nothing can be kept. It goes with the page. */
export function memoryPart(): Part {
  let pieces: Uint8Array[] = [];
  let bytes = 0;
  let validator: string | undefined;

  async function* all(): AsyncGenerator<Uint8Array> {
    yield* pieces;
  }

  /** Lets go of each piece as it is taken, so that the file is never here twice. */
  async function* taken(): AsyncGenerator<Uint8Array> {
    pieces.reverse();
    for (let piece = pieces.pop(); piece; piece = pieces.pop()) yield piece;
  }

  return {
    get bytes() {
      return bytes;
    },
    get validator() {
      return validator;
    },
    async begin(now) {
      pieces = [];
      bytes = 0;
      validator = now;
    },
    async append(piece) {
      pieces.push(piece.slice());
      bytes += piece.length;
    },
    pieces: all,
    async finish(signal) {
      const total = bytes;
      bytes = 0;
      validator = undefined;
      return joined(taken(), total, signal);
    },
    async discard() {
      pieces = [];
      bytes = 0;
    },
  };
}
