// Makes docs/schedulers-sheet.png: one prompt and one seed of the embedded model, every solver that
// goes with it against the number of steps.
//
//   node packages/schedulers/bench/comparison-sheet.mjs ["a prompt"] [seed]
//
// after a build.
import { fileURLToPath } from "node:url";
import { contactSheet, createPipeline, savePng, schedulerNames } from "../../node/dist/index.js";

const prompt = process.argv[2] ?? "birthday cake";
const seed = Number(process.argv[3] ?? 7);
const stepCounts = [4, 8, 12, 20, 50];

// Not for this model: other kinds of noise, distilled models, inversion; and the general forms of
// solvers that are shown by their presets.
const leftOut = /^(flow-|edm-|lcm|tcd|ddim-inverse|dpm-multistep|dpm-singlestep)/;
const names = schedulerNames.filter((name) => !leftOut.test(name));

const pipeline = await createPipeline();
const cells = [];
for (const name of names) {
  for (const steps of stepCounts) {
    // As the model's own config has it: spread from full noise down, where the solver knows how.
    const spacing = { kind: "trailing" };
    const request = { prompt, seed, steps };
    const scheduler = `${name}${/^dpmpp-[23]s$/.test(name) ? "" : `-${spacing.kind}`}`;
    const { images } = await pipeline.generate({ ...request, scheduler });
    cells.push({ image: images[0], label: `${name} ${steps}` });
  }
  process.stderr.write(`${name}\n`);
}
await pipeline.dispose?.();

const file = fileURLToPath(new URL("../../../docs/schedulers-sheet.png", import.meta.url));
const title = `"${prompt}", seed ${seed}: solvers by steps`;
await savePng(file, contactSheet(cells, { columns: stepCounts.length, title }));
console.log(file);
