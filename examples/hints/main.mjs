// Draws every hint that needs no model, as the network sees it, on one labelled sheet.
//
//   pnpm install && pnpm run build
//   node examples/hints/main.mjs [hints.png]        docs/pictures/hints.png when left out
import { fileURLToPath } from "node:url";
import {
  canny,
  depthMap,
  fitHint,
  lineArtSheet,
  lineArtStandard,
  perspectiveGrid,
  picturePalette,
  poseFigure,
  presetPose,
  scribbleSheet,
  scribbleSoftEdges,
  straightLines,
  swatchPalette,
  xdog,
} from "@underpaint/controlnet";
import { contactSheet, isUnderpaintError, loadPng, savePng } from "@underpaint/node";

const pictures = new URL("../../fixtures/hints/pictures/", import.meta.url);
const output =
  process.argv[2] ?? fileURLToPath(new URL("../../docs/pictures/hints.png", import.meta.url));

async function main() {
  const load = (name) => loadPng(fileURLToPath(new URL(`${name}.png`, pictures)));
  const [photo, sheet, wall, cup] = await Promise.all(
    ["astronaut", "sheet", "brick", "coffee"].map(load),
  );
  const size = { width: 512, height: 512 };
  const square = fitHint(photo);
  const drawn = fitHint(sheet, size);
  const lines = lineArtStandard(square);

  const pose = (name, options) => poseFigure(presetPose(name, { ...size, ...options }), size);
  const [hands, face] = [true, true];
  const two = poseFigure(
    [
      presetPose("walking", { ...size, x: 0.28, scale: 0.85 }),
      presetPose("arms-raised", { ...size, x: 0.72, scale: 0.85 }),
    ],
    size,
  );
  const close = presetPose("waving", { ...size, scale: 2.6, x: 0.66, y: 1.42, hands, face });

  const warm = ["#e4572e", "#f3a712", "#a8c686", "#669bbc", "#29335c"];
  const cells = {
    "a photograph": square,
    canny: canny(square),
    lineArtStandard: lines,
    xdog: xdog(square),
    "scribbleSoftEdges, of a bolder lineArtStandard": scribbleSoftEdges(bolder(lines)),
    "a drawn sheet": drawn,
    'lineArtSheet: "looks black on white: inverted"': lineArtSheet(drawn),
    scribbleSheet: scribbleSheet(drawn),
    "a wall": fitHint(wall),
    straightLines: straightLines(fitHint(wall)),
    "perspectiveGrid, one point": perspectiveGrid({
      ...size,
      horizon: 0.4,
      vanishingPoints: [{ x: 0.45 }],
    }),
    "perspectiveGrid, two points": perspectiveGrid({
      ...size,
      horizon: 0.45,
      vanishingPoints: [{ x: -0.6 }, { x: 1.7 }],
    }),
    "perspectiveGrid, three points": perspectiveGrid({
      ...size,
      horizon: 0.2,
      vanishingPoints: [{ x: -0.8 }, { x: 1.8 }, { x: 0.5, y: 4 }],
    }),
    "poseFigure, standing": pose("standing", { hands, face }),
    "poseFigure, running": pose("running"),
    "poseFigure, sitting": pose("sitting"),
    "poseFigure, t-pose": pose("t-pose", { hands }),
    "poseFigure, two figures": two,
    "poseFigure, hands and face": poseFigure(close, size),
    "a cup of coffee": fitHint(cup, { width: 640, height: 448 }),
    picturePalette: picturePalette(cup),
    "picturePalette, cooler": picturePalette(cup, { warmth: -1 }),
    "swatchPalette, ordered": swatchPalette({
      ...size,
      grid: [
        ["#9ad1f5", "#cfe8f7", "#ffe9b8"],
        ["#3f6d4e", "#588157", "#a3b18a"],
        ["#5b3a29", "#7f5539", "#9c6644"],
      ],
    }),
    "swatchPalette, unordered": swatchPalette({ ...size, colours: warm }),
    "depthMap of distances, near = low": depthMap(corridor(512, 512), { near: "low" }),
  };
  const image = contactSheet(
    Object.entries(cells).map(([label, image]) => ({ image: shown(image), label })),
    { columns: 5, title: "Hints, drawn without any model" },
  );
  await savePng(output, image);
  console.log(output);
}

/** Half the size, so that the sheet is not huge; a hint itself stays as it is. */
function shown(image) {
  return fitHint(image, { width: image.width / 2, height: image.height / 2 });
}

/** A stand-in for a soft edge detector's map. */
function bolder({ width, height, data }) {
  return { width, height, data: data.map((sample) => Math.min(255, 4 * sample)) };
}

/** Distances in a corridor two metres wide and high that ends after twelve metres. */
function corridor(width, height) {
  const data = new Float32Array(width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const off = Math.max(Math.abs(x / width - 0.5), Math.abs(y / height - 0.5));
      data[y * width + x] = Math.min(12, 1 / Math.max(off, 1e-6));
    }
  }
  return { width, height, data };
}

main().catch((error) => {
  console.error(isUnderpaintError(error) ? error.message : error);
  process.exitCode = 1;
});
