// Writes packages/starter/index.js: the address and size of each file of the embedded model, in the one form
// that bundlers recognise, so that they copy the files. tests/starter-files.test.ts compares.
//
//   node scripts/starter-files.mjs
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../packages/starter/", import.meta.url));
/** Of a model's folder only what is read when pictures are made. */
const isData = (name) => /\.(json|txt|onnx|onnx_data)$/.test(name);

/** The files of the embedded model, as paths inside it. */
export function starterFiles() {
  return readdirSync(`${folder}model`, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && isData(entry.name))
    .map((entry) => `${entry.parentPath.slice(`${folder}model`.length)}/${entry.name}`.slice(1))
    .map((path) => path.replaceAll("\\", "/"))
    .sort();
}

/** The content of index.js. */
export function starterIndex() {
  const { version } = JSON.parse(readFileSync(`${folder}package.json`, "utf8"));
  const lines = starterFiles().flatMap((path) => [
    `  "${path}": {`,
    `    url: new URL("./model/${path}", import.meta.url).href,`,
    `    bytes: ${statSync(`${folder}model/${path}`).size},`,
    "  },",
  ]);
  return [
    "// Written by scripts/starter-files.mjs. Each address is spelt out: that is how Vite, webpack and",
    "// Rollup know which files to copy.",
    `export const version = "${version}";`,
    "export const files = {",
    ...lines,
    "};",
    "",
  ].join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(`${folder}index.js`, starterIndex());
}
