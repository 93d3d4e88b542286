import { defineConfig, type Options } from "tsup";

/** The one build of every package: ESM and CJS, types for both, side-effect free. */
export function library(options: Options = {}): ReturnType<typeof defineConfig> {
  return defineConfig({
    entry: ["src/index.ts"],
    format: ["esm", "cjs"],
    // tsup sets baseUrl itself, which TypeScript 6 calls deprecated; without `paths`, types of
    // sibling packages stay imports of those packages.
    dts: { compilerOptions: { ignoreDeprecations: "6.0", paths: {} } },
    target: "es2022",
    platform: "neutral",
    sourcemap: true,
    clean: true,
    treeshake: true,
    ...options,
  });
}
