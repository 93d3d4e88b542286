import { createHash } from "node:crypto";
import {
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { isUnderpaintError, type LoadProgress, parseHubAddress } from "@underpaint/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type FakeServer, pattern, type Trouble } from "./fakes/file-server.js";
import { type FakeRepository, gitHash, sha256, startFakeHub } from "./fakes/hub.js";
import { type HubOptions, hubSource } from "./hub.js";
import { hubSettings } from "./hub-settings.js";

const commit = "0123456789abcdef0123456789abcdef01234567";
const index = new TextEncoder().encode("{}");
const graph = pattern(200_000);
const weights = pattern(300_000, 2);
const files = new Map([
  ["model_index.json", index],
  ["unet/model.onnx", graph],
  ["unet/model.onnx_data", weights],
]);
const large = new Set(["unet/model.onnx", "unet/model.onnx_data"]);
const tiny: FakeRepository = { files, large, commit, branch: "main" };

let place: string;
let hub: FakeServer;
let troubles: Map<string, Trouble[]>;

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "underpaint-hub-"));
  troubles = new Map();
  const closed = { ...tiny, token: "secret" };
  hub = await startFakeHub(
    new Map([
      ["me/tiny", tiny],
      ["me/closed", closed],
      ["me/gated", { ...tiny, isGated: true }],
    ]),
    troubles,
  );
});

afterEach(async () => {
  await hub.close();
  await rm(place, { recursive: true, force: true });
});

function source(
  address = "hub:me/tiny",
  environment: HubOptions["environment"] = {},
): ReturnType<typeof hubSource> {
  return hubSource(address, {
    environment: { HF_ENDPOINT: hub.address, HF_HOME: place, ...environment },
    patience: { firstDelayMs: 1, retries: 2, silenceMs: 300 },
  });
}

async function failure(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error = await work.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (!isUnderpaintError(error)) throw new Error(`no typed error: ${error}`);
  return error;
}

const repository = (): string => join(place, "hub/models--me--tiny");
const snapshot = (file: string): string => join(repository(), "snapshots", commit, file);
const downloads = (): string[] => hub.requests.filter((line) => /resolve|storage/.test(line));

