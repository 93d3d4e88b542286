import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BrowserContext, chromium, type JSHandle, type Page } from "playwright-core";
import { build } from "vite";
import { sendFile, type Trouble } from "../../../packages/node/src/sources/fakes/file-server.js";
import { type Route, type Server, serve } from "../../support/browser-server.js";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const temporary: string[] = [];

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "underpaint-models-"));
  temporary.push(folder);
  return folder;
}

/** A server of files by their paths, with troubles that are used up by one GET each. */
export interface Place {
  readonly origin: string;
  readonly files: Map<string, Uint8Array>;
  readonly troubles: Map<string, Trouble[]>;
  /** "GET /path bytes=5-", in order; the page's own files left out. */
  readonly requests: string[];
  /** Further headers of each answer. */
  headers: Record<string, string>;
  /** Answers before files are looked for. */
  route: Route | undefined;
}

/** Chromium with storage on disk, and the module `lab.ts` for its pages. */
export interface Lab {
  /** A server of an origin of its own, and so with storage of its own. */
  place(): Promise<Place>;
  page(origin: string, init?: () => void): Promise<Page>;
  load(page: Page): Promise<JSHandle<typeof import("./lab.js")>>;
  readonly context: BrowserContext;
  close(): Promise<void>;
}

export async function openLab(executablePath: string): Promise<Lab> {
  const [bundle, profile] = await Promise.all([bundleLab(), temporaryFolder()]);
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--host-resolver-rules=MAP insecure.test 127.0.0.1",
    ],
  });
  const servers: Server[] = [];
  return {
    context,
    async place() {
      const files = new Map<string, Uint8Array>();
      const troubles = new Map<string, Trouble[]>();
      const requests: string[] = [];
      const place = { origin: "", files, troubles, requests, headers: {}, route: undefined };
      const server = await serve({
        folders: { "/": bundle },
        routes: [answerOf(place)],
      });
      servers.push(server);
      return Object.assign(place, { origin: server.origin });
    },
    async page(origin, init) {
      const page = await context.newPage();
      if (init) await page.addInitScript(init);
      await page.goto(origin);
      return page;
    },
    load: (page) => page.evaluateHandle('import("/lab.js")'),
    async close() {
      await context.close();
      await Promise.all(servers.map((server) => server.close()));
      for (const folder of temporary.splice(0)) {
        await rm(folder, { recursive: true, force: true, maxRetries: 5 });
      }
    },
  };
}

function answerOf(place: Place): Route {
  return (request, response) => {
    const { method = "", url = "/" } = request;
    const path = decodeURIComponent(url);
    for (const [name, value] of Object.entries(place.headers)) response.setHeader(name, value);
    const isModel = path.startsWith("/m/") || place.route !== undefined;
    if (isModel && !/^\/(|lab\.js|assets\/.*)$/.test(path)) {
      place.requests.push([method, path, request.headers.range].filter(Boolean).join(" "));
    }
    if (place.route?.(request, response)) return true;
    const content = place.files.get(path);
    if (!content) return false;
    const trouble = method === "GET" ? place.troubles.get(path)?.shift() : undefined;
    const asked = { method, path, headers: request.headers };
    if (trouble?.cutAfter === undefined) {
      sendFile(asked, response, content, { trouble });
    } else {
      // A browser drops what it has not handed to the page when a connection breaks: time to do so.
      const { cutAfter } = trouble;
      const end = response.end.bind(response);
      response.end = ((body: Uint8Array) => {
        response.end = end;
        response.write(body.subarray(0, cutAfter), () => setTimeout(() => response.destroy(), 150));
        return response;
      }) as typeof response.end;
      sendFile(asked, response, content);
    }
    return true;
  };
}

async function bundleLab(): Promise<string> {
  const outDir = await temporaryFolder();
  const source = (name: string): string => join(root, `packages/${name}/src/index.ts`);
  await build({
    root,
    configFile: false,
    logLevel: "error",
    resolve: {
      alias: Object.fromEntries(
        ["core", "testing"].map((name) => [`@underpaint/${name}`, source(name)]),
      ),
    },
    build: {
      outDir,
      emptyOutDir: false,
      copyPublicDir: false,
      target: "es2022",
      minify: false,
      modulePreload: false,
      reportCompressedSize: false,
      rollupOptions: {
        input: { lab: fileURLToPath(new URL("./lab.ts", import.meta.url)) },
        external: ["@underpaint/starter"],
        preserveEntrySignatures: "strict",
        output: { entryFileNames: "[name].js" },
      },
    },
  });
  return outDir;
}
