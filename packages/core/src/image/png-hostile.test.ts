import { deflateSync } from "node:zlib";
import { describe, expect, it, vi } from "vitest";
import fixtures from "../../../../fixtures/images/png.json" with { type: "json" };
import texts from "../../../../fixtures/images/png-text.json" with { type: "json" };
import { isUnderpaintError } from "../errors.js";
import { createImage } from "./image.js";
import { decodePng, encodePng } from "./png.js";
import { writeChunk } from "./png-chunks.js";
import { readPngText } from "./png-text.js";

/**
 * Counts the bytes of every typed array that is made, fflate's too. Hoisted above the imports,
 * because fflate keeps the constructors that it finds when it is loaded.
 */
const made = vi.hoisted(() => {
  const count = { bytes: 0 };
  for (const name of ["Uint8Array", "Uint8ClampedArray", "Uint16Array", "Int32Array"] as const) {
    const counting = new Proxy(globalThis[name], {
      construct(original, args, newTarget) {
        const array = Reflect.construct(original, args, newTarget) as Uint8Array;
        if (!(args[0] instanceof ArrayBuffer)) count.bytes += array.byteLength;
        return array;
      },
    });
    Object.defineProperty(globalThis, name, { value: counting });
  }
  return count;
});

/** The bytes that `work` makes arrays of. */
function allocated(work: () => void): number {
  const before = made.bytes;
  work();
  return made.bytes - before;
}

/** What `work` refuses its file with. */
function refusal(work: () => void): string {
  try {
    work();
  } catch (error) {
    if (isUnderpaintError(error, "invalid-image")) return error.message;
    throw error;
  }
  return "nothing";
}

const fromBase64 = (text: string) => Uint8Array.from(Buffer.from(text, "base64"));
const signature = Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10);
const png = (...chunks: Uint8Array[]) => new Uint8Array(Buffer.concat([signature, ...chunks]));
const idat = (raw: Uint8Array) => writeChunk("IDAT", deflateSync(raw));
const iend = writeChunk("IEND", new Uint8Array());