describe("hubSource", () => {
  test("fetches into the layout of Python's cache", async () => {
    const model = source();
    expect(model.id).toBe("hub:me/tiny@main");
    expect(await model.size("unet/model.onnx")).toBe(graph.length);
    expect(await model.size("vae_encoder/model.onnx")).toBeUndefined();
    const seen: LoadProgress[] = [];
    const opened = await model.open("unet/model.onnx", {
      companions: ["model.onnx_data"],
      onProgress: (progress) => seen.push(progress),
    });
    expect(opened).toEqual({ path: snapshot("unet/model.onnx") });
    expect(Buffer.from(await model.read("model_index.json", { maxBytes: 9 })).toString()).toBe(
      "{}",
    );
    expect(model.id).toBe(`hub:me/tiny@${commit}`);

    expect(await readFile(join(repository(), "refs/main"), "utf8")).toBe(commit);
    expect(await readlink(snapshot("unet/model.onnx"))).toBe(`../../../blobs/${sha256(graph)}`);
    expect(await readlink(snapshot("model_index.json"))).toBe(`../../blobs/${gitHash(index)}`);
    expect(await readFile(snapshot("unet/model.onnx_data"))).toEqual(Buffer.from(weights));
    expect((await readdir(join(repository(), "blobs"))).sort()).toEqual(
      [sha256(graph), sha256(weights), gitHash(index)].sort(),
    );
    const last = seen.findLast(({ file }) => file === "unet/model.onnx_data");
    expect(last).toMatchObject({ loadedBytes: weights.length, totalBytes: weights.length });
  });

  test("downloads nothing twice, and asks nothing for a commit that is here", async () => {
    await source().open("unet/model.onnx");
    const before = downloads().length;
    await source().open("unet/model.onnx");
    expect(downloads()).toHaveLength(before);

    const asked = hub.requests.length;
    const pinned = source(`hub:me/tiny@${commit}`);
    await pinned.open("unet/model.onnx");
    expect(await pinned.size("vae_encoder/model.onnx")).toBeUndefined();
    expect(hub.requests).toHaveLength(asked);
  });

  test("uses what is here when the hub cannot be reached", async () => {
    await source().open("unet/model.onnx");
    await hub.close();
    const model = source();
    expect(await model.open("unet/model.onnx")).toEqual({ path: snapshot("unet/model.onnx") });
    const { code, message } = await failure(model.open("unet/model.onnx_data"));
    expect(code).toBe("download-failed");
    expect(message).toContain("unet/model.onnx_data could not be fetched");
    const unseen = await failure(source("hub:me/closed").open("unet/model.onnx"));
    expect(unseen.code).toBe("download-failed");
    expect(unseen.message).toContain("the hub cannot be asked");
  });

  test("offline, a cache that Python filled without a listing tells what it has", async () => {
    await source().open("unet/model.onnx");
    await source().read("model_index.json", { maxBytes: 9 });
    await rm(join(repository(), "trees"), { recursive: true });
    const model = source("hub:me/tiny", { HF_HUB_OFFLINE: "1" });
    expect(await model.size("unet/model.onnx")).toBe(graph.length);
    expect(await model.size("vae_encoder/model.onnx")).toBeUndefined();
    expect((await failure(model.open("vae_encoder/model.onnx"))).code).toBe("download-failed");
  });

  test("HF_HUB_OFFLINE asks nothing at all", async () => {
    const { code, message } = await failure(
      source("hub:me/tiny", { HF_HUB_OFFLINE: "1" }).size("model_index.json"),
    );
    expect([code, message]).toEqual(["download-failed", expect.stringContaining("HF_HUB_OFFLINE")]);
    expect(hub.requests).toEqual([]);
  });

  test("goes on where a download was cut, in another process too", async () => {
    troubles.set("unet/model.onnx", [{ cutAfter: 70_000 }, ...Array(9).fill({ cutAfter: 0 })]);
    const { code, message } = await failure(source().open("unet/model.onnx"));
    expect([code, message]).toEqual([
      "download-failed",
      expect.stringContaining("it goes on after the 70000 bytes"),
    ]);
    const part = join(repository(), "blobs", `${sha256(graph)}.incomplete`);
    expect((await stat(part)).size).toBe(70_000);
    await expect(lstat(snapshot("unet/model.onnx"))).rejects.toThrow("ENOENT");

    troubles.clear();
    await source().open("unet/model.onnx");
    expect(hub.requests.at(-1)).toBe(`GET /storage/${sha256(graph)} bytes=70000-`);
    expect(await readFile(snapshot("unet/model.onnx"))).toEqual(Buffer.from(graph));
  });

  test("throws away a part that was not the file's, and begins anew", async () => {
    const part = join(repository(), "blobs", `${sha256(graph)}.incomplete`);
    await mkdir(dirname(part), { recursive: true });
    await writeFile(part, pattern(1000, 99));
    await source().open("unet/model.onnx");
    expect(await readFile(snapshot("unet/model.onnx"))).toEqual(Buffer.from(graph));
  });

  test("refuses a file whose hash is not the hub's", async () => {
    const other = pattern(graph.length, 5);
    // A listing that is kept from before tells of other content than the server now sends.
    const tree = {
      format_version: 1,
      files: {
        "unet/model.onnx": {
          size: other.length,
          blob_id: gitHash(other),
          lfs_sha256: sha256(other),
          lfs_size: other.length,
        },
      },
    };
    await mkdir(join(repository(), "trees"), { recursive: true });
    await writeFile(join(repository(), "trees", `${commit}.json`), JSON.stringify(tree));
    const { code, message } = await failure(source().open("unet/model.onnx"));
    expect([code, message]).toEqual(["download-failed", expect.stringContaining("hash differs")]);
    expect(await readdir(join(repository(), "blobs"))).toEqual([]);
  });

  test("tells of a model, a revision and a file that are not there", async () => {
    expect(await failure(source("hub:me/none").size("model_index.json"))).toMatchObject({
      code: "model-not-found",
      message: expect.stringContaining("me/none"),
    });
    expect(await failure(source("hub:me/tiny@v9").size("model_index.json"))).toMatchObject({
      code: "model-not-found",
      message: expect.stringContaining("at v9"),
    });
    expect(await failure(source().open("vae_decoder/model.onnx"))).toMatchObject({
      code: "model-invalid",
      message: expect.stringContaining("has no file vae_decoder/model.onnx"),
    });
  });

  test("a closed model opens with HF_TOKEN, which never leaves the hub", async () => {
    expect(await failure(source("hub:me/closed").size("model_index.json"))).toMatchObject({
      code: "model-not-found",
      message: expect.stringContaining("HF_TOKEN"),
    });
    await source("hub:me/closed", { HF_TOKEN: "secret" }).open("unet/model.onnx");
    await writeFile(join(place, "token"), "secret\n");
    await source("hub:me/closed").open("unet/model.onnx_data");
    // The fake's storage answers 400 to a token.
    expect(hub.headers.at(-1)?.authorization).toBeUndefined();
  });

  test("a model whose terms were not accepted says so, and no error shows a token", async () => {
    expect(await failure(source("hub:me/gated").open("unet/model.onnx"))).toMatchObject({
      code: "download-failed",
      message: expect.stringContaining("accept the model's terms"),
    });
    const broken = source("hub:me/tiny", { HF_TOKEN: "sec\nret" });
    const { code, message } = await failure(broken.size("model_index.json"));
    expect(code).toBe("invalid-request");
    expect(message).not.toMatch(/sec|ret\b/);
  });

  test("eight at once fetch once", async () => {
    const model = source();
    await Promise.all(Array.from({ length: 8 }, () => model.open("unet/model.onnx")));
    expect(hub.requests.filter((line) => line.includes("storage"))).toHaveLength(1);
  });

  test("an abort leaves the others alone", async () => {
    const model = source();
    const controller = new AbortController();
    const mine = model.open("unet/model.onnx", { signal: controller.signal });
    const theirs = model.open("unet/model.onnx");
    controller.abort();
    await expect(mine).rejects.toThrow(controller.signal.reason);
    expect(await theirs).toEqual({ path: snapshot("unet/model.onnx") });
  });

  test("weights in huggingface_hub's shared store are brought beside their graph", async () => {
    await source().open("unet/model.onnx", { companions: ["model.onnx_data"] });
    // What Python makes of blobs that several repositories share.
    for (const content of [graph, weights]) {
      const blob = join(repository(), "blobs", sha256(content));
      const hash = createHash("sha256").update("xet").update(content).digest("hex");
      const shared = join(place, "hub/blobs", hash.slice(0, 2), hash);
      await mkdir(dirname(shared), { recursive: true });
      await rename(blob, shared);
      await symlink(join("../../blobs", hash.slice(0, 2), hash), blob);
    }
    const opened = await source().open("unet/model.onnx", { companions: ["model.onnx_data"] });
    if (!("path" in opened)) throw new Error("no path");
    expect(opened.path).not.toBe(snapshot("unet/model.onnx"));
    expect((await stat(opened.path)).nlink).toBe(2);
    const beside = join(dirname(opened.path), "model.onnx_data");
    expect((await lstat(beside)).isSymbolicLink()).toBe(false);
    expect(await readFile(beside)).toEqual(Buffer.from(weights));
    expect(await source().open("unet/model.onnx", { companions: ["model.onnx_data"] })).toEqual(
      opened,
    );
  });
});

