import { encode } from "fast-png";
import type { UnderpaintError } from "../errors.js";
import { checkImage, checkSize, createImage, maxImagePixels, type RgbaImage } from "./image.js";
import { highestRatio, inflate } from "./inflate.js";
import { asBytes, invalidPng, join, readChunks } from "./png-chunks.js";
import { decodePixels, type PngHeader, rawLength } from "./png-pixels.js";
import { writeTextChunk } from "./png-text.js";

/** Options of {@link decodePng}. */
export interface DecodePngOptions {
  /** The most pixels that the picture may have; {@link maxImagePixels} at most, and when left out. */
  readonly maxPixels?: number;
}

/**
 * The picture of a PNG file: every colour type and bit depth, palettes, transparent colours,
 * interlaced or not. 16 bits become 8 by rounding. Of an animation it is the still picture; colour
 * profiles and gamma are not applied.
 *
 * The file is not trusted: its header is checked before anything is decompressed, decompression
 * stops where the header's size is exceeded, and every chunk's checksum must match.
 *
 * @throws UnderpaintError `invalid-image` when `bytes` is no PNG, is damaged or cut off, or has
 * more pixels than is allowed.
 */
export function decodePng(
  bytes: Uint8Array | ArrayBuffer,
  { maxPixels = maxImagePixels }: DecodePngOptions = {},
): RgbaImage {
  const bound = Math.min(maxPixels, maxImagePixels);
  const { header, palette, transparency, parts } = collect(asBytes(bytes), bound);
  const compressed = join(parts);
  const length = rawLength(header);
  // Refused before anything is allocated: so little cannot decompress to so much.
  if (compressed.length * highestRatio < length) throw invalidPng("has too little pixel data");
  const raw = new Uint8Array(length);
  const found = inflate(compressed, length, "pixel data", (part, at) => raw.set(part, at));
  if (found > length) throw invalidPng("has more pixel data than its size needs");
  if (found < length) throw invalidPng("has too little pixel data");
  const data = decodePixels(header, raw, { palette, transparency });
  return createImage(header.width, header.height, data);
}

interface PngParts {
  readonly header: PngHeader;
  readonly palette: Uint8Array | undefined;
  readonly transparency: Uint8Array | undefined;
  /** The contents of the IDAT chunks. */
  readonly parts: readonly Uint8Array[];
}

function collect(bytes: Uint8Array, maxPixels: number): PngParts {
  let header: PngHeader | undefined;
  let palette: Uint8Array | undefined;
  let transparency: Uint8Array | undefined;
  const parts: Uint8Array[] = [];
  let previous = "";
  for (const { type, data } of readChunks(bytes)) {
    if (header === undefined) {
      if (type !== "IHDR") throw invalidPng("does not begin with its header", type);
      header = readHeader(data, maxPixels);
    } else if (type === "IDAT") {
      if (parts.length > 0 && previous !== "IDAT") throw misplaced(type);
      parts.push(data);
    } else if (type === "PLTE") {
      if (palette || parts.length > 0) throw misplaced(type);
      palette = readPalette(data, header);
    } else if (type === "tRNS") {
      if (transparency || parts.length > 0) throw misplaced(type);
      transparency = readTransparency(data, header, palette);
    } else if (type !== "IEND" && /^[A-Z]/.test(type)) {
      throw invalidPng("has a chunk that must be understood and is not", type);
    }
    previous = type;
  }
  if (!header || parts.length === 0) throw invalidPng("has no pixel data");
  if (header.colourType === 3 && !palette) throw invalidPng("has no palette");
  return { header, palette, transparency, parts };
}

function misplaced(type: string): UnderpaintError {
  return invalidPng("has a chunk in the wrong place", type);
}

/** The bit depths of each colour type: PNG specification, third edition, section 11.2.1. */
const depthsByType: Readonly<Record<number, readonly number[]>> = {
  0: [1, 2, 4, 8, 16],
  2: [8, 16],
  3: [1, 2, 4, 8],
  4: [8, 16],
  6: [8, 16],
};

function readHeader(data: Uint8Array, maxPixels: number): PngHeader {
  if (data.length !== 13) throw invalidPng("has a broken header");
  const view = new DataView(data.buffer, data.byteOffset, 13);
  const [width, height] = [view.getUint32(0), view.getUint32(4)];
  checkSize(width, height, "the PNG", maxPixels);
  const [depth, colourType, compression, filter, interlace] = data.subarray(8);
  if (!depthsByType[colourType!]?.includes(depth!)) {
    throw invalidPng("has a colour type and bit depth that do not go together", [
      colourType,
      depth,
    ]);
  }
  if (compression !== 0 || filter !== 0 || interlace! > 1) {
    throw invalidPng("is compressed, filtered or interlaced in an unknown way");
  }
  return { width, height, depth: depth!, colourType: colourType!, interlaced: interlace === 1 };
}

function readPalette(data: Uint8Array, { colourType }: PngHeader): Uint8Array {
  if (data.length === 0 || data.length % 3 !== 0 || data.length > 768) {
    throw invalidPng("has a palette of a length that cannot be", data.length, "bytes");
  }
  if (colourType === 0 || colourType === 4) throw misplaced("PLTE");
  return data;
}

function readTransparency(
  data: Uint8Array,
  { colourType }: PngHeader,
  palette: Uint8Array | undefined,
): Uint8Array {
  const fits =
    colourType === 3
      ? palette !== undefined && data.length <= palette.length / 3
      : data.length === { 0: 2, 2: 6 }[colourType];
  if (!fits) throw invalidPng("has transparency of a length that cannot be", data.length, "bytes");
  return data;
}

/** Options of {@link encodePng}. */
export interface EncodePngOptions {
  /** Texts by keyword, written before the pixels: Latin-1 as tEXt, all else as iTXt. */
  readonly text?: Readonly<Record<string, string>>;
}

/**
 * A PNG file of 8-bit RGB, or RGBA where a pixel is not opaque. The same picture and texts give
 * the same bytes on every machine (with the same version of fflate, which compresses them).
 *
 * @throws UnderpaintError `invalid-image` for what is no picture, `invalid-request` for a keyword
 * or a text that PNG does not allow.
 */
export function encodePng(
  image: RgbaImage,
  { text = {} }: EncodePngOptions = {},
): Uint8Array<ArrayBuffer> {
  const { width, height, data } = checkImage(image);
  const texts = Object.entries(text).map(([keyword, value]) => writeTextChunk(keyword, value));
  const opaque = withoutAlpha(data);
  const file = encode(
    { width, height, data: opaque ?? data, channels: opaque ? 3 : 4, depth: 8 },
    // The memory level is given because fflate's own choice depends on Math.log.
    { zlib: { level: 6, mem: 4 } },
  );
  return join([file.subarray(0, headerEnd), ...texts, file.subarray(headerEnd)]).slice();
}

/** Signature and IHDR. */
const headerEnd = 33;

/** The colours alone, or undefined when a pixel is not opaque. */
function withoutAlpha(data: Uint8ClampedArray): Uint8Array | undefined {
  const out = new Uint8Array((data.length / 4) * 3);
  for (let from = 0, to = 0; from < data.length; from += 4) {
    if (data[from + 3] !== 255) return undefined;
    out[to++] = data[from]!;
    out[to++] = data[from + 1]!;
    out[to++] = data[from + 2]!;
  }
  return out;
}
