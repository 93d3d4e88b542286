// Colours a line drawing: twelve colourings on one labelled sheet, with the lines as they were drawn
// on top of each.
//
//   pnpm install && pnpm run build
//   node examples/colour-my-lines/main.mjs                             a fish that comes along
//   node examples/colour-my-lines/main.mjs drawing.png "a cup"         a drawing and what it shows
//   … --model FOLDER --seed 7 --weight 1 --end 1 --out FOLDER
//
// The drawing may be black on white, white on black, or a transparent layer, of any size. The
// embedded model works at 128 × 128 pixels: its colours are enlarged and laid under the lines.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { lineArt, lineArtSheet } from "@underpaint/controlnet";
import {
  contactSheet,
  createImage,
  createPipeline,
  createProgress,
  isUnderpaintError,
  loadPng,
  resize,
  savePng,
} from "@underpaint/node";

/** Colour words that the embedded model was taught. */
const colourings = [
  ...["red", "orange", "yellow", "green", "blue", "purple", "pink", "brown", "gray", "black"].map(
    (colour) => (thing) => `${colour} ${thing}`,
  ),
  (thing) => `yellow ${thing} on a blue background`,
  (thing) => `blue ${thing} on a pink background`,
];

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      model: { type: "string" },
      seed: { type: "string", default: "7" },
      weight: { type: "string", default: "1" },
      end: { type: "string", default: "1" },
      steps: { type: "string" },
      out: { type: "string", default: "colour-my-lines" },
    },
  });
  const [file = fileURLToPath(new URL("drawing.png", import.meta.url)), thing = "fish"] =
    positionals;
  const drawing = await loadPng(file);
  const ink = inkOf(drawing);

  const progress = createProgress(process.stderr);
  const pipeline = await createPipeline({
    ...(values.model && { model: values.model }),
    onProgress: (loaded) => progress.load(loaded),
  });
  const control = lineArt(drawing, { weight: Number(values.weight), end: Number(values.end) });

  await mkdir(values.out, { recursive: true });
  const cells = [];
  progress.begin(`twelve of "${thing}"`);
  for (const [k, prompted] of colourings.entries()) {
    const prompt = prompted(thing);
    const { images, recipes } = await pipeline.generate({
      prompt,
      seed: values.seed,
      controls: [control],
      ...(values.steps && { steps: Number(values.steps) }),
    });
    if (k === 0) {
      const { width, height } = images[0];
      const hint = await control.preview({ width, height });
      await savePng(join(values.out, "hint.png"), hint);
      progress.line(`The lines: ${hint.notices.join("; ")}.`);
    }
    const image = underLines(images[0], ink);
    const name = `${String(k + 1).padStart(2, "0")}-${prompt.replace(/[^a-z0-9]+/gi, "-")}.png`;
    await savePng(join(values.out, name), image, { recipe: recipes[0] });
    cells.push({ image, label: prompt });
    progress.step(k + 1, colourings.length);
  }
  progress.end();
  await pipeline.dispose();

  const sheet = join(values.out, "sheet.png");
  const scale = Math.min(1, 256 / drawing.width);
  const title = `One drawing, twelve colourings of "${thing}"`;
  await savePng(sheet, contactSheet(cells, { columns: 4, scale, title }));
  console.log(sheet);
}

/** How much ink lies on each pixel of the drawing, 0 to 255. */
function inkOf(drawing) {
  // White lines on black, however it was drawn.
  const { width, height, data } = lineArtSheet(drawing);
  const ink = new Uint8Array(width * height);
  for (let i = 0; i < ink.length; i++) {
    ink[i] = Math.max(data[4 * i], data[4 * i + 1], data[4 * i + 2]);
  }
  return { width, height, ink };
}

/** The colours enlarged to the drawing's size, its lines on top in black. */
function underLines(colouring, { width, height, ink }) {
  const { data } = resize(colouring, width, height, { filter: "bicubic" });
  const out = createImage(width, height);
  for (let i = 0; i < ink.length; i++) {
    for (let c = 0; c < 3; c++) out.data[4 * i + c] = (data[4 * i + c] * (255 - ink[i])) / 255;
    out.data[4 * i + 3] = 255;
  }
  return out;
}

main().catch((error) => {
  const isUsers = isUnderpaintError(error) || error?.code?.startsWith("ERR_PARSE_ARGS");
  console.error(isUsers ? error.message : error);
  process.exitCode = 1;
});
