import { readFileSync } from "node:fs";
import { schedulerChecks } from "@underpaint/testing";
import { describe, expect, it } from "vitest";
import { configClassNames } from "./config/from-config.js";
import { mySolver } from "./examples/own-scheduler.js";
import { schedulerNames } from "./registry.js";

const page = readFileSync(new URL("../../../docs/schedulers.md", import.meta.url), "utf8");

describe("docs/schedulers.md", () => {
  it("shows the scheduler of one's own as it is tested here", () => {
    const source = readFileSync(new URL("./examples/own-scheduler.ts", import.meta.url), "utf8");
    expect(page).toContain(`\`\`\`ts\n${source}\`\`\``);
  });

  it("lists every scheduler and every class", () => {
    for (const name of schedulerNames) expect(page).toContain(`\`${name}\``);
    for (const name of configClassNames) expect(page).toContain(`\`${name}\``);
  });
});

describe("the page's own scheduler", () => {
  for (const check of schedulerChecks(mySolver, { order: 2, multistep: true })) {
    it(check.name, check.run);
  }
});
