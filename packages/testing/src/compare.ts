import type { FloatTensor } from "@underpaint/core";
import { fail, need } from "./check.js";

/** Whether two arrays hold the same bits: NaN equals itself, and −0 is not 0. */
export function sameBits(a: Float32Array, b: Float32Array): boolean {
  const [left, right] = [bits(a), bits(b)];
  return left.length === right.length && left.every((word, i) => word === right[i]);
}

function bits(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}

/** Ends a check unless the tensors of both lists are the same, bit for bit. */
export function needSameStates(
  found: readonly FloatTensor[],
  expected: readonly FloatTensor[],
  message: string,
): void {
  need(
    found.length === expected.length,
    () => `${message}: ${found.length} steps, expected ${expected.length}`,
  );
  expected.forEach((state, step) => {
    const other = found[step]!;
    if (sameBits(other.data, state.data)) return;
    const at = state.data.findIndex((value, i) => !Object.is(value, other.data[i]));
    fail(
      `${message}: after step ${step}, element ${at} is ${other.data[at]}, expected ${state.data[at]}`,
    );
  });
}

/** Whether two values made of JSON's parts are the same. NaN is nothing of JSON's. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  const same = (key: string) =>
    Object.hasOwn(b, key) &&
    sameJson((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]);
  return keys.length === Object.keys(b).length && keys.every(same);
}

/**
 * The options after a way through JSON text, as a recipe holds them. Ends the check where they do
 * not survive it.
 */
export function throughJson(options: unknown): Readonly<Record<string, unknown>> {
  need(
    typeof options === "object" && options !== null && !Array.isArray(options),
    "options is not an object",
  );
  const parsed = JSON.parse(JSON.stringify(options)) as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(options)) {
    const [before, after] = [(options as Record<string, unknown>)[key], parsed[key]];
    need(sameJson(before, after) && Object.hasOwn(parsed, key), () => {
      const kept = Object.hasOwn(parsed, key) ? JSON.stringify(after) : "nothing";
      return `options.${key} is no plain JSON: of ${String(before)}, JSON keeps ${kept}`;
    });
  }
  return parsed;
}
