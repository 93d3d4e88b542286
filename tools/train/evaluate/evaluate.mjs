// The evaluation from the ONNX files through Underpaint's own Node pipeline.
//
//   node tools/train/evaluate/evaluate.mjs [MODEL] [--out FOLDER] [--limit N]
//
// MODEL: a folder; the embedded starter when left out. Needs the packages built (npm run build).
// Makes a picture for each of prompts.json, lets the judge name what it sees, and prints the shares
// of right answers by kind of prompt; then twelve seeds each of twenty nouns, and how far apart
// they are, as a share of how far apart the noun's real drawings are. The pictures go to FOLDER
// (measure.py tells how near the nearest training picture is, which needs the drawings).
import fs from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { contactSheet, createPipeline, savePng } from "@underpaint/node";
import ort from "onnxruntime-node";

const here = import.meta.dirname;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: "string", default: "evaluation" },
    limit: { type: "string", default: "500" },
    guidance: { type: "string" },
  },
});
const read = (file) => JSON.parse(fs.readFileSync(path.join(here, file), "utf8"));
const prompts = read("prompts.json");
const labels = read("judge/labels.json");
const stride = Math.max(1, Math.floor(prompts.length / Number(values.limit)));
const size = 64;
const seed = 2026;

const pipeline = await createPipeline(positionals[0] ? { model: positionals[0] } : {});
const judge = await ort.InferenceSession.create(path.join(here, "judge/model.onnx"));
fs.mkdirSync(values.out, { recursive: true });

/** RGB planes in [-1, 1], as the judge reads them. */
function planes(image) {
  const out = new Float32Array(3 * size * size);
  for (let i = 0; i < size * size; i++) {
    for (let c = 0; c < 3; c++) out[c * size * size + i] = image.data[4 * i + c] / 127.5 - 1;
  }
  return out;
}

/** The judge's classes of each head, best first. */
async function look(image) {
  const feeds = { sample: new ort.Tensor("float32", planes(image), [1, 3, size, size]) };
  const found = await judge.run(feeds);
  const named = {};
  for (const head of ["noun", "style", "colour", "ground"]) {
    const logits = Array.from(found[head].data);
    const order = logits.map((_, i) => i).sort((a, b) => logits[b] - logits[a]);
    named[head] = order.slice(0, 5).map((i) => labels[head][i]);
  }
  return named;
}

async function picture(prompt, pictureSeed) {
  const request = { prompt, seed: pictureSeed, width: size, height: size, steps: 20 };
  if (values.guidance !== undefined) request.guidanceScale = Number(values.guidance);
  return (await pipeline.generate(request)).images[0];
}

const percent = (hits) =>
  hits.length === 0
    ? "-"
    : `${((100 * hits.filter(Boolean).length) / hits.length).toFixed(1)} % of ${hits.length}`;

const started = performance.now();
const results = [];
for (let i = 0; i < prompts.length; i += stride) {
  const prompt = prompts[i];
  const image = await picture(prompt.prompt, seed + i);
  await savePng(path.join(values.out, `${String(i).padStart(4, "0")}.png`), image);
  results.push({ ...prompt, image, seen: await look(image) });
}
const seconds = (performance.now() - started) / 1000;
console.log(
  `${results.length} pictures, ${(seconds / results.length).toFixed(2)} s each with judging`,
);

for (const kind of ["noun", "colour", "background", "style", "held out", "all"]) {
  const rows = results.filter((r) => kind === "all" || r.kind === kind);
  const noun = (r) => r.seen.noun[0] === r.label;
  const line = [
    `noun ${percent(rows.map(noun))}`,
    `top 5 ${percent(rows.map((r) => r.seen.noun.includes(r.label)))}`,
  ];
  const both = [];
  for (const [what, head] of [
    ["colour", "colour"],
    ["background", "ground"],
    ["style", "style"],
  ]) {
    const asked = rows.filter((r) => r[what] !== undefined);
    if (asked.length === 0) continue;
    line.push(`${what} ${percent(asked.map((r) => r.seen[head][0] === r[what]))}`);
    both.push(...asked.map((r) => noun(r) && r.seen[head][0] === r[what]));
  }
  if (both.length > 0) line.push(`with the noun ${percent(both)}`);
  console.log(`${kind.padEnd(10)} ${line.join("; ")}`);
}

/** Mean over pairs of the root mean square difference, in units of the range. */
function meanDistance(images) {
  let total = 0;
  let pairs = 0;
  for (let a = 0; a < images.length; a++) {
    for (let b = 0; b < a; b++, pairs++) {
      let sum = 0;
      for (let i = 0; i < size * size * 4; i++) {
        if (i % 4 !== 3) sum += ((images[a].data[i] - images[b].data[i]) / 255) ** 2;
      }
      total += Math.sqrt(sum / (3 * size * size));
    }
  }
  return total / pairs;
}

const varied = prompts.filter((p) => p.kind === "noun" && labels.spread[p.label]).slice(0, 20);
const shares = [];
for (const { label } of stride === 1 ? varied : []) {
  const images = [];
  for (let k = 0; k < 12; k++) images.push(await picture(label, 5000 + k));
  shares.push(meanDistance(images) / labels.spread[label]);
}
if (shares.length > 0) {
  shares.sort((a, b) => a - b);
  const mean = shares.reduce((a, b) => a + b, 0) / shares.length;
  console.log(
    `twelve seeds are ${mean.toFixed(2)} times as far apart as the real drawings ` +
      `(median ${shares[shares.length >> 1].toFixed(2)}, least ${shares[0].toFixed(2)})`,
  );
}

const cells = Array.from({ length: 64 }, (_, k) => results[Math.floor((k * results.length) / 64)]);
const sheet = contactSheet(
  cells.map((r) => ({ image: r.image, label: r.prompt })),
  { columns: 8, scale: 2 },
);
await savePng(path.join(values.out, "sheet.png"), sheet);
await pipeline.dispose();
