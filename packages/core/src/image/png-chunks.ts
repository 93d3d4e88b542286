import { UnderpaintError } from "../errors.js";

/** One chunk of a PNG file: PNG specification, third edition, section 5.3. */
export interface PngChunk {
  /** Four letters; an upper-case first one tells that a reader must know it. */
  readonly type: string;
  /** A view of the file. */
  readonly data: Uint8Array;
}

const signature = Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10);

/**
 * The chunks of a PNG file up to and with IEND, each checked when it is reached. What follows IEND
 * is ignored, as everywhere.
 *
 * @throws UnderpaintError `invalid-image` when `bytes` is no PNG, is cut off, or a checksum is
 * wrong.
 */
export function* readChunks(bytes: Uint8Array): Generator<PngChunk, void> {
  checkSignature(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let offset = signature.length; ; ) {
    if (offset + 12 > bytes.length) throw invalidPng("is cut off", bytes.length, "bytes");
    const length = view.getUint32(offset);
    const end = offset + 8 + length;
    if (end + 4 > bytes.length) throw invalidPng("is cut off", bytes.length, "bytes");
    const type = String.fromCharCode(...bytes.subarray(offset + 4, offset + 8));
    if (!/^[A-Za-z]{4}$/.test(type)) throw invalidPng("has a broken chunk", type);
    if (crc32(bytes, offset + 4, end) !== view.getUint32(end)) {
      throw invalidPng("is damaged: a chunk does not match its checksum", type);
    }
    yield { type, data: bytes.subarray(offset + 8, end) };
    if (type === "IEND") return;
    offset = end + 4;
  }
}

/** A chunk as it stands in a file: length, type, data, checksum. */
export function writeChunk(type: string, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(12 + data.length);
  const view = new DataView(out.buffer);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; i++) out[4 + i] = type.charCodeAt(i);
  out.set(data, 8);
  view.setUint32(8 + data.length, crc32(out, 4, 8 + data.length));
  return out;
}

/** Byte sequences one after another; a single one is returned as it is. */
export function join(parts: readonly Uint8Array[]): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    out.set(part, offset);
    offset += part.length;
  }
  return out;
}

/** The error for a PNG that is not right; `what` follows "the PNG". */
export function invalidPng(what: string, value?: unknown, unit?: string): UnderpaintError {
  return new UnderpaintError({
    code: "invalid-image",
    what: `the PNG ${what}`,
    ...(value === undefined ? {} : { value: unit ? `${String(value)} ${unit}` : value }),
    remedy: "save or download the picture again",
  });
}

/** A file's bytes, however they are held. */
export function asBytes(bytes: unknown): Uint8Array {
  if (ArrayBuffer.isView(bytes)) {
    return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  if (Object.prototype.toString.call(bytes) === "[object ArrayBuffer]") {
    return new Uint8Array(bytes as ArrayBuffer);
  }
  throw new UnderpaintError({
    code: "invalid-image",
    what: "a picture file's bytes are of another kind",
    value: bytes,
    allowed: "a Uint8Array or an ArrayBuffer",
  });
}

/** How other kinds of picture begin, for the error that names them. */
const otherKinds: readonly (readonly [name: string, beginning: RegExp])[] = [
  ["a JPEG", /^\xff\xd8\xff/],
  ["a WebP", /^RIFF.{4}WEBP/s],
  ["a GIF", /^GIF8/],
  ["an AVIF or HEIC", /^.{4}ftyp/s],
  ["a BMP", /^BM/],
  ["a TIFF", /^(II\*\0|MM\0\*)/],
  ["an SVG or HTML text", /^\s*</],
];

function checkSignature(bytes: Uint8Array): void {
  if (signature.every((byte, i) => bytes[i] === byte)) return;
  const beginning = String.fromCharCode(...bytes.subarray(0, 12));
  const kind = otherKinds.find(([, pattern]) => pattern.test(beginning))?.[0];
  throw new UnderpaintError({
    code: "invalid-image",
    what: "the picture file is no PNG",
    value: kind ?? (bytes.length === 0 ? "an empty file" : beginning),
    allowed: "PNG",
    remedy: "convert it to PNG first",
  });
}

/** The table of the checksum of ISO 3309, as the PNG specification's annex D gives it. */
const crcTable = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

function crc32(bytes: Uint8Array, start: number, end: number): number {
  let crc = -1;
  for (let i = start; i < end; i++) crc = crcTable[(crc ^ bytes[i]!) & 255]! ^ (crc >>> 8);
  return ~crc >>> 0;
}
