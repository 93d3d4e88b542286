import { readFileSync } from "node:fs";
import { inflateSync } from "node:zlib";
import { createImage, decodePng, type RgbaImage } from "@underpaint/core";
import { fitHint } from "../fit-hint.js";

/** What a fixture says about the picture that it was made of. */
export interface Source {
  readonly picture?: string | undefined;
  /** x, y, width, height. */
  readonly crop?: readonly number[] | undefined;
  /** Brought to this resolution by the annotators' rule. */
  readonly fit?: number | undefined;
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  readonly seed?: number | undefined;
}

const folder = new URL("../../../../../fixtures/hints/pictures/", import.meta.url);

/** A picture of fixtures/hints/pictures. */
export function readPicture(name: string): RgbaImage {
  return decodePng(readFileSync(new URL(`${name}.png`, folder)));
}

/** The bytes that tools/reference/hints.py makes of a seed: a linear congruential generator. */
export function noise(count: number, seed: number): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(count);
  let state = seed;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    out[i] = state >>> 24;
  }
  return out;
}

/** An opaque picture over red, green and blue. */
export function opaque(width: number, height: number, rgb: Uint8Array): RgbaImage {
  const data = new Uint8ClampedArray(4 * width * height).fill(255);
  for (let i = 0; i < width * height; i++) data.set(rgb.subarray(3 * i, 3 * i + 3), 4 * i);
  return createImage(width, height, data);
}

export function noisePicture(width: number, height: number, seed: number): RgbaImage {
  return opaque(width, height, noise(3 * width * height, seed));
}

/** The picture that a fixture was made of. */
export function sourcePicture(source: Source): RgbaImage {
  if (source.picture === undefined) {
    return noisePicture(source.width!, source.height!, source.seed!);
  }
  const image = readPicture(source.picture);
  if (source.fit !== undefined) return fitHint(image, { resolution: source.fit });
  return source.crop ? crop(image, source.crop) : image;
}

export function crop(image: RgbaImage, [x, y, width, height]: readonly number[]): RgbaImage {
  const out = createImage(width!, height!);
  for (let row = 0; row < height!; row++) {
    const from = 4 * ((y! + row) * image.width + x!);
    out.data.set(image.data.subarray(from, from + 4 * width!), 4 * row * width!);
  }
  return out;
}

/** Every `step`-th sample from `first` on: 4 and 0 are the reds of a picture. */
export function every(data: ArrayLike<number>, step: number, first: number): Uint8Array {
  return Uint8Array.from({ length: data.length / step }, (_, i) => data[step * i + first]!);
}

/** Red, green and blue of a picture that must be opaque. */
export function rgbOf({ data, width, height }: RgbaImage): Uint8Array {
  const out = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i++) {
    if (data[4 * i + 3] !== 255) throw new Error(`pixel ${i} is not opaque`);
    for (let c = 0; c < 3; c++) out[3 * i + c] = data[4 * i + c]!;
  }
  return out;
}

/** The one level of each pixel of a picture that must be opaque and grey. */
export function levelsOf(image: RgbaImage): Uint8Array {
  const rgb = rgbOf(image);
  const levels = every(rgb, 3, 0);
  levels.forEach((level, i) => {
    if (rgb[3 * i + 1] !== level || rgb[3 * i + 2] !== level)
      throw new Error(`pixel ${i} is not grey`);
  });
  return levels;
}

/** Bytes as hints.py packs them. */
export function unpack(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(inflateSync(Buffer.from(text, "base64")));
}

export function unpackFloats(text: string): Float32Array {
  return new Float32Array(unpack(text).buffer);
}

/** A map of 0 and 255 as hints.py packs it. */
export function unpackBits(text: string, count: number): Uint8Array {
  const bytes = unpack(text);
  return Uint8Array.from({ length: count }, (_, i) =>
    (bytes[i >> 3]! >> (7 - (i & 7))) & 1 ? 255 : 0,
  );
}

/** How many values differ, and by how much at most. */
export function difference(
  found: ArrayLike<number>,
  expected: ArrayLike<number>,
): { count: number; most: number } {
  if (found.length !== expected.length) {
    throw new Error(`${found.length} values, not ${expected.length}`);
  }
  let count = 0;
  let most = 0;
  for (let i = 0; i < found.length; i++) {
    const by = Math.abs(found[i]! - expected[i]!);
    if (by > 0) count++;
    most = Math.max(most, by);
  }
  return { count, most };
}

export const none = { count: 0, most: 0 };
