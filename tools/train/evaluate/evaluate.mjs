// The evaluation from the ONNX files through Underpaint's own Node pipeline.
//
//   node tools/train/evaluate/evaluate.mjs [MODEL] [--out FOLDER] [--limit N] [--prompts FILE]
//     [--reuse]
//
// MODEL: a folder; the embedded starter when left out. Needs the packages built (npm run build).
// Makes a picture for each of the prompts, lets the judge name what it sees, and prints the shares
// of right answers by kind of prompt, for the common nouns, for the others, and for all; then
// twelve seeds each of twenty nouns, and how far apart they are, as a share of how far apart the
// noun's real drawings are; then how well the autoencoder keeps drawings that it never saw. The
// pictures go to FOLDER (nearest.py tells how near the nearest training picture is, which needs the
// drawings); --reuse judges those that are there again, and makes the others.
import fs from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { contactSheet, createPipeline, loadPng, savePng } from "@underpaint/node";
import { autoencoderFidelity } from "./autoencoder.mjs";
import { createJudge, meanDistance, percent, size } from "./judge.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: "string", default: "evaluation" },
    limit: { type: "string", default: "500" },
    prompts: { type: "string", default: path.join(import.meta.dirname, "prompts.json") },
    guidance: { type: "string" },
    reuse: { type: "boolean", default: false },
  },
});
const prompts = JSON.parse(fs.readFileSync(values.prompts, "utf8"));
const stride = Math.max(1, Math.floor(prompts.length / Number(values.limit)));
const seed = 2026;

const pipeline = await createPipeline(positionals[0] ? { model: positionals[0] } : {});
const judge = await createJudge();
fs.mkdirSync(path.join(values.out, "seeds"), { recursive: true });

async function picture(name, prompt, pictureSeed) {
  const file = path.join(values.out, `${name}.png`);
  if (values.reuse && fs.existsSync(file)) return await loadPng(file);
  const request = { prompt, seed: pictureSeed, width: size, height: size, steps: 20 };
  if (values.guidance !== undefined) request.guidanceScale = Number(values.guidance);
  const image = (await pipeline.generate(request)).images[0];
  await savePng(file, image);
  return image;
}

const started = performance.now();
const results = [];
for (let i = 0; i < prompts.length; i += stride) {
  const prompt = prompts[i];
  const image = await picture(String(i).padStart(4, "0"), prompt.prompt, seed + i);
  results.push({ ...prompt, image, seen: await judge.look(image) });
}
const seconds = (performance.now() - started) / 1000;
console.log(
  `${results.length} pictures, ${(seconds / results.length).toFixed(2)} s each with judging`,
);

/** What may be asked for beside the noun, and the judge's head for it. */
const asked = [
  ["colour", "colour"],
  ["background", "ground"],
  ["style", "style"],
];

function figures(title, rows) {
  if (rows.length === 0) return;
  const noun = (r) => r.seen.noun[0] === r.label;
  const line = [
    `noun ${percent(rows.map(noun))}`,
    `top 5 ${percent(rows.map((r) => r.seen.noun.includes(r.label)))}`,
  ];
  const both = [];
  for (const [what, head] of asked) {
    const those = rows.filter((r) => r[what] !== undefined);
    if (those.length === 0) continue;
    line.push(`${what} ${percent(those.map((r) => r.seen[head][0] === r[what]))}`);
    both.push(...those.map((r) => noun(r) && r.seen[head][0] === r[what]));
  }
  if (both.length > 0) line.push(`with the noun ${percent(both)}`);
  console.log(`${title.padEnd(12)} ${line.join("; ")}`);
}

const kinds = ["noun", "colour", "background", "style", "held out"];
for (const [title, group] of [
  ["common nouns", results.filter((r) => r.common === true)],
  ["other nouns", results.filter((r) => r.common === false)],
  ["all", results],
]) {
  if (group.length === 0) continue;
  console.log(`${title}:`);
  for (const kind of kinds)
    figures(
      kind,
      group.filter((r) => r.kind === kind),
    );
  figures("together", group);
}

const [known, rarer] = [results.filter((r) => r.common), results.filter((r) => !r.common)];
if (known.length > 0 && rarer.length > 0) {
  // Half of the prompts are about 400 of the 1,000 things.
  const weighed = (right) =>
    [known, rarer]
      .map((rows, i) => [40, 60][i] * (rows.filter(right).length / rows.length))
      .reduce((a, b) => a + b)
      .toFixed(1);
  console.log(
    "of all 1,000 by their numbers: " +
      `noun ${weighed((r) => r.seen.noun[0] === r.label)} %; ` +
      `top 5 ${weighed((r) => r.seen.noun.includes(r.label))} %`,
  );
}

const varied = prompts.filter((p) => p.kind === "noun" && judge.labels.spread[p.label]);
const shares = [];
for (const [n, { label }] of stride === 1 ? varied.slice(0, 20).entries() : []) {
  const images = [];
  for (let k = 0; k < 12; k++) {
    images.push(await picture(`seeds/${n}-${k}`, label, 5000 + k));
  }
  shares.push(meanDistance(images) / judge.labels.spread[label]);
}
if (shares.length > 0) {
  shares.sort((a, b) => a - b);
  const mean = shares.reduce((a, b) => a + b, 0) / shares.length;
  console.log(
    `twelve seeds are ${mean.toFixed(2)} times as far apart as the real drawings ` +
      `(median ${shares[shares.length >> 1].toFixed(2)}, least ${shares[0].toFixed(2)})`,
  );
}

const { count, ofMean, mean } = await autoencoderFidelity(positionals[0], size);
console.log(
  `autoencoder: ${ofMean.toFixed(2)} dB on ${count} drawings held out (of the mean error; ` +
    `${mean.toFixed(2)} dB mean a picture)`,
);

const cells = Array.from({ length: 64 }, (_, k) => results[Math.floor((k * results.length) / 64)]);
const sheet = contactSheet(
  cells.map((r) => ({ image: r.image, label: r.prompt })),
  { columns: 8 },
);
await savePng(path.join(values.out, "sheet.png"), sheet);
await pipeline.dispose();
