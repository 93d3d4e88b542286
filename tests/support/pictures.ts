import { fileURLToPath } from "node:url";

/** The smallest model of the fixtures, as Node and as a test page find it. */
export const tinyModel = {
  folder: fileURLToPath(new URL("../../fixtures/models/tiny", import.meta.url)),
  path: "/fixtures/models/tiny/",
} as const;

/** The largest difference of two pictures' samples; infinite where one has more of them. */
export function worstDifference(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (found.length !== expected.length || found.length === 0) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (let i = 0; i < found.length; i++) {
    worst = Math.max(worst, Math.abs(found[i]! - expected[i]!));
  }
  return worst;
}
