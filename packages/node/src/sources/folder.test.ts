import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isUnderpaintError } from "@underpaint/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { folderSource } from "./folder.js";

let place: string;
let model: string;

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "underpaint-folder-"));
  model = join(place, "model");
  await mkdir(join(model, "unet"), { recursive: true });
  await writeFile(join(model, "model_index.json"), "{}");
  await writeFile(join(model, "unet/model.onnx"), "graph");
  await writeFile(join(model, "unet/model.onnx_data"), "weights");
  await writeFile(join(place, "secret.txt"), "secret");
});

afterEach(() => rm(place, { recursive: true, force: true }));

async function codeOf(work: Promise<unknown>): Promise<[string, string]> {
  const error = await work.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (!isUnderpaintError(error)) throw new Error(`no typed error: ${error}`);
  return [error.code, error.message];
}

describe("folderSource", () => {
  test("reads, sizes and opens what is there", async () => {
    const source = await folderSource(model);
    expect(source.id).toBe("folder:model");
    expect(await source.size("unet/model.onnx")).toBe(5);
    expect(await source.size("vae_encoder/model.onnx")).toBeUndefined();
    expect(await source.size("unet")).toBeUndefined();
    expect(Buffer.from(await source.read("model_index.json", { maxBytes: 2 })).toString()).toBe(
      "{}",
    );
    const seen: unknown[] = [];
    const graph = await source.open("unet/model.onnx", {
      companions: ["model.onnx_data"],
      onProgress: (progress) => seen.push(progress),
    });
    expect(graph).toEqual({ path: join(model, "unet/model.onnx") });
    expect(seen).toEqual([
      { file: "unet/model.onnx", loadedBytes: 5, totalBytes: 5 },
      { file: "unet/model.onnx_data", loadedBytes: 7, totalBytes: 7 },
    ]);
  });

  test("tells of a folder that is not there, or is a file", async () => {
    expect(await codeOf(folderSource(join(place, "nowhere")))).toEqual([
      "model-not-found",
      expect.stringContaining("nowhere"),
    ]);
    expect((await codeOf(folderSource(join(place, "secret.txt"))))[0]).toBe("model-not-found");
  });

  test("names a missing file and one that is too large", async () => {
    const source = await folderSource(model);
    expect(await codeOf(source.open("vae_decoder/model.onnx"))).toEqual([
      "model-invalid",
      expect.stringContaining("vae_decoder/model.onnx"),
    ]);
    expect(await codeOf(source.read("model_index.json", { maxBytes: 1 }))).toEqual([
      "model-invalid",
      expect.stringMatching(/model_index\.json is too large \(found 2\); allowed: up to 1 bytes/),
    ]);
  });

  test.each([
    "../secret.txt",
    "unet/../../secret.txt",
    "/etc/passwd",
    "C:/secret",
    "unet\\..\\..\\secret.txt",
    "unet//model.onnx",
    "./unet",
    "",
    "a\0b",
  ])("refuses the path %j", async (path) => {
    const source = await folderSource(model);
    for (const work of [
      source.size(path),
      source.read(path, { maxBytes: 100 }),
      source.open(path),
      source.open("unet/model.onnx", { companions: [path] }),
    ]) {
      expect((await codeOf(work))[0]).toBe("model-invalid");
    }
  });

  test("follows links inside the folder, and none out of it", async () => {
    await symlink("model.onnx", join(model, "unet/same.onnx"));
    await symlink("../../secret.txt", join(model, "unet/out.onnx"));
    await symlink(place, join(model, "up"));
    const source = await folderSource(model);
    expect(await source.size("unet/same.onnx")).toBe(5);
    for (const path of ["unet/out.onnx", "up/secret.txt"]) {
      expect(await codeOf(source.read(path, { maxBytes: 100 }))).toEqual([
        "model-invalid",
        expect.stringContaining("leads out of the model's folder"),
      ]);
    }
    const trusting = await folderSource(model, { linksInto: [place] });
    expect(await trusting.size("unet/out.onnx")).toBe(6);
  });

  test("knows a snapshot of the hub's cache, whose files are links", async () => {
    const repository = join(place, "hub/models--me--tiny");
    const snapshot = join(repository, "snapshots/abc/unet");
    await mkdir(join(repository, "blobs"), { recursive: true });
    await mkdir(snapshot, { recursive: true });
    await writeFile(join(repository, "blobs/1234"), "graph");
    await symlink("../../../blobs/1234", join(snapshot, "model.onnx"));
    const source = await folderSource(join(repository, "snapshots/abc"));
    expect(await source.size("unet/model.onnx")).toBe(5);
    expect(await source.open("unet/model.onnx")).toEqual({ path: join(snapshot, "model.onnx") });
  });

  test("does nothing for an aborted signal", async () => {
    const source = await folderSource(model);
    const signal = AbortSignal.abort();
    await expect(source.size("model_index.json", { signal })).rejects.toThrow(signal.reason);
    await expect(source.open("unet/model.onnx", { signal })).rejects.toThrow(signal.reason);
    await expect(source.read("model_index.json", { maxBytes: 9, signal })).rejects.toThrow(
      signal.reason,
    );
  });
});
