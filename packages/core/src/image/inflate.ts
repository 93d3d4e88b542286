import { Unzlib } from "fflate";
import { invalidPng } from "./png-chunks.js";

/** The most that deflate can shrink data: 258 bytes in 2 bits. */
export const highestRatio = 1032;

/**
 * How much is handed to fflate at once: what comes of it is at most 2 MiB. Smaller pieces would
 * cost time, since fflate allocates and copies some 200 KiB for each.
 */
const pieceBytes = 2048;

/** A stored block, the longest thing that yields nothing until it is whole, and as much again. */
const longestSilence = 2 ** 17;

/**
 * Decompresses zlib data (RFC 1950 and 1951) piece by piece, and stops as soon as more comes out
 * than was agreed to, or nothing more does. However much a small file would decompress to, what it
 * can make us allocate beyond `limit` is what one piece yields, and fflate's buffers of a few times
 * that.
 *
 * What follows the end of the zlib data is ignored. Its checksum is not looked at, since fflate
 * does not tell where it stands: in a PNG every chunk has one of its own.
 *
 * @param limit how many bytes may come out.
 * @param what names the data in the error.
 * @param receive takes each part and its place; never past `limit`.
 * @returns how many bytes came out: more than `limit` where the data does not fit.
 * @throws UnderpaintError `invalid-image` when the data is broken or truncated.
 */
export function inflate(
  source: Uint8Array,
  limit: number,
  what: string,
  receive: (part: Uint8Array, at: number) => void,
): number {
  let length = 0;
  const stream = new Unzlib((part) => {
    const at = length;
    length += part.length;
    if (length <= limit) receive(part, at);
  });
  let silence = 0;
  try {
    for (let at = 0; length <= limit && silence < longestSilence; at += pieceBytes) {
      const before = length;
      const end = at + pieceBytes;
      stream.push(source.subarray(at, end), end >= source.length);
      if (end >= source.length) break;
      silence = length > before ? 0 : silence + pieceBytes;
    }
  } catch (error) {
    throw invalidPng(`has ${what} that cannot be decompressed`, (error as Error).message);
  }
  return length;
}
