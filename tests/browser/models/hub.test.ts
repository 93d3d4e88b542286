import type { Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { pattern } from "../../../packages/node/src/sources/fakes/file-server.js";
import { findChromium } from "../../support/browser.js";
import { type Lab, openLab, type Place } from "./browser.js";
import { type FakeHub, hubRoute, sha256 } from "./hub.js";
import type { OpenRequest, Outcome } from "./lab.js";

const executable = findChromium();
const title = executable ? "the hub in a page" : "the hub in a page (skipped: no chromium)";
const large = pattern(2_000_000);
const small = pattern(40_000, 3);

describe.skipIf(!executable)(title, () => {
  let lab: Lab;
  let place: Place;
  let page: Page;
  let hub: FakeHub;

  beforeAll(async () => {
    lab = await openLab(executable!);
  }, 60_000);
  afterAll(() => lab?.close(), 60_000);
  beforeEach(async () => {
    hub = {
      name: "owner/model",
      commit: "a".repeat(40),
      files: new Map([
        ["unet/model.onnx", large],
        ["vae_decoder/model.onnx", small],
      ]),
      large: new Set(["unet/model.onnx"]),
      wrong: new Map(),
    };
    place = await lab.place();
    place.route = (request, response) => hubRoute(hub)(request, response);
    page = await lab.page(place.origin);
    return () => page.close();
  }, 60_000);

  async function open(request: Partial<OpenRequest> = {}): Promise<Outcome> {
    return page.evaluate(([{ open }, given]) => open(given), [
      await lab.load(page),
      {
        model: "hub:owner/model",
        hubEndpoint: place.origin,
        options: { pieceBytes: 300_000 },
        ...request,
      },
    ] as const);
  }

  const gets = (): string[] => place.requests.filter((line) => /^GET \/(owner|storage)/.test(line));

  it("gives files that are what their hashes say, large and small", async () => {
    expect(await open()).toMatchObject({ sha256: sha256(large), warnings: [] });
    const decoder = { file: "vae_decoder/model.onnx" };
    expect(await open(decoder)).toMatchObject({ sha256: sha256(small), warnings: [] });
    const asked = gets().length;
    expect(await open()).toMatchObject({ sha256: sha256(large) });
    expect(gets()).toHaveLength(asked);
  });

  it("names the commit in recipes", async () => {
    const ids = await page.evaluate(
      async ([{ resolveModel }, hubEndpoint]) => {
        const source = await resolveModel("hub:owner/model", { hubEndpoint });
        const before = source.id;
        await source.size("unet/model.onnx");
        return [before, source.id];
      },
      [await lab.load(page), place.origin] as const,
    );
    expect(ids).toEqual(["hub:owner/model@main", `hub:owner/model@${"a".repeat(40)}`]);
  });

  it.each([
    ["large", "unet/model.onnx", large],
    ["small", "vae_decoder/model.onnx", small],
  ])("never uses a %s file that is not what its hash says", async (_, file, right) => {
    const wrong = right.slice();
    wrong[right.length - 7]! ^= 1;
    hub.wrong.set(file, wrong);
    const { error } = await open({ file });
    expect(error?.code).toBe("download-failed");
    expect(error?.message).toContain("is not that file");
    hub.wrong.clear();
    expect(await open({ file })).toMatchObject({ sha256: sha256(right) });
  });

  it("never uses a file that was right up to where it was cut, and wrong after it", async () => {
    const wrong = large.slice();
    wrong[1_900_000]! ^= 1;
    hub.wrong.set("unet/model.onnx", wrong);
    await open({ abortAfter: 900_000 });
    const failed = await open();
    expect(failed.error?.code).toBe("download-failed");
    hub.wrong.clear();
    expect(await open()).toMatchObject({ sha256: sha256(large) });
  });

  const starts = (): number[] =>
    place.requests
      .filter((line) => line.startsWith("GET /storage"))
      .map((line) => Number(/bytes=(\d+)-$/.exec(line)?.[1]));

  it("goes on where it was cut, with the hash of what is here", async () => {
    const { progress } = await open({ abortAfter: 900_000 });
    expect(await open()).toMatchObject({ sha256: sha256(large) });
    expect(starts()).toEqual([0, progress.at(-1)]);
  });

  it("does not go on with another version", async () => {
    await open({ abortAfter: 900_000 });
    const changed = pattern(1_500_000, 8);
    hub.commit = "b".repeat(40);
    hub.files.set("unet/model.onnx", changed);
    expect(await open()).toMatchObject({ sha256: sha256(changed) });
    expect(starts()).toEqual([0, 0]);
  });

  it("begins once more where the wrong bytes came first", async () => {
    const wrong = large.slice();
    wrong[5]! ^= 1;
    hub.wrong.set("unet/model.onnx", wrong);
    await open({ abortAfter: 900_000 });
    hub.wrong.clear();
    expect(await open()).toMatchObject({ sha256: sha256(large) });
    expect(
      gets()
        .filter((line) => line.includes("storage"))
        .at(-1),
    ).toMatch(/bytes=0-$/);
  });

  it("follows a branch, and fetches what changed alone", async () => {
    await open();
    await open({ file: "vae_decoder/model.onnx" });
    const changed = pattern(1_500_000, 8);
    hub.commit = "b".repeat(40);
    hub.files.set("unet/model.onnx", changed);
    place.requests.length = 0;
    expect(await open()).toMatchObject({ sha256: sha256(changed) });
    expect(await open({ file: "vae_decoder/model.onnx" })).toMatchObject({ sha256: sha256(small) });
    expect(gets().filter((line) => line.includes("vae_decoder"))).toEqual([]);
    const models = await page.evaluate(({ modelStore }) => modelStore.list(), await lab.load(page));
    expect(models).toEqual([
      { model: "hub:owner/model@main", bytes: changed.length + small.length, isWhole: true },
    ]);
  });

  it("needs no hub for what is kept", async () => {
    await open();
    place.route = (_, response) => {
      response.destroy();
      return true;
    };
    expect(await open()).toMatchObject({ sha256: sha256(large) });
  });

  it("sends the token to the hub alone, and says where one is needed", async () => {
    hub = { ...hub, token: "hf_secret" };
    const { error } = await open();
    expect(error?.code).toBe("model-not-found");
    expect(error?.message).toContain("token");
    expect(await open({ hubToken: "hf_secret" })).toMatchObject({ sha256: sha256(large) });
    const bad = await open({ hubToken: "hf secret" });
    expect(bad.error?.code).toBe("invalid-request");
    expect(bad.error?.message).not.toContain("hf secret");
  });

  it("is told from what is no hub", async () => {
    expect((await open({ model: "hub:owner/none" })).error?.code).toBe("model-not-found");
    expect((await open({ model: "hub:../x" })).error?.code).toBe("invalid-request");
    place.route = (_, response) => {
      response.writeHead(200, { "content-type": "application/json" }).end('{"sha":"../../x"}');
      return true;
    };
    const { error } = await open({ model: "hub:owner/other" });
    expect(error?.code).toBe("download-failed");
    expect(error?.message).toContain("does not answer as the hub does");
  });
});
