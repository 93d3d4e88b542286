// `npm test`: everything, on a fresh clone. Installs what it needs itself.
import { systemPackages } from "./system-packages.mjs";
import { install, pnpm, requireNode } from "./workspace.mjs";

requireNode();
install();
systemPackages();
pnpm(["exec", "biome", "check", "--error-on-warnings", "."], { title: "Format and lint" });
pnpm(["run", "typecheck"], { title: "Types", quiet: true });
pnpm(["run", "build"], { title: "Build", quiet: true });
pnpm(["exec", "vitest", "run"], { title: "Tests" });