describe("parseHubAddress", () => {
  test.each([
    ["hub:owner/name", "owner/name", "main"],
    ["hub:gpt2", "gpt2", "main"],
    ["hub:Owner-1/na.me_x@v1.0", "Owner-1/na.me_x", "v1.0"],
    ["hub:a/b@refs/pr/7", "a/b", "refs/pr/7"],
    [`hub:a/b@${commit}`, "a/b", commit],
  ])("%s", (address, repo, revision) => {
    expect(parseHubAddress(address)).toEqual({ repository: repo, revision });
  });

  test.each([
    "hub:",
    "hub:a/b/c",
    "hub:../x",
    "hub:a/..",
    "hub:a--b/c",
    "hub:a/b.git",
    "hub:a/b@",
    "hub:a/b@../../x",
    "hub:a/b@/x",
    "hub:a/b@x//y",
    "hub:a/b@x\\y",
    "hub:a/b@.hidden",
    "hub:a b/c",
    "hub:-a/b",
    "hub:a/b\n",
  ])("refuses %j", (address) => {
    expect(() => parseHubAddress(address)).toThrow(/no model of the hub/);
  });
});

describe("hubSettings", () => {
  test("reads the environment as huggingface_hub does", () => {
    expect(hubSettings({ HF_HOME: "/x" }).cacheFolder).toBe(join("/x", "hub"));
    expect(hubSettings({ HF_HOME: "/x", HUGGINGFACE_HUB_CACHE: "/y" }).cacheFolder).toBe("/y");
    expect(hubSettings({ HF_HUB_CACHE: "/z", HUGGINGFACE_HUB_CACHE: "/y" }).cacheFolder).toBe("/z");
    expect(hubSettings({ XDG_CACHE_HOME: "/c" }).cacheFolder).toBe(join("/c", "huggingface/hub"));
    expect(
      hubSettings({ HF_HUB_CACHE: `$BASE/$${"{SUB}"}/h`, BASE: "/b", SUB: "s" }).cacheFolder,
    ).toBe("/b/s/h");
    expect(hubSettings({ HF_HUB_OFFLINE: "yes" }).isOffline).toBe(true);
    expect(hubSettings({ HF_HUB_OFFLINE: "0" }).isOffline).toBe(false);
    expect(() => hubSettings({ HF_ENDPOINT: "http://hub.example.com" })).toThrow(/HF_ENDPOINT/);
  });
});
