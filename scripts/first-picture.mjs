// `npm run first-picture`: real pictures from a fresh clone. Installs, builds, then runs
// examples/first-picture with what was typed behind `--`.
import { install, isBuilt, pnpm, requireNode, run } from "./workspace.mjs";

const packages = ["core", "schedulers", "controlnet", "node"];

requireNode();
install({ quiet: true });
if (!isBuilt(packages)) {
  pnpm(["-r", ...packages.flatMap((name) => ["--filter", `@underpaint/${name}`]), "run", "build"], {
    title: "Building",
    quiet: true,
  });
}
run(process.execPath, ["examples/first-picture/main.mjs", ...process.argv.slice(2)]);
