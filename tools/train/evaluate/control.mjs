// What the starter's controls do, through Underpaint's own Node pipeline.
//
//   node tools/train/evaluate/control.mjs [MODEL] [--out FOLDER] [--limit N] [--only lines|grids]
//     [--weight 1] [--mode balanced]
//
// Lines: each of hints/ is coloured as three colour words and as three seeds of the noun alone, with
// the control and without. Printed: how well Canny's edges of the result and the given lines cover
// each other within two pixels (F-score, precision, recall), how far the colours are apart
// (OKLab), and how often the judge sees the colour word. Grids: how far the means of cells of 16 x 16
// pixels are from the given grid (OKLab). Sheets of all of them go to FOLDER.
import fs from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { canny, lineArt, palette } from "@underpaint/controlnet";
import { contactSheet, createPipeline, loadPng, savePng } from "@underpaint/node";
import { createJudge, percent, size } from "./judge.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: "string", default: "evaluation-control" },
    limit: { type: "string", default: "100" },
    only: { type: "string" },
    weight: { type: "string", default: "1" },
    mode: { type: "string", default: "balanced" },
  },
});
const folder = path.join(import.meta.dirname, "hints");
const hints = JSON.parse(fs.readFileSync(path.join(folder, "hints.json"), "utf8"));
const colours = ["red", "green", "blue"];
const cell = 16;
const strength = { weight: Number(values.weight), mode: values.mode };

const pipeline = await createPipeline(positionals[0] ? { model: positionals[0] } : {});
const judge = await createJudge();
fs.mkdirSync(values.out, { recursive: true });

async function picture(prompt, seed, controls) {
  const request = { prompt, seed, width: size, height: size, steps: 20, controls };
  return (await pipeline.generate(request)).images[0];
}

const mean = (numbers) => numbers.reduce((a, b) => a + b, 0) / numbers.length;

/** Which pixels are bright. */
const bright = (image) =>
  Uint8Array.from({ length: size * size }, (_, i) => (image.data[4 * i] > 127 ? 1 : 0));

/** Share of the pixels of `some` that have one of `others` within two pixels. */
function covered(some, others) {
  let count = 0;
  let near = 0;
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      if (!some[y * size + x]) continue;
      count++;
      let found = false;
      for (let dy = -2; dy <= 2 && !found; dy++) {
        for (let dx = -2; dx <= 2 && !found; dx++) {
          const [row, column] = [y + dy, x + dx];
          if (dx * dx + dy * dy > 4 || row < 0 || column < 0 || row >= size || column >= size)
            continue;
          found = others[row * size + column] === 1;
        }
      }
      if (found) near++;
    }
  }
  return count === 0 ? 0 : near / count;
}

function lineScore(image, lines) {
  const edges = bright(canny(image));
  const precision = covered(edges, lines);
  const recall = covered(lines, edges);
  return { f: (2 * precision * recall) / Math.max(precision + recall, 1e-9), precision, recall };
}

