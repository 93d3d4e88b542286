import { createHash, randomBytes } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const root = fileURLToPath(new URL("../..", import.meta.url));
const cache = join(root, "node_modules/.cache/underpaint-browser");

/** The packages that pages may import, as `/core.js` and so on. */
export const bundled = ["core", "schedulers", "controlnet", "web"] as const;

/**
 * The packages' sources as modules for pages, built by Vite: a folder that holds `web.js` and the
 * others, what they share, and the files that they refer to. Kept until a source changes.
 */
export async function bundlePackages(): Promise<string> {
  const key = keyOfSources();
  const folder = join(cache, key);
  if (existsSync(folder)) {
    utimesSync(folder, new Date(), new Date());
    return folder;
  }
  const temporary = `${folder}.${randomBytes(4).toString("hex")}`;
  const source = (name: string): string => join(root, `packages/${name}/src/index.ts`);
  await build({
    root,
    configFile: false,
    logLevel: "error",
    resolve: {
      alias: Object.fromEntries(bundled.map((name) => [`@underpaint/${name}`, source(name)])),
    },
    worker: { format: "es" },
    build: {
      outDir: temporary,
      emptyOutDir: false,
      copyPublicDir: false,
      target: "es2022",
      minify: false,
      modulePreload: false,
      reportCompressedSize: false,
      rollupOptions: {
        input: Object.fromEntries(bundled.map((name) => [name, source(name)])),
        preserveEntrySignatures: "strict",
        output: { entryFileNames: "[name].js" },
      },
    },
  });
  try {
    renameSync(temporary, folder);
  } catch {
    // Another test file was faster.
    rmSync(temporary, { recursive: true, force: true });
  }
  forgetOldBundles();
  return folder;
}

function keyOfSources(): string {
  const hash = createHash("sha256");
  const add = (folder: string): void => {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || entry.name.endsWith(".test.ts")) continue;
      const path = join(entry.parentPath, entry.name);
      const { size, mtimeMs } = statSync(path);
      hash.update(`${path} ${size} ${mtimeMs}\n`);
    }
  };
  for (const name of bundled) add(join(root, "packages", name, "src"));
  add(join(root, "packages/starter/model"));
  const { mtimeMs } = statSync(fileURLToPath(import.meta.url));
  return hash.update(String(mtimeMs)).digest("hex").slice(0, 16);
}

/** Bundles that nobody has used for an hour. */
function forgetOldBundles(): void {
  mkdirSync(cache, { recursive: true });
  for (const name of readdirSync(cache)) {
    const path = join(cache, name);
    try {
      if (Date.now() - statSync(path).mtimeMs > 3_600_000) rmSync(path, { recursive: true });
    } catch {
      // Someone else's tests have removed it.
    }
  }
}
