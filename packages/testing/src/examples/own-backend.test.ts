import { createNodeBackend } from "@underpaint/node";
import { backendChecks } from "@underpaint/testing";
import { describe, it } from "vitest";

describe("onnxruntime-node on the processor", () => {
  for (const check of backendChecks(() => createNodeBackend({ device: "cpu" }))) {
    it(check.name, check.run);
  }
});
