import { isUnderpaintError } from "@underpaint/core";
import { describe, expect, it } from "vitest";
import { dpmpp2m, karras } from "./index.js";
import { createScheduler, schedulerNames, schedulers } from "./registry.js";

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(isUnderpaintError(error, "invalid-request")).toBe(true);
    return (error as Error).message;
  }
  throw new Error("nothing was thrown");
}

describe("the registry", () => {
  it.each(schedulerNames)("makes %s again from its name and options as JSON", (name) => {
    const first = schedulers[name]!.create();
    expect(first.name).toBe(name);
    const recipe = JSON.parse(JSON.stringify({ name: first.name, options: first.options }));
    const second = createScheduler(recipe.name, recipe.options);
    expect(second.name).toBe(name);
    expect(second.options).toEqual(first.options);
  });

  it("says what each is good for, in a line", () => {
    for (const name of schedulerNames) {
      const { summary } = schedulers[name]!;
      expect(summary.length).toBeGreaterThan(20);
      expect(summary.length).toBeLessThan(90);
      expect(summary).toMatch(/\.$/);
    }
  });

  it("takes a spacing's name after the scheduler's", () => {
    expect(createScheduler("dpmpp-2m-karras").options).toEqual(
      dpmpp2m({ spacing: karras() }).options,
    );
    expect(createScheduler("dpmpp-2m-sde-exponential").name).toBe("dpmpp-2m-sde");
    expect(createScheduler("euler-ancestral-trailing").options).toEqual({
      spacing: { kind: "trailing" },
    });
  });

  it("tells of names, options and values that are none, with the nearest that is", () => {
    expect(messageOf(() => createScheduler("dpmp-2m"))).toContain("did you mean dpmpp-2m?");
    expect(messageOf(() => createScheduler("toString"))).toContain("no such scheduler");
    expect(messageOf(() => createScheduler("euler-sideways"))).toContain("no such scheduler");
    expect(messageOf(() => createScheduler("euler", { spacig: 1 }))).toContain(
      "did you mean spacing?",
    );
    expect(messageOf(() => createScheduler("euler", { spacing: { kind: "karas" } }))).toContain(
      "did you mean karras?",
    );
    expect(messageOf(() => createScheduler("ddim", { eta: 2 }))).toContain("0 to 1");
    expect(messageOf(() => createScheduler("ddim-karras"))).toContain("leading, trailing");
    expect(messageOf(() => createScheduler("heun", { clipSample: "yes" }))).toContain(
      "true or false",
    );
    expect(messageOf(() => createScheduler("dpmpp-2m", { solverOrder: 3 }))).toContain(
      "no such option",
    );
    expect(messageOf(() => createScheduler("unipc", { solverOrder: 4 }))).toContain("1 to 3");
    const spacing = { kind: "karras", sigmaMin: 5, sigmaMax: 2 };
    expect(messageOf(() => createScheduler("euler", { spacing }))).toContain("less than sigmaMax");
  });
});