/** OKLab (Ottosson 2020) of an sRGB colour given in bytes. */
function oklab(bytes) {
  const [r, g, b] = bytes.map((v) => {
    const x = v / 255;
    return x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
  });
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

/** OKLab of each cell's mean colour. */
function cells(image) {
  const across = size / cell;
  return Array.from({ length: across * across }, (_, k) => {
    const sums = [0, 0, 0];
    for (let i = 0; i < cell * cell; i++) {
      const y = Math.floor(k / across) * cell + Math.floor(i / cell);
      const x = (k % across) * cell + (i % cell);
      for (let c = 0; c < 3; c++) sums[c] += image.data[4 * (y * size + x) + c];
    }
    return oklab(sums.map((v) => v / (cell * cell)));
  });
}

const apart = (a, b) => mean(a.map((v, i) => Math.hypot(...v.map((x, c) => x - b[i][c]))));

/** Mean distance of all pairs. */
const pairs = (lists) => mean(lists.flatMap((a, i) => lists.slice(0, i).map((b) => apart(a, b))));

/** A grid of one pixel a cell, each pixel made a cell. */
function enlarge(image) {
  const data = new Uint8ClampedArray(size * size * 4);
  for (let i = 0; i < size * size; i++) {
    const from = Math.floor(i / size / cell) * image.width + Math.floor((i % size) / cell);
    data.set(image.data.subarray(4 * from, 4 * from + 4), 4 * i);
  }
  return { ...image, width: size, height: size, data };
}

/** Every so-manyeth. */
const some = (list) => {
  const stride = Math.max(1, Math.ceil(list.length / Number(values.limit)));
  return list.filter((_, i) => i % stride === 0);
};
const number = (x) => x.toFixed(3);
const sheetOf = (rows, columns, name) =>
  savePng(path.join(values.out, name), contactSheet(rows, { columns }));

const lineRows = [];
const lineSheet = [];
for (const [k, { file, label, drawn }] of (values.only === "grids"
  ? []
  : some(hints.lines)
).entries()) {
  const hint = await loadPng(path.join(folder, file));
  const lines = bright(hint);
  const given = [lineArt(hint, strength)];
  const row = { drawn, scores: [], bare: [], seen: [], shades: [], seeds: [] };
  lineSheet.push({ image: hint, label });
  for (const [i, word] of [...colours, "", "", ""].entries()) {
    // Another colour of a "red heart" is asked of the heart.
    const prompt = word === "" ? label : `${word} ${label.replace(/^red /, "")}`;
    const seed = 100 * k + (word === "" ? i : 0);
    const made = await picture(prompt, seed, given);
    row.scores.push(lineScore(made, lines));
    row.bare.push(lineScore(await picture(prompt, seed, []), lines));
    (word === "" ? row.seeds : row.shades).push(cells(made));
    if (word !== "") row.seen.push((await judge.look(made)).colour[0] === word);
    lineSheet.push({ image: made, label: prompt });
  }
  lineRows.push(row);
}
for (const [title, rows] of [
  ["drawings held out", lineRows.filter((r) => !r.drawn)],
  ["drawn by hand", lineRows.filter((r) => r.drawn)],
  ["all", lineRows],
]) {
  if (rows.length === 0) continue;
  const score = (key, what) => number(mean(rows.flatMap((r) => r[key].map((s) => s[what]))));
  console.log(
    `lines, ${title}: F ${score("scores", "f")} (precision ${score("scores", "precision")}, ` +
      `recall ${score("scores", "recall")}); without the control F ${score("bare", "f")}; ` +
      `colour word seen ${percent(rows.flatMap((r) => r.seen))}; cells apart (OKLab) between ` +
      `colour words ${number(mean(rows.map((r) => pairs(r.shades))))}, between seeds ` +
      `${number(mean(rows.map((r) => pairs(r.seeds))))}`,
  );
}
if (lineSheet.length > 0) await sheetOf(lineSheet, 7, "lines.png");

const gridRows = [];
const gridSheet = [];
for (const [k, { file, label, made: ownGrid }] of (values.only === "lines"
  ? []
  : some(hints.grids)
).entries()) {
  const grid = enlarge(await loadPng(path.join(folder, file)));
  const wanted = cells(grid);
  gridSheet.push({ image: grid, label });
  for (let seed = 0; seed < 3; seed++) {
    const made = await picture(label, 100 * k + seed, [palette(grid, strength)]);
    const bare = await picture(label, 100 * k + seed, []);
    const noun = (await judge.look(made)).noun.includes(label);
    gridRows.push({
      ownGrid,
      noun,
      off: apart(cells(made), wanted),
      bare: apart(cells(bare), wanted),
    });
    gridSheet.push({ image: made, label: `seed ${seed}` });
    if (seed === 0) gridSheet.push({ image: bare, label: "without" });
  }
}
for (const [title, rows] of [
  ["of held-out pictures", gridRows.filter((r) => !r.ownGrid)],
  ["of nothing", gridRows.filter((r) => r.ownGrid)],
]) {
  if (rows.length === 0) continue;
  console.log(
    `grids ${title}: off by ${number(mean(rows.map((r) => r.off)))} (OKLab), without the control ` +
      `${number(mean(rows.map((r) => r.bare)))}; noun in the judge's first five ` +
      percent(rows.map((r) => r.noun)),
  );
}
if (gridSheet.length > 0) await sheetOf(gridSheet, 5, "grids.png");
await pipeline.dispose();
