// docs/pictures/starter.png: 24 prompts with two seeds each, nothing picked, 128 x 128 a picture.
//
//   node tools/train/evaluate/samples.mjs [MODEL] [--out FILE]
import path from "node:path";
import { parseArgs } from "node:util";
import { createImage } from "@underpaint/core";
import { createPipeline, savePng } from "@underpaint/node";

const prompts = [
  "red apple",
  "green apple, noto style",
  "cat face",
  "blue car",
  "house with garden",
  "a yellow star",
  "pizza",
  "camel",
  "dragon",
  "red heart",
  "dog",
  "rocket, noto style",
  "purple flower",
  "birthday cake, 3d style",
  "fish on a blue background",
  "robot, fluent style",
  "green car",
  "tree",
  "accordion",
  "pink cat face",
  "guitar",
  "hamburger, flat style",
  "owl",
  "umbrella",
];
const [columns, side, seeds] = [12, 128, [7, 8]];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    out: {
      type: "string",
      default: path.join(import.meta.dirname, "../../../docs/pictures/starter.png"),
    },
  },
});
const pipeline = await createPipeline(positionals[0] ? { model: positionals[0] } : {});
const sheet = createImage(columns * side, (prompts.length / columns) * seeds.length * side);
for (const [i, prompt] of prompts.entries()) {
  for (const [k, seed] of seeds.entries()) {
    const { data } = (await pipeline.generate({ prompt, seed, width: side, height: side }))
      .images[0];
    const top = (Math.floor(i / columns) * seeds.length + k) * side;
    for (let y = 0; y < side; y++) {
      const row = data.subarray(4 * y * side, 4 * (y + 1) * side);
      sheet.data.set(row, 4 * ((top + y) * sheet.width + (i % columns) * side));
    }
  }
}
await pipeline.dispose();
console.log(await savePng(values.out, sheet));
