// Measures the seams at a mask's border: the mean step between neighbouring pixels across it, in
// levels of 255, for several edges. docs/decisions/masks.md tells what was found.
//
//   node tools/bench/mask-seams.mjs [--pictures N] [--steps N]
//
// Measures the built packages: run `npm run build` first.
import { parseArgs } from "node:util";
import { createImage, createPipeline } from "@underpaint/node";

const { values } = parseArgs({
  options: {
    pictures: { type: "string", default: "6" },
    steps: { type: "string", default: "12" },
  },
});

const edges = {
  "as it is": undefined,
  usual: {},
  spill: { spill: true },
  hard: { grow: 0, feather: 0, blend: 0 },
};
const prompts = ["a red apple", "a green apple", "a blue fish"];
const shapes = [
  (x) => x >= 32,
  (x, y) => Math.hypot(x - 36, y - 36) < 14,
  (x, y) => x > 20 && x < 50 && y > 25 && y < 58,
];

/** White where a shape, of a sheet of 64, is in a picture of the starter's size. */
function maskOf(shape) {
  const mask = createImage(128, 128);
  for (let i = 0; i < 128 * 128; i++) {
    const value = shape((i % 128) / 2, Math.floor(i / 128) / 2) ? 255 : 0;
    mask.data.set([value, value, value, 255], 4 * i);
  }
  return mask;
}

function seam({ data, width, height }, mask) {
  let [sum, count] = [0, 0];
  const compare = (a, b) => {
    if (mask.data[4 * a] === mask.data[4 * b]) return;
    for (let c = 0; c < 3; c++) sum += Math.abs(data[4 * a + c] - data[4 * b + c]);
    count += 3;
  };
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < width; x++, i++) {
      if (x < width - 1) compare(i, i + 1);
      if (y < height - 1) compare(i, i + width);
    }
  }
  return sum / count;
}

const pipeline = await createPipeline();
const masks = shapes.map(maskOf);
for (const prompt of prompts) {
  const sums = Object.fromEntries(Object.keys(edges).map((name) => [name, 0]));
  for (let seed = 0; seed < Number(values.pictures); seed++) {
    const { images } = await pipeline.generate({ prompt: "a red apple", seed });
    for (const mask of masks) {
      for (const [name, maskEdge] of Object.entries(edges)) {
        const request = { prompt, image: images[0], mask, seed: seed + 50, maskEdge };
        const made = maskEdge
          ? await pipeline.generate({ ...request, steps: Number(values.steps) })
          : { images };
        sums[name] += seam(made.images[0], mask);
      }
    }
  }
  const count = Number(values.pictures) * masks.length;
  const found = Object.entries(sums).map(([name, sum]) => `${name} ${(sum / count).toFixed(1)}`);
  console.log(`${prompt}: ${found.join(", ")}`);
}
await pipeline.dispose();
