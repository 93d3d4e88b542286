import { randomUUID } from "node:crypto";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findChromium } from "../../support/browser.js";
import { type Lab, openLab, type Place } from "./browser.js";
import { hubRoute } from "./hub.js";

const executable = findChromium();
const title = executable ? "model sources" : "model sources (skipped: chromium is not installed)";

/** The conformance suite of @underpaint/testing, run in a page on each source. */
describe.skipIf(!executable)(title, () => {
  let lab: Lab;
  let place: Place;
  let page: Page;

  beforeAll(async () => {
    lab = await openLab(executable!);
    place = await lab.place();
    page = await lab.page(place.origin);
    await page.exposeFunction("publish", publish);
    await page.exposeFunction("publishAtHub", publishAtHub);
  }, 60_000);
  afterAll(() => lab?.close(), 60_000);

  /** Serves files under an address of their own. */
  function publish(files: Record<string, number[]>): string {
    const folder = `/m/${randomUUID()}`;
    place.files.set(`${folder}/secret.txt`, Uint8Array.of(1));
    for (const [path, content] of Object.entries(files)) {
      place.files.set(`${folder}/model/${path}`, Uint8Array.from(content));
    }
    return `${place.origin}${folder}/model`;
  }

  function publishAtHub(files: Record<string, number[]>): string {
    const name = `owner/${randomUUID().replaceAll("-", "")}`;
    const contents = Object.entries(files).map(
      ([path, content]) => [path, Uint8Array.from(content)] as const,
    );
    const route = hubRoute({
      name,
      commit: "c".repeat(40),
      files: new Map(contents),
      large: new Set(["unet/model.onnx", "unet/model.onnx_data"]),
      wrong: new Map(),
    });
    const before = place.route;
    place.route = (request, response) =>
      (request.url ?? "").includes(name) || (request.url ?? "").startsWith("/storage")
        ? route(request, response)
        : (before?.(request, response) ?? false);
    return `hub:${name}`;
  }

  it("over https addresses keep the contract", async () => {
    const failures = await page.evaluate(
      async ({ failuresOf, resolveModel, published }) =>
        failuresOf(async (files) => resolveModel(await published("publish", files))),
      await lab.load(page),
    );
    expect(failures).toEqual([]);
  });

  it("over addresses keep it without storage", async () => {
    const refused = await lab.page(place.origin, () => {
      StorageManager.prototype.getDirectory = () =>
        Promise.reject(new DOMException("no", "SecurityError"));
    });
    await refused.exposeFunction("publish", publish);
    const failures = await refused.evaluate(
      async ({ failuresOf, resolveModel, published }) =>
        failuresOf(async (files) => resolveModel(await published("publish", files))),
      await lab.load(refused),
    );
    expect(failures).toEqual([]);
    await refused.close();
  });

  it("over the hub keep the contract", async () => {
    const failures = await page.evaluate(
      async ([{ failuresOf, resolveModel, published }, hubEndpoint]) =>
        failuresOf(async (files) =>
          resolveModel(await published("publishAtHub", files), { hubEndpoint }),
        ),
      [await lab.load(page), place.origin] as const,
    );
    expect(failures).toEqual([]);
  });

  it("over files keep the contract", async () => {
    const failures = await page.evaluate(
      ({ failuresOf, resolveModel }) =>
        failuresOf((files) => {
          const list = Object.entries({ "../secret.txt": Uint8Array.of(1), ...files });
          return resolveModel(
            Object.fromEntries(
              list.map(([path, content]) => [
                `folder/model/${path}`,
                new Blob([content as Uint8Array<ArrayBuffer>]),
              ]),
            ),
          );
        }),
      await lab.load(page),
    );
    expect(failures).toEqual([]);
  });

  it("over folders keep the contract", async () => {
    const failures = await page.evaluate(
      ({ failuresOf, resolveModel }) =>
        failuresOf(async (files) => {
          const root = await navigator.storage.getDirectory();
          const folder = await root.getDirectoryHandle(crypto.randomUUID(), { create: true });
          const put = async (path: string, content: Uint8Array): Promise<void> => {
            let place = folder;
            const parts = path.split("/");
            for (const part of parts.slice(0, -1)) {
              place = await place.getDirectoryHandle(part, { create: true });
            }
            const handle = await place.getFileHandle(parts.at(-1)!, { create: true });
            const writable = await handle.createWritable();
            await writable.write(content as Uint8Array<ArrayBuffer>);
            await writable.close();
          };
          await put("secret.txt", Uint8Array.of(1));
          for (const [path, content] of Object.entries(files)) await put(`model/${path}`, content);
          return resolveModel(await folder.getDirectoryHandle("model"));
        }),
      await lab.load(page),
    );
    expect(failures).toEqual([]);
  });

  it("over files are found by their model_index.json, wherever the folder is", async () => {
    const found = await page.evaluate(
      async ({ resolveModel, errorOf }) => {
        const file = (path: string, text: string): File => {
          const made = new File([text], path.split("/").at(-1)!);
          Object.defineProperty(made, "webkitRelativePath", { value: path });
          return made;
        };
        const files = [
          file("pictures/other/model_index.json", "deeper"),
          file("my-model/model_index.json", "index"),
          file("my-model/unet/model.onnx", "graph"),
        ];
        const source = await resolveModel(files);
        const bytes = await source.read("model_index.json", { maxBytes: 100 });
        const none = await resolveModel([files[2]!]).catch(errorOf);
        return [
          source.id,
          new TextDecoder().decode(bytes),
          await source.size("unet/model.onnx"),
          none,
        ];
      },
      await lab.load(page),
    );
    expect(found).toMatchObject(["folder:my-model", "index", 5, { code: "model-not-found" }]);
  });
});
