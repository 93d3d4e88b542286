import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Mask } from "../mask.js";

/** fixtures/painting/masks.json: see tools/reference/painting.py. */
export interface MaskFixtures {
  readonly masks: readonly {
    readonly width: number;
    readonly height: number;
    readonly mask: string;
    readonly dilated: Readonly<Record<string, string>>;
    readonly eroded: Readonly<Record<string, string>>;
    readonly blurred: Readonly<Record<string, string>>;
  }[];
  readonly crops: readonly {
    readonly picture: readonly [number, number];
    readonly bounds: readonly [number, number, number, number];
    readonly size: readonly [number, number];
    readonly padding: number;
    readonly region: readonly [number, number, number, number];
  }[];
}

export const maskFixtures = JSON.parse(
  readFileSync(
    fileURLToPath(new URL("../../../../../fixtures/painting/masks.json", import.meta.url)),
    "utf8",
  ),
) as MaskFixtures;

/** Bytes of base64. */
export function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "base64"));
}

/** Float32 values of base64. */
export function floatsOf(text: string): Float32Array {
  return new Float32Array(bytesOf(text).slice().buffer);
}

/** A mask drawn in characters: "#" is 255, "+" 128, anything else 0. */
export function drawn(...rows: readonly string[]): Mask {
  const data = Uint8Array.from(rows.join(""), (c) => (c === "#" ? 255 : c === "+" ? 128 : 0));
  return { width: rows[0]!.length, height: rows.length, data };
}

/** A rectangle of 255 in a mask of 0. */
export function rectangle(
  width: number,
  height: number,
  [x, y, w, h]: readonly [number, number, number, number],
): Mask {
  const data = new Uint8Array(width * height);
  for (let row = y; row < y + h; row++) data.fill(255, row * width + x, row * width + x + w);
  return { width, height, data };
}
