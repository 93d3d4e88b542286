import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const source = (name: string): string =>
  fileURLToPath(new URL(`./packages/${name}/src/index.ts`, import.meta.url));

export default defineConfig({
  resolve: {
    // Unit tests run the sources; the packed packages have their own tests (tests/packages).
    alias: Object.fromEntries(
      ["core", "schedulers", "controlnet", "node", "web", "testing"].map((name) => [
        `@underpaint/${name}`,
        source(name),
      ]),
    ),
  },
  test: {
    include: ["packages/*/src/**/*.test.ts", "tests/**/*.test.ts", "examples/*/*.test.ts"],
    // Machines are noisy: these end what hangs, and say nothing of speed.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // ONNX Runtime's native sessions live in forked processes, which end without leaks into others.
    pool: "forks",
    maxWorkers: 2,
  },
});
