// `node scripts/size.mjs`: what an application loads of Underpaint, gzipped, without the runtime
// and without models. Of the built packages, divided into parts as Vite divides them.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "vite";

const root = fileURLToPath(new URL("..", import.meta.url));
const entry = "\0application";

/** Not counted: the runtime, and the addresses of the embedded model's files. */
const others = [/^onnxruntime-web/, /^@underpaint\/starter/];

/**
 * The parts of an application that imports `createPipeline` and nothing else.
 *
 * @param {readonly RegExp[]} [without] further packages that are not counted.
 */
async function bundle(without = []) {
  const { output } = await build({
    root: join(root, "examples/vite-app"),
    configFile: false,
    logLevel: "error",
    plugins: [
      {
        name: "application",
        resolveId: (id) => (id === entry ? entry : undefined),
        load: (id) =>
          id === entry ? 'export { createPipeline } from "@underpaint/web";' : undefined,
      },
    ],
    worker: { format: "es" },
    build: {
      write: false,
      target: "es2022",
      minify: "esbuild",
      modulePreload: false,
      reportCompressedSize: false,
      rollupOptions: {
        input: entry,
        preserveEntrySignatures: "strict",
        external: [...others, ...without],
      },
    },
  });
  return output.filter(({ type }) => type === "chunk");
}

/** @returns {Promise<Sizes>} */
export async function measure(without) {
  const chunks = new Map((await bundle(without)).map((chunk) => [chunk.fileName, chunk]));
  const bytes = (names) =>
    [...names].reduce((sum, name) => sum + gzipSync(chunks.get(name).code, { level: 9 }).length, 0);

  /** A part with all that is loaded before it runs. */
  function loadedWith(name, found = new Set()) {
    if (!found.has(name) && chunks.has(name)) {
      found.add(name);
      for (const next of chunks.get(name).imports) loadedWith(next, found);
    }
    return found;
  }

  const page = loadedWith([...chunks.values()].find(({ isEntry }) => isEntry).fileName);
  const pipeline = [...chunks.values()].find(({ moduleIds }) =>
    moduleIds.some((id) => id.endsWith("core/dist/pipeline/create-pipeline.js")),
  ).fileName;
  const picture = new Set([...page, ...loadedWith(pipeline)]);
  const later = [...chunks.keys()]
    .filter((name) => !picture.has(name))
    .map((name) => ({ name: name.replace(/^.*\/|-[^-]*$/g, ""), bytes: bytes([name]) }));
  const modules = [...picture].flatMap((name) =>
    Object.entries(chunks.get(name).modules).map(([id, { renderedLength }]) => ({
      id: id.replace(root, ""),
      bytes: renderedLength,
    })),
  );
  return {
    page: bytes(page),
    picture: bytes(picture),
    all: bytes(chunks.keys()),
    later,
    modules,
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [own, whole] = [await measure([/^@underpaint\/(schedulers|controlnet)/]), await measure()];
  const line = (what, bytes) =>
    console.log(`${what.padEnd(66)} ${(bytes / 1000).toFixed(1).padStart(6)} kB`);
  console.log("gzipped, of an application that imports createPipeline alone\n");
  line("core + web: what makes a first picture with the embedded model", own.picture);
  line("core + web: all that may ever be loaded", own.all);
  line("with all schedulers: what makes a first picture", whole.picture);
  line("with all schedulers: what a page loads whose pipeline is in a worker", whole.page);
  console.log("\nloaded when it is needed");
  for (const part of whole.later.sort((a, b) => b.bytes - a.bytes)) {
    line(`  ${part.name}`, part.bytes);
  }
  if (process.argv.includes("--modules")) {
    console.log("\nthe largest modules, before minification");
    const largest = own.modules.sort((a, b) => b.bytes - a.bytes).slice(0, 40);
    for (const { id, bytes } of largest) line(`  ${id}`, bytes);
  }
}
