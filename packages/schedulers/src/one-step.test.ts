import type { NoiseModel } from "@underpaint/core";
import { describe, expect, it } from "vitest";
import { createScheduler } from "./registry.js";

const edm: NoiseModel = { kind: "edm", predictionType: "epsilon", sigmaData: 0.5 };
const flow: NoiseModel = {
  kind: "flow",
  predictionType: "flow_prediction",
  trainTimesteps: 1000,
};

describe("one step", () => {
  it.each([
    ["edm-euler", { spacing: { kind: "exponential" } }, edm],
    ["edm-dpm-multistep", { spacing: { kind: "exponential" } }, edm],
    ["flow-match-euler", { shiftTerminal: 0.1 }, flow],
    ["deis", {}, flow],
    ["sa-solver", {}, flow],
  ] as const)("of %s with %o is refused, two are not", (name, options, noiseModel) => {
    const scheduler = createScheduler(name, options);
    expect(() => scheduler.schedule(1, noiseModel)).toThrow(/one step.*found 1.*2 steps or more/);
    expect(scheduler.schedule(2, noiseModel).levels).toHaveLength(3);
  });
});
