import { cp, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { formatReport } from "../cli/info.js";
import { serveFiles } from "../sources/fakes/file-server.js";
import { folderSource } from "../sources/folder.js";
import { httpsSource } from "../sources/https.js";
import { describeModel } from "./describe-model.js";

const starter = fileURLToPath(new URL("../../../starter/model", import.meta.url));

let place: string;

beforeAll(async () => {
  place = await mkdtemp(join(tmpdir(), "underpaint-describe-"));
});

afterAll(() => rm(place, { recursive: true, force: true }));

/** A copy of the starter, changed. */
async function changed(name: string, change: (folder: string) => Promise<void>) {
  const folder = join(place, name);
  await cp(starter, folder, { recursive: true });
  await change(folder);
  return describeModel(await folderSource(folder));
}

describe("describeModel", () => {
  test("a model that can be used", async () => {
    const report = await describeModel(await folderSource(starter));
    expect(report).toMatchObject({
      family: "stable-diffusion",
      isUsable: true,
      scheduler: { className: "DDIMScheduler", prediction: "v_prediction" },
    });
    expect(report.components.map(({ name, isHere }) => [name, isHere])).toEqual([
      ["text_encoder", true],
      ["unet", true],
      ["vae_decoder", true],
      ["vae_encoder", true],
    ]);
    expect(report.can).toContain("image to image");
    expect(report.can).toContain("be steered by controls of its own: lineart, palette");
    expect(formatReport(report)).toContain("sample float32");
  });

  test("what is missing or broken is what it cannot do", async () => {
    const lacking = await changed("lacking", (folder) =>
      rm(join(folder, "vae_encoder"), { recursive: true }),
    );
    expect(lacking.isUsable).toBe(true);
    expect(lacking.cannot).toContain("image to image: it has no vae_encoder");

    const unusable = await changed("unusable", (folder) => rm(join(folder, "unet/model.onnx")));
    expect(unusable.isUsable).toBe(false);
    expect(unusable.can).toEqual([]);
    expect(unusable.cannot[0]).toContain("unet/model.onnx");

    const cut = await changed("cut", (folder) =>
      truncate(join(folder, "unet/model.onnx"), 100_000),
    );
    expect(cut.isUsable).toBe(false);
    expect(cut.cannot).toEqual([expect.stringContaining("unet/model.onnx is no ONNX graph")]);
    expect(formatReport(cut)).toMatch(/unet +\S+ kB {2}broken/);
  });

  test("a family that is not built, and a class name that would steer a terminal", async () => {
    const index = { _class_name: "StableDiffusionXLPipeline\u001b[31m" };
    const other = await changed("other", (folder) =>
      writeFile(join(folder, "model_index.json"), JSON.stringify(index)),
    );
    expect(other).toMatchObject({ family: "stable-diffusion-xl", isUsable: false });
    expect(other.cannot[0]).toContain("Stable Diffusion XL is not supported yet");
    expect(formatReport(other)).not.toContain("\u001b");
  });

  test("of a model elsewhere, what is not here yet is told, and not fetched", async () => {
    const names = ["text_encoder", "unet", "vae_decoder"].map((name) => `${name}/model.onnx`);
    const small = {
      "model_index.json": "{}",
      "scheduler/scheduler_config.json": '{"_class_name":"DDIMScheduler"}',
      "tokenizer/tokenizer.json": "{}",
    };
    const text = (value: string) => new TextEncoder().encode(value);
    const site = await serveFiles(
      new Map([
        ...Object.entries({
          ...small,
          "model_index.json": '{"_class_name":"StableDiffusionPipeline"}',
        }).map(([path, value]) => [`/${path}`, text(value)] as const),
        ...names.map((path) => [`/${path}`, new Uint8Array(1000)] as const),
      ]),
    );
    try {
      const source = httpsSource(site.address, { cacheFolder: join(place, "cache") });
      const report = await describeModel(source);
      expect(report.components.every(({ isHere }) => !isHere)).toBe(true);
      expect(report.bytes).toBe(3000);
      expect(formatReport(report)).toContain(
        "not here yet: text_encoder, unet, vae_decoder; 3.0 kB",
      );
      expect(
        site.requests.filter((line) => line.startsWith("GET") && line.includes("onnx")),
      ).toEqual([]);
    } finally {
      await site.close();
    }
  });
});
