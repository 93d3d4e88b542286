// Makes pictures with the embedded model: one file each and a labelled sheet of all.
//
//   npm run first-picture                          eight prompts, two seeds each
//   npm run first-picture -- "a red apple"         eight pictures of one prompt
//   npm run first-picture -- "a red apple" --seed 7 --count 1
import { mkdir, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import {
  contactSheet,
  createPipeline,
  createProgressBar,
  encodePng,
  isUnderpaintError,
  recipeText,
} from "@underpaint/node";

const prompts = [
  "red apple",
  "rocket, flat style",
  "blue umbrella",
  "birthday cake",
  "yellow star on a blue background",
  "cat face",
  "hamburger",
  "green tree",
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
  const pipeline = await createPipeline({
    onWarning: ({ message }) => console.warn(`Note: ${message}`),
  });
  console.log(`Underpaint with ${pipeline.manifest.id}, on ${pipeline.device}.`);

  const bar = createProgressBar();
  const cells = [];
  for (const [index, request] of requests.entries()) {
    const { images, recipes, seeds } = await pipeline.generate({
      ...request,
      onStep: ({ step, steps }) =>
        bar.update({
          done: index + step / steps,
          total: requests.length,
          label: `${request.prompt} · step ${step}/${steps}`,
        }),
    });
    for (const [k, image] of images.entries()) {
      const file = join(folder, `${slug(request.prompt)}-${seeds[k]}.png`);
      await writeFile(file, encodePng(image, { text: recipeText(recipes[k]) }));
      cells.push({ image, label: `${request.prompt} (${seeds[k]})`, file, seed: seeds[k] });
    }
  }
  bar.end();
  await pipeline.dispose();

  const sheet = join(folder, "sheet.png");
  await writeFile(sheet, encodePng(contactSheet(cells, { columns: 4, scale: 2 })));
  const seconds = ((performance.now() - begin) / 1000).toFixed(1);
  console.log(`${cells.length} pictures in ${seconds} s. The number is the seed that makes each again:\n`);
  for (const { file, seed } of cells) console.log(`  ${relative(".", file).padEnd(56)} seed ${seed}`);
  console.log(`\nAll on one sheet: ${sheet}`);
  const [first] = cells;
  console.log(
    `One of them again: npm run first-picture -- "${first.label.replace(/ \(\d+\)$/, "")}" --seed ${first.seed} --count 1`,
  );
}

/** A file name of a prompt. */
function slug(prompt) {
  const words = prompt.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  return words.replace(/^-|-$/g, "").slice(0, 48) || "picture";
}

main().catch((error) => {
  console.error(isUnderpaintError(error) ? error.message : error);
  process.exitCode = 1;
});
