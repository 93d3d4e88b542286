#!/usr/bin/env node
import { exitCodes, run } from "./cli/run.js";

const controller = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.on(name, () => {
    // A second time: whoever asks twice does not want to wait for a graph to end.
    if (controller.signal.aborted) process.exit(exitCodes.interrupted);
    controller.abort();
  });
}
// Whoever reads the output may stop early: underpaint schedulers | head -1
process.stdout.on("error", () => {});

void run(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  signal: controller.signal,
}).then((exitCode) => {
  process.exitCode = exitCode;
});
