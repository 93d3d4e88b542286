import { createHash } from "node:crypto";
import { deflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import fixtures from "../../../../fixtures/images/png.json" with { type: "json" };
import { isUnderpaintError } from "../errors.js";
import { createImage, type RgbaImage } from "./image.js";
import { decodePng, encodePng } from "./png.js";
import { readChunks, writeChunk } from "./png-chunks.js";

const fromBase64 = (text: string) => Uint8Array.from(Buffer.from(text, "base64"));
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const signature = Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10);
const png = (...chunks: Uint8Array[]) => new Uint8Array(Buffer.concat([signature, ...chunks]));

function header(width: number, height: number, depth = 8, colourType = 2, rest = [0, 0, 0]) {
  const data = new Uint8Array(13);
  const view = new DataView(data.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  data.set([depth, colourType, ...rest], 8);
  return writeChunk("IHDR", data);
}

const idat = (raw: Uint8Array) => writeChunk("IDAT", deflateSync(raw));
const iend = writeChunk("IEND", new Uint8Array());

/** What `decodePng` refuses `bytes` with. */
function refusal(bytes: Uint8Array, options = {}): string {
  try {
    decodePng(bytes, options);
  } catch (error) {
    if (isUnderpaintError(error, "invalid-image")) return error.message;
    throw error;
  }
  return "nothing";
}

function testImage(width: number, height: number, opaque: boolean): RgbaImage {
  const data = new Uint8ClampedArray(4 * width * height);
  for (let i = 0; i < data.length; i++) data[i] = (i * 37 + (i >> 4)) % 251;
  if (opaque) for (let i = 3; i < data.length; i += 4) data[i] = 255;
  return createImage(width, height, data);
}

describe("decodePng", () => {
  it.each(fixtures.cases)("reads $name as the reference does", (fixture) => {
    const image = decodePng(fromBase64(fixture.png));
    expect([image.width, image.height]).toEqual([fixture.width, fixture.height]);
    if (fixture.rgba !== undefined) {
      expect(Buffer.from(image.data.buffer).toString("base64")).toBe(fixture.rgba);
    } else {
      expect(sha256(new Uint8Array(image.data.buffer))).toBe(fixture.rgba_sha256);
    }
  });

  it("reads a view into a larger buffer, and an ArrayBuffer", () => {
    const file = encodePng(testImage(3, 2, true));
    const large = new Uint8Array(file.length + 9);
    large.set(file, 5);
    const expected = testImage(3, 2, true);
    expect(decodePng(large.subarray(5, 5 + file.length))).toEqual(expected);
    expect(decodePng(file.buffer)).toEqual(expected);
  });

  it("looks at the low bits of a transparent colour alone, as the specification says", () => {
    const key = writeChunk("tRNS", Uint8Array.of(0xff, 0xfd));
    const file = png(header(4, 1, 2, 0), key, idat(Uint8Array.of(0, 0b00011011)), iend);
    const levels = [0, 85, 170, 255];
    expect([...decodePng(file).data]).toEqual(
      levels.flatMap((level) => [level, level, level, level === 85 ? 0 : 255]),
    );
  });

  it("ignores what follows the end, unknown optional chunks and animation frames", () => {
    const chunks = [...readChunks(encodePng(testImage(4, 4, false)))].map(({ type, data }) =>
      writeChunk(type, data),
    );
    const extra = writeChunk("fdAT", Uint8Array.of(1, 2, 3, 4, 5));
    const file = png(...chunks.slice(0, -1), extra, iend, Uint8Array.of(1, 2, 3));
    expect(decodePng(file)).toEqual(testImage(4, 4, false));
  });

  it.each<[string, () => Uint8Array, RegExp]>([
    ["nothing", () => new Uint8Array(), /no PNG \(found "an empty file"\); allowed: PNG/],
    ["a JPEG", () => Uint8Array.of(0xff, 0xd8, 0xff, 0xe0), /no PNG \(found "a JPEG"\)/],
    ["text", () => new TextEncoder().encode("hello there"), /no PNG \(found "hello there"\)/],
    ["a signature alone", () => png(), /cut off/],
    ["no pixel data", () => png(header(1, 1), iend), /no pixel data/],
    ["no end", () => png(header(1, 1), idat(new Uint8Array(4))), /cut off/],
    ["a size of zero", () => png(header(0, 5), idat(new Uint8Array()), iend), /0 × 5/],
    ["a huge size", () => png(header(2 ** 32 - 1, 2 ** 32 - 1), iend), /4294967295 × 4294967295/],
    ["3 bits", () => png(header(1, 1, 3, 0), iend), /\[0, 3\]/],
    ["a palette of 16 bits", () => png(header(1, 1, 16, 3), iend), /\[3, 16\]/],
    ["colour type 5", () => png(header(1, 1, 8, 5), iend), /\[5, 8\]/],
    ["another interlacing", () => png(header(1, 1, 8, 2, [0, 0, 2]), iend), /unknown way/],
    ["a header at the wrong place", () => png(iend), /does not begin with its header/],
    ["no palette", () => png(header(1, 1, 8, 3), idat(new Uint8Array(2)), iend), /no palette/],
    [
      "a colour beyond the palette",
      () =>
        png(
          header(1, 1, 8, 3),
          writeChunk("PLTE", new Uint8Array(6)),
          idat(Uint8Array.of(0, 2)),
          iend,
        ),
      /beyond its palette \(found 2\)/,
    ],
    [
      "a palette after the pixels",
      () => png(header(1, 1), idat(new Uint8Array(4)), writeChunk("PLTE", new Uint8Array(3)), iend),
      /wrong place \(found "PLTE"\)/,
    ],
    [
      "pixels in two places",
      () =>
        png(
          header(1, 1),
          idat(new Uint8Array(4)),
          writeChunk("tIME", new Uint8Array(7)),
          idat(new Uint8Array(4)),
          iend,
        ),
      /wrong place \(found "IDAT"\)/,
    ],
    [
      "transparency of a wrong length",
      () => png(header(1, 1), writeChunk("tRNS", new Uint8Array(2)), iend),
      /transparency of a length/,
    ],
    ["an unknown vital chunk", () => png(header(1, 1), writeChunk("CgBI", iend), iend), /"CgBI"/],
    ["an unknown row filter", () => png(header(1, 1), idat(Uint8Array.of(5, 0, 0, 0)), iend), /5/],
    ["too few pixels", () => png(header(9, 9), idat(new Uint8Array(251)), iend), /too little/],
    [
      "too many pixels",
      () => png(header(9, 9), idat(new Uint8Array(253)), iend),
      /more pixel data/,
    ],
    [
      "truncated pixel data",
      () =>
        png(header(1, 1), writeChunk("IDAT", deflateSync(new Uint8Array(4)).slice(0, -5)), iend),
      /pixel data that cannot be decompressed/,
    ],
    [
      "pixel data that is not compressed",
      () => png(header(1, 1), writeChunk("IDAT", new Uint8Array(20)), iend),
      /pixel data that cannot be decompressed \(found "invalid zlib data"\)/,
    ],
    [
      "a wrong chunk checksum",
      () => {
        const file = encodePng(testImage(2, 2, true));
        file[50]! ^= 1;
        return file;
      },
      /does not match its checksum \(found "IDAT"\)/,
    ],
  ])("refuses %s in one sentence", (_, make, message) => {
    expect(refusal(make())).toMatch(message);
  });

  it("refuses every truncation", () => {
    const file = encodePng(testImage(12, 7, false), { text: { a: "b" } });
    for (let length = 0; length < file.length; length++) {
      expect(refusal(file.subarray(0, length))).toMatch(/cut off|no PNG/);
    }
  });

  it("refuses what is no file", () => {
    expect(() => decodePng("picture.png" as never)).toThrow(/another kind/);
  });

  it("honours maxPixels", () => {
    const file = encodePng(testImage(10, 10, true));
    expect(refusal(file, { maxPixels: 99 })).toMatch(/10 × 10/);
    expect(decodePng(file, { maxPixels: 100 }).width).toBe(10);
    expect(refusal(file, { maxPixels: Number.NaN })).toMatch(/10 × 10/);
  });
});

describe("encodePng", () => {
  it.each([true, false])("keeps every pixel (opaque: %s)", (opaque) => {
    const image = testImage(33, 17, opaque);
    const file = encodePng(image);
    expect(decodePng(file)).toEqual(image);
    expect(file[25]).toBe(opaque ? 2 : 6);
  });

  it("keeps the colours of transparent pixels", () => {
    const image = createImage(2, 1, Uint8ClampedArray.of(10, 20, 30, 0, 40, 50, 60, 1));
    expect(decodePng(encodePng(image)).data).toEqual(image.data);
  });

  it("writes the same bytes on every machine", () => {
    const file = encodePng(testImage(64, 48, true), { text: { parameters: "a cat", name: "猫" } });
    expect(
      encodePng(testImage(64, 48, true), { text: { parameters: "a cat", name: "猫" } }),
    ).toEqual(file);
    // Read back by Pillow 13.0.0 to the same pixels and texts when this digest was taken.
    expect(sha256(file)).toMatchInlineSnapshot(
      `"5a0622d987e993d51dd3dc8cbce719f7fcf85b79a265752b3187e2678e868e0e"`,
    );
  });

  it("refuses what is no picture", () => {
    expect(() => encodePng({ width: 2, height: 2, data: new Uint8ClampedArray(4) })).toThrow(
      /another length \(found 4\); allowed: 16/,
    );
  });
});
