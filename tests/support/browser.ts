import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, chromium, type JSHandle, type Page } from "playwright-core";
import { afterAll, beforeAll, describe } from "vitest";
import { bundlePackages } from "./browser-bundle.js";
import { type Route, type Server, serve } from "./browser-server.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** What a page can import, by the names of {@link TestBrowser.load}. */
interface Modules {
  readonly web: typeof import("@underpaint/web");
  readonly core: typeof import("@underpaint/core");
  readonly schedulers: typeof import("@underpaint/schedulers");
  readonly controlnet: typeof import("@underpaint/controlnet");
}

/** How a page is opened. */
export interface PageOptions {
  /** Whether the page is isolated from other origins, so that threads may share memory. */
  readonly isolated?: boolean;
  /** Asked before files are served, by a server of this page's own. */
  readonly routes?: readonly Route[];
  /** The path that is opened; "/", an empty page, when left out. */
  readonly path?: string;
  /** Further folders by the beginning of the path that they are served under. */
  readonly folders?: Readonly<Record<string, string>>;
  /** What is run in the page before its scripts. */
  readonly init?: () => void;
  /** Whether the page has a profile of its own: storage that no other page sees. */
  readonly fresh?: boolean;
}

/** Chromium, for the tests of one file. */
export interface TestBrowser {
  /**
   * A page of an empty document, under a strict Content-Security-Policy, with the packages at
   * `/web.js` and so on, `fixtures/` at `/fixtures/` and the embedded model at `/starter/`.
   */
  page(options?: PageOptions): Promise<Page>;
  /** A package as a page has it, to be handed to `page.evaluate`. */
  load<N extends keyof Modules>(page: Page, name: N): Promise<JSHandle<Modules[N]>>;
  /** Lets errors on the console pass that match. */
  allow(pattern: RegExp): void;
  /** @throws Error when a page had an error on its console that was not allowed. */
  close(): Promise<void>;
}

/** Chromium's program; undefined where there is none. */
export function findChromium(): string | undefined {
  const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
  const folders = (process.env.PATH ?? "").split(delimiter);
  const candidates = [
    ...(process.env.CHROMIUM ? [process.env.CHROMIUM] : []),
    ...folders.flatMap((folder) => names.map((name) => join(folder, name))),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
  ];
  return candidates.find((path) => existsSync(path));
}

/** Chromium and the bundle may take long on a busy machine. */
const startMs = 120_000;

const flags = [
  "--no-sandbox",
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/**
 * Tests that run in Chromium: Debian's, headless, with WebGPU in software. Where it is not
 * installed they are skipped, and say so. A page's errors fail them.
 */
export function describeInBrowser(name: string, tests: (browser: TestBrowser) => void): void {
  const executable = findChromium();
  const title = executable ? name : `${name} (skipped: chromium is not installed)`;
  describe.skipIf(!executable)(title, () => {
    let opened: TestBrowser | undefined;
    const it = (): TestBrowser => {
      if (!opened) throw new Error("the browser is open while tests run, not before");
      return opened;
    };
    beforeAll(async () => {
      opened = await openBrowser(executable!);
    }, startMs);
    afterAll(() => opened?.close(), startMs);
    tests({
      page: (options) => it().page(options),
      load: (page, module) => it().load(page, module),
      allow: (pattern) => it().allow(pattern),
      close: () => it().close(),
    });
  });
}

/** Opens Chromium. */
export async function openBrowser(
  executablePath: string,
  args: string[] = [],
): Promise<TestBrowser> {
  const [bundle, browser] = await Promise.all([
    bundlePackages(),
    chromium.launch({ executablePath, headless: true, args: [...flags, ...args] }),
  ]);
  const servers: Server[] = [];
  const shared = new Map<boolean, Promise<Server>>();
  const errors: string[] = [];
  const allowed: RegExp[] = [];
  const folders = {
    "/": bundle,
    "/fixtures/": join(root, "fixtures"),
    "/starter/": join(root, "packages/starter/model"),
  };

  async function serverFor(options: PageOptions): Promise<Server> {
    const isolated = options.isolated ?? false;
    const open = async (): Promise<Server> => {
      const server = await serve({
        folders: { ...folders, ...options.folders },
        isolated,
        ...(options.routes && { routes: options.routes }),
      });
      servers.push(server);
      return server;
    };
    if (options.routes || options.folders) return open();
    const server = shared.get(isolated) ?? open();
    shared.set(isolated, server);
    return server;
  }

  return {
    async page(options = {}) {
      const { origin } = await serverFor(options);
      const page = options.fresh
        ? await (await browser.newContext()).newPage()
        : await pageOf(browser);
      page.on("pageerror", (error) => errors.push(`${error}`));
      page.on("console", (message) => {
        // Models are probed for files that they need not have, which browsers note.
        if (/\/fixtures\/|\/starter\//.test(message.location().url)) return;
        if (message.type() === "error") errors.push(message.text());
      });
      if (options.init) await page.addInitScript(options.init);
      await page.goto(origin + (options.path ?? "/"));
      return page;
    },
    // A text, since the test runner rewrites imports in functions.
    load: (page, name) => page.evaluateHandle(`import("/${name}.js")`),
    allow: (pattern) => void allowed.push(pattern),
    async close() {
      await browser.close();
      await Promise.all(servers.map((server) => server.close()));
      const bad = errors.filter((text) => !allowed.some((pattern) => pattern.test(text)));
      if (bad.length > 0) throw new Error(`errors in pages:\n${bad.join("\n")}`);
    },
  };
}

/** Pages of one profile share its storage, as tabs do. */
async function pageOf(browser: Browser): Promise<Page> {
  const [context = await browser.newContext()] = browser.contexts();
  return context.newPage();
}
