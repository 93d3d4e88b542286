import { createHash } from "node:crypto";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { pattern } from "../../../packages/node/src/sources/fakes/file-server.js";
import { findChromium } from "../../support/browser.js";
import { type Lab, openLab, type Place } from "./browser.js";
import type { OpenRequest, Outcome } from "./lab.js";

const executable = findChromium();
const title = executable ? "models in a page" : "models in a page (skipped: no chromium)";
const path = "/m/unet/model.onnx";
const graph = pattern(3_000_000);
const pieceBytes = 250_000;

function digest(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

describe.skipIf(!executable)(title, () => {
  let lab: Lab;
  let place: Place;
  let page: Page;

  beforeAll(async () => {
    lab = await openLab(executable!);
  });
  afterAll(() => lab?.close());
  beforeEach(async () => {
    place = await lab.place();
    place.files.set(path, graph);
    place.files.set("/m/model_index.json", new TextEncoder().encode("{}"));
    page = await lab.page(place.origin);
    return () => page.close();
  });

  /** Opens the graph in a page, in pieces that are small enough for several. */
  async function open(request: Partial<OpenRequest> = {}, at: Page = page): Promise<Outcome> {
    const model = `${place.origin}/m/`;
    const options = { pieceBytes, ...request.options };
    return at.evaluate(([{ open }, given]) => open(given), [
      await lab.load(at),
      { model, ...request, options },
    ] as const);
  }

  const gets = (): string[] => place.requests.filter((line) => line.startsWith("GET"));

  it("are fetched once, and asked for changes later", async () => {
    const first = await open();
    expect(first).toMatchObject({ sha256: digest(graph), warnings: [] });
    expect(first.progress.at(-1)).toBe(graph.length);
    expect(await open()).toMatchObject({ sha256: digest(graph), progress: [graph.length] });
    expect(gets()).toHaveLength(1);
    const changed = pattern(2_000_000, 5);
    place.files.set(path, changed);
    expect(await open()).toMatchObject({ sha256: digest(changed) });
  });
});