function header(width: number, height: number, depth: number, colourType: number): Uint8Array {
  const data = new Uint8Array(13);
  const view = new DataView(data.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  data.set([depth, colourType], 8);
  return writeChunk("IHDR", data);
}

// What fflate makes for one piece of 2048 bytes. It keeps a window of 32 KiB and makes sure of
// 128 KiB more; its buffer doubles until that and the piece's output fit, so that all its sizes
// together are less than four times the need. Copies of output, window and unread input follow.
const [piece, window, margin] = [2048, 2 ** 15, 2 ** 17];
const pieceCost = (output: number) => 4 * (window + margin + output) + output + window + 2 * piece;
/** Of all pieces of `size` bytes, of which one may yield more than was agreed to. */
const inflateCost = (size: number, limit: number) =>
  pieceCost(Math.min(piece, size) * 1032) + Math.ceil(size / piece) * pieceCost(0) + 6 * limit;
const largestPiece = pieceCost(piece * 1032);

describe("a hostile PNG", () => {
  it("is not decompressed beyond what its header announces", () => {
    const bomb = png(header(16, 16, 8, 6), idat(new Uint8Array(50_000_000)), iend);
    let message = "";
    const bytes = allocated(() => {
      message = refusal(() => decodePng(bomb));
    });
    expect(message).toMatch(/more pixel data/);
    const announced = 16 * (1 + 64);
    // The lower bound shows that fflate's arrays are counted.
    expect(bytes).toBeGreaterThan(announced + window + margin);
    expect(bytes).toBeLessThan(announced + largestPiece);
  });

  it("allocates nothing for a large header over little data", () => {
    const liar = png(header(8192, 8192, 16, 6), idat(new Uint8Array(10)), iend);
    let message = "";
    const bytes = allocated(() => {
      message = refusal(() => decodePng(liar));
    });
    expect(message).toMatch(/too little pixel data/);
    expect(bytes).toBe(0);
  });

  it("costs no more than its size where much follows the pixel data's end", () => {
    const packed = deflateSync(new Uint8Array(100));
    const data = new Uint8Array(2_000_000);
    data.set(packed);
    const file = png(header(1000, 1000, 8, 0), writeChunk("IDAT", data), iend);
    let message = "";
    const bytes = allocated(() => {
      message = refusal(() => decodePng(file));
    });
    expect(message).toMatch(/too little pixel data/);
    // Gathering all of it piece by piece would be 2 GB.
    expect(bytes).toBeLessThan(60_000_000);
  });

  it("inflates no text or profile while decoding, and bounded text while reading", () => {
    const bomb = deflateSync(new Uint8Array(30_000_000).fill(65));
    const text = writeChunk("zTXt", Uint8Array.of(97, 0, 0, ...bomb));
    const profile = writeChunk("iCCP", Uint8Array.of(97, 0, 0, ...bomb));
    const file = png(header(1, 1, 8, 2), text, profile, idat(new Uint8Array(4)), iend);
    expect(allocated(() => decodePng(file))).toBeLessThan(pieceCost(4) + 100);
    let message = "";
    const bytes = allocated(() => {
      message = refusal(() => readPngText(file, { maxBytes: 100_000 }));
    });
    expect(message).toMatch(/texts are too long; allowed: 100000 bytes/);
    expect(bytes).toBeLessThan(largestPiece);
  });

  it("cannot have us decompress any number of texts", () => {
    const text = (i: number) =>
      writeChunk("zTXt", Uint8Array.of(97, 97 + (i >> 8), 1 + (i & 127), 0, 0, ...deflateSync("")));
    const file = (count: number) =>
      png(header(1, 1, 8, 2), ...Array.from({ length: count }, (_, i) => text(i)), iend);
    expect(refusal(() => readPngText(file(1024)))).toBe("nothing");
    expect(refusal(() => readPngText(file(1025)))).toMatch(/too many compressed texts/);
  });

  it("throws nothing but UnderpaintError, and stays within bounds, on 2,000 mutations", () => {
    const seeds = [...fixtures.cases, ...texts.cases].map((fixture) => fromBase64(fixture.png));
    const picture = createImage(
      20,
      15,
      new Uint8ClampedArray(1200).map((_, i) => i % 251),
    );
    seeds.push(encodePng(picture, { text: { a: "猫", b: "cat" } }));
    let state = 1;
    const random = (below: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const outcomes = { whole: 0, refused: 0 };
    const [maxPixels, maxBytes] = [4096, 20_000];
    // Pixel data of at most 8 bytes a pixel and its filter bytes; RGBA.
    const limit = maxPixels * 10;
    for (let round = 0; round < 2000; round++) {
      let file = seeds[random(seeds.length)]!.slice();
      for (let change = 0; change <= random(4); change++) {
        const at = random(file.length);
        const kind = random(4);
        if (kind === 0) file[at] = random(256);
        else if (kind === 1) file[at]! ^= 1 << random(8);
        else if (kind === 2) file = file.slice(0, at);
        else file.copyWithin(at, random(file.length), random(file.length));
        if (file.length === 0) break;
      }
      // Three of four keep right checksums, so that the mutation reaches what lies behind them.
      if (random(4) > 0) file = repairChecksums(file);
      const attempt = (read: () => void) => {
        const message = refusal(read);
        if (message === "nothing") outcomes.whole++;
        else {
          expect(message).toMatch(/^[^\n]{10,400}\.$/);
          outcomes.refused++;
        }
      };
      const decoding = allocated(() => attempt(() => decodePng(file, { maxPixels })));
      expect(decoding).toBeLessThan(inflateCost(file.length, limit) + 4 * maxPixels + 10_000);
      const reading = allocated(() => attempt(() => readPngText(file, { maxBytes })));
      const several = 8 * pieceCost(0);
      expect(reading).toBeLessThan(inflateCost(file.length, maxBytes) + several + 10_000);
    }
    expect(outcomes.whole).toBeGreaterThan(300);
    expect(outcomes.refused).toBeGreaterThan(1000);
  });
});

/** The file with every chunk's checksum made right, as far as its lengths make sense. */
function repairChecksums(file: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const out = file.slice();
  const view = new DataView(out.buffer);
  for (let offset = 8; offset + 12 <= out.length; ) {
    const length = view.getUint32(offset);
    if (offset + 12 + length > out.length) break;
    const type = String.fromCharCode(...out.subarray(offset + 4, offset + 8));
    const data = out.slice(offset + 8, offset + 8 + length);
    out.set(writeChunk(type, data).subarray(8 + length), offset + 8 + length);
    offset += 12 + length;
  }
  return out;
}
