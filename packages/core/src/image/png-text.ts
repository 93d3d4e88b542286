import { UnderpaintError } from "../errors.js";
import { inflate } from "./inflate.js";
import { asBytes, invalidPng, join, readChunks, writeChunk } from "./png-chunks.js";

/** Options of {@link readPngText}. */
export interface ReadTextOptions {
  /** The most bytes that all texts together may have, decompressed; 16 MiB when left out. */
  readonly maxBytes?: number;
}

/**
 * The texts of a PNG file by keyword (chunks tEXt, zTXt and iTXt), without decoding its pixels.
 * Of two texts with one keyword the first counts.
 *
 * @throws UnderpaintError `invalid-image` when `bytes` is no PNG or a broken one, or its texts are
 * larger than is allowed.
 */
export function readPngText(
  bytes: Uint8Array | ArrayBuffer,
  { maxBytes = 2 ** 24 }: ReadTextOptions = {},
): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  let left = maxBytes;
  let inflated = 0;
  for (const { type, data } of readChunks(asBytes(bytes))) {
    if (type !== "tEXt" && type !== "zTXt" && type !== "iTXt") continue;
    const { keyword, content, compressed, utf8 } = splitTextChunk(type, data);
    if (compressed && ++inflated > mostCompressed) {
      throw invalidPng("has too many compressed texts", inflated);
    }
    const text = compressed ? inflateText(content, left) : content;
    left -= text.length;
    if (!(left >= 0)) throw tooMuchText(maxBytes);
    if (!texts.has(keyword)) texts.set(keyword, utf8 ? fromUtf8(text) : fromLatin1(text));
  }
  return texts;

  function inflateText(content: Uint8Array, limit: number): Uint8Array {
    const parts: Uint8Array[] = [];
    const length = inflate(content, limit, "a text", (part) => parts.push(part));
    if (length > limit) throw tooMuchText(maxBytes);
    return join(parts);
  }
}

/** Each costs some 200 KiB of working memory for a moment, however short it is. */
const mostCompressed = 1024;

function tooMuchText(maxBytes: number): UnderpaintError {
  return new UnderpaintError({
    code: "invalid-image",
    what: "the PNG's texts are too long",
    allowed: `${maxBytes} bytes`,
  });
}

interface TextChunk {
  readonly keyword: string;
  readonly content: Uint8Array;
  readonly compressed: boolean;
  readonly utf8: boolean;
}

/** PNG specification, third edition, sections 11.3.3.2 to 11.3.3.4. */
function splitTextChunk(type: "tEXt" | "zTXt" | "iTXt", data: Uint8Array): TextChunk {
  const keywordEnd = data.indexOf(0);
  if (keywordEnd < 1 || keywordEnd > 79) throw invalidPng("has a text without a keyword", type);
  const keyword = fromLatin1(data.subarray(0, keywordEnd));
  if (type === "tEXt") {
    return { keyword, content: data.subarray(keywordEnd + 1), compressed: false, utf8: false };
  }
  const utf8 = type === "iTXt";
  const compressed = !utf8 || data[keywordEnd + 1] === 1;
  const method = data[keywordEnd + (utf8 ? 2 : 1)];
  if (method === undefined || (compressed && method !== 0)) {
    throw invalidPng("has a text that is compressed in an unknown way", keyword);
  }
  if (!utf8) return { keyword, content: data.subarray(keywordEnd + 2), compressed, utf8 };
  const languageEnd = data.indexOf(0, keywordEnd + 3);
  const translationEnd = languageEnd < 0 ? -1 : data.indexOf(0, languageEnd + 1);
  if (translationEnd < 0) throw invalidPng("has a text that is cut off", keyword);
  return { keyword, content: data.subarray(translationEnd + 1), compressed, utf8 };
}

/** Not TextDecoder's "latin1", which is Windows-1252. */
function fromLatin1(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 4096) {
    text += String.fromCharCode(...bytes.subarray(i, i + 4096));
  }
  return text;
}

function fromUtf8(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

/**
 * A text chunk as it stands in a file: tEXt where Latin-1 can say it, as Pillow decides too, iTXt
 * in UTF-8 otherwise; never compressed.
 *
 * @throws UnderpaintError `invalid-request` for a keyword or a text that PNG does not allow.
 */
export function writeTextChunk(keyword: string, text: string): Uint8Array<ArrayBuffer> {
  if (!/^(?! )(?!.* ( |$))[\x20-\x7e\xa1-\xff]{1,79}$/.test(keyword)) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: "a PNG text's keyword is not allowed",
      value: keyword,
      allowed: "1 to 79 printable Latin-1 characters, without spaces at its ends or two in a row",
    });
  }
  if (typeof text !== "string" || text.includes("\0")) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: `the PNG text ${JSON.stringify(keyword)} is no string without NUL characters`,
      value: text,
    });
  }
  if (isLatin1(text)) return writeChunk("tEXt", toLatin1(`${keyword}\0${text}`));
  const head = toLatin1(`${keyword}\0\0\0\0\0`);
  const body = new TextEncoder().encode(text);
  const data = new Uint8Array(head.length + body.length);
  data.set(head);
  data.set(body, head.length);
  return writeChunk("iTXt", data);
}

function isLatin1(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 255) return false;
  return true;
}

function toLatin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}
