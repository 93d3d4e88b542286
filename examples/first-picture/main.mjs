// Makes pictures with the embedded model: one file each and a labelled sheet of all.
//
//   npm run first-picture                          eight prompts, two seeds each
//   npm run first-picture -- "a red apple"         eight pictures of one prompt
//   npm run first-picture -- "a red apple" --seed 7 --count 1
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  contactSheet,
  createPipeline,
  createProgress,
  isUnderpaintError,
  savePng,
} from "@underpaint/node";

const prompts = [
  "red apple",
  "rocket",
  "house",
  "green car",
  "owl",
  "hamburger",
  "guitar",
  "purple flower",
];

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seed: { type: "string", default: "7" },
      count: { type: "string" },
      steps: { type: "string" },
    },
  });
  const typed = positionals.join(" ").trim();
  const count = Number(values.count ?? (typed ? 8 : 2));
  const requests = (typed ? [typed] : prompts).map((prompt) => ({
    prompt,
    count,
    seed: values.seed,
    ...(values.steps === undefined ? {} : { steps: Number(values.steps) }),
  }));

  const folder = "first-picture";
  await mkdir(folder, { recursive: true });
  const begin = performance.now();
  const progress = createProgress(process.stderr);
  const pipeline = await createPipeline({
    onProgress: (loaded) => progress.load(loaded),
    onWarning: ({ message }) => progress.line(`Note: ${message}`),
  });
  await pipeline.load();
  progress.line(`Underpaint with the model ${pipeline.manifest.id}, on ${pipeline.device}.`);

  const cells = [];
  for (const request of requests) {
    progress.begin(request.prompt);
    const { images, recipes, seeds } = await pipeline.generate({
      ...request,
      onStep: ({ step, steps }) => progress.step(step, steps),
    });
    progress.end();
    for (const [k, image] of images.entries()) {
      const file = join(folder, `${slug(request.prompt)}-${seeds[k]}.png`);
      await savePng(file, image, { recipe: recipes[k] });
      cells.push({ image, label: `${request.prompt} (${seeds[k]})`, file, seed: seeds[k] });
    }
  }
  await pipeline.dispose();

  const sheet = join(folder, "sheet.png");
  await savePng(sheet, contactSheet(cells, { columns: 4 }));
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  console.log(
    `\n${cells.length} pictures in ${seconds} s, each with the seed that makes it again:\n`,
  );
  const width = Math.max(...cells.map(({ file }) => file.length));
  for (const { file, seed } of cells) console.log(`  ${file.padEnd(width)}  seed ${seed}`);
  console.log(`\nAll on one sheet: ${sheet}`);
  const [{ prompt, seed }] = requests;
  console.log(
    `One of them again: npm run first-picture -- ${JSON.stringify(prompt)} --seed ${seed} --count 1`,
  );
}

/** A file name of a prompt. */
function slug(prompt) {
  const words = prompt.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  return words.replace(/^-|-$/g, "").slice(0, 48) || "picture";
}

main().catch((error) => {
  const isUsers = isUnderpaintError(error) || error?.code?.startsWith("ERR_PARSE_ARGS");
  console.error(isUsers ? error.message : error);
  process.exitCode = 1;
});
