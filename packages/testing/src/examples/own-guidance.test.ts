import { type Branch, classifierFree, type Guidance } from "@underpaint/core";
import { guidanceChecks } from "@underpaint/testing";
import { describe, it } from "vitest";

/** Classifier-free guidance in the middle of a run alone, as in arXiv 2404.07724. */
function inTheMiddle({ scale = 7.5 } = {}): Guidance {
  const inner = classifierFree({ scale });
  const branches: readonly Branch[] = ["negative", "positive"];
  return {
    name: "in-the-middle",
    options: { scale },
    branches,
    start() {
      const guide = inner.start();
      return async (predict, at) => {
        const isMiddle = at.index >= at.steps / 4 && at.index < (3 * at.steps) / 4;
        return isMiddle ? guide(predict, at) : (await predict(["positive"]))[0]!;
      };
    },
  };
}

describe("guidance in the middle", () => {
  for (const check of guidanceChecks(inTheMiddle, { refuses: [{ scale: -1 }] })) {
    it(check.name, check.run);
  }
});
