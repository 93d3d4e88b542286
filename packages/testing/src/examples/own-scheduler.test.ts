import { schedulerChecks } from "@underpaint/testing";
import { describe, it } from "vitest";
import { adamsBashforth } from "./own-scheduler.js";

describe("adams-bashforth", () => {
  for (const check of schedulerChecks(adamsBashforth, { order: 2, multistep: true })) {
    it(check.name, check.run);
  }
});
