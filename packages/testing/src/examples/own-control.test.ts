import { type Control, type ControlStrength, checkStrength, floatTensor } from "@underpaint/core";
import { controlChecks } from "@underpaint/testing";
import { describe, it } from "vitest";

/** Adds a constant to the middle block's end, in every place and channel. */
function nudge({ by = 0.1, ...strength }: ControlStrength & { by?: number } = {}): Control {
  checkStrength(strength, "nudge");
  return {
    name: "nudge",
    options: { by },
    strength,
    async start({ ports: { mid }, signal }) {
      signal?.throwIfAborted();
      const value = floatTensor([1, mid.channels, 1, 1], new Float32Array(mid.channels).fill(by));
      return async () => ({ mid: value, scope: "run" });
    },
  };
}

describe("nudge", () => {
  const refuses = [() => nudge({ weight: 11 })];
  for (const check of controlChecks(nudge, { feedsPreview: false, refuses })) {
    it(check.name, check.run);
  }
});
