import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import {
  encodePng,
  isUnderpaintError,
  type ModelProgress,
  type PipelineWarning,
} from "@underpaint/core";
import { eulerAncestral } from "@underpaint/schedulers";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createPipeline, type NodePipelineOptions } from "./create-pipeline.js";
import { type FakeServer, serveFiles, type Trouble } from "./sources/fakes/file-server.js";
import { startFakeHub } from "./sources/fakes/hub.js";

const starter = fileURLToPath(new URL("../../starter/model", import.meta.url));
const request = { prompt: "a red apple", steps: 2, seed: 5 };

let place: string;
const servers: FakeServer[] = [];

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "underpaint-pipeline-"));
});

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
  await rm(place, { recursive: true, force: true });
});

async function failure(options: object): Promise<{ code: string; message: string }> {
  const error = await createPipeline(options as NodePipelineOptions).then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (!isUnderpaintError(error)) throw new Error(`no typed error: ${error}`);
  return error;
}

/** The starter's files, by path. */
async function starterFiles(prefix: string): Promise<Map<string, Uint8Array>> {
  const entries = await readdir(starter, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((e) => join(e.parentPath, e.name));
  return new Map(
    await Promise.all(
      paths.map(
        async (path) =>
          [prefix + relative(starter, path).replaceAll("\\", "/"), await readFile(path)] as const,
      ),
    ),
  );
}

/** The picture of {@link request}, as a file. */
async function picture(options: NodePipelineOptions): Promise<string> {
  const pipeline = await createPipeline({ device: "cpu", ...options });
  const { images } = await pipeline.generate(request);
  await pipeline.dispose();
  return Buffer.from(encodePng(images[0]!)).toString("base64");
}

describe("createPipeline", () => {
  test("without options: the starter, on a device that works", async () => {
    const pipeline = await createPipeline();
    expect(pipeline.manifest.id).toMatch(/^starter@\d+\.\d+\.\d+$/);
    expect(["cpu", "webgpu", "cuda", "dml", "coreml"]).toContain(pipeline.device);
    const { images, recipe, seeds } = await pipeline.generate(request);
    expect(images[0]).toMatchObject({ width: 128, height: 128 });
    // The model's own scheduler_config.json names it.
    expect(recipe.scheduler.name).toBe("ddim");
    expect(seeds).toEqual([5]);
    await pipeline.dispose();
  });

  test("one picture from a folder, an address and the hub", async () => {
    const site = await serveFiles(await starterFiles("/models/tiny/"));
    const files = await starterFiles("");
    const hub = await startFakeHub(
      new Map([
        [
          "me/tiny",
          {
            files,
            large: new Set([...files.keys()].filter((path) => path.endsWith(".onnx"))),
            commit: "0123456789abcdef0123456789abcdef01234567",
            branch: "main",
          },
        ],
      ]),
    );
    servers.push(site, hub);
    const expected = await picture({});
    expect(await picture({ model: starter })).toBe(expected);
    const address = `${site.address}/models/tiny`;
    expect(await picture({ model: address, cacheFolder: place })).toBe(expected);

    const saved = { HF_ENDPOINT: process.env.HF_ENDPOINT, HF_HOME: process.env.HF_HOME };
    Object.assign(process.env, { HF_ENDPOINT: hub.address, HF_HOME: place });
    try {
      expect(await picture({ model: "hub:me/tiny" })).toBe(expected);
    } finally {
      for (const [name, value] of Object.entries(saved)) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
    }
  });

  test("progress has one total over all files, and grows to it", async () => {
    const site = await serveFiles(await starterFiles("/"));
    servers.push(site);
    const seen: ModelProgress[] = [];
    const nodeWarnings: Error[] = [];
    const collect = (warning: Error) => nodeWarnings.push(warning);
    process.on("warning", collect);
    const pipeline = await createPipeline({
      model: site.address,
      signal: new AbortController().signal,
      cacheFolder: place,
      device: "cpu",
      onProgress: (progress) => seen.push(progress),
    });
    await pipeline.load();
    const { text_encoder, unet, vae_decoder } = pipeline.manifest.components;
    const total = text_encoder.bytes + unet.bytes + vae_decoder.bytes;
    expect(new Set(seen.map(({ totalBytes }) => totalBytes))).toEqual(new Set([total]));
    expect(seen.length).toBeGreaterThan(10);
    expect(seen.map(({ loadedBytes }) => loadedBytes)).toEqual(
      seen.map(({ loadedBytes }) => loadedBytes).sort((a, b) => a - b),
    );
    expect(seen.at(-1)!.loadedBytes).toBe(total);
    process.off("warning", collect);
    expect(nodeWarnings).toEqual([]);
    await pipeline.dispose();
  });

  test("a download that breaks off is an error, and the same pipeline goes on from there", async () => {
    const troubles = new Map<string, Trouble[]>();
    const site = await serveFiles(await starterFiles("/"), troubles);
    servers.push(site);
    const controller = new AbortController();
    const reason = new Error("enough");
    const pipeline = await createPipeline({
      model: site.address,
      cacheFolder: place,
      device: "cpu",
      onProgress: ({ file }) => file === "unet/model.onnx" && controller.abort(reason),
    });
    troubles.set("/unet/model.onnx", [{ silent: true }]);
    const aborted = pipeline.generate({ ...request, signal: controller.signal });
    await expect(aborted).rejects.toBe(reason);
    const { images } = await pipeline.generate(request);
    expect(Buffer.from(encodePng(images[0]!)).toString("base64")).toBe(await picture({}));
    await pipeline.dispose();
  });

  test("the scheduler is the model's, a name's, or one's own", async () => {
    const names = [];
    for (const scheduler of ["dpmpp-2m-karras", eulerAncestral()]) {
      const pipeline = await createPipeline({ scheduler, device: "cpu" });
      const { recipe } = await pipeline.generate(request);
      names.push(recipe.scheduler.name);
      // A recipe finds its scheduler again.
      expect((await pipeline.generate(recipe)).recipe.scheduler).toEqual(recipe.scheduler);
      const named = await pipeline.generate({ ...request, scheduler: "euler" });
      names.push(named.recipe.scheduler.name);
      await pipeline.dispose();
    }
    expect(names).toEqual(["dpmpp-2m", "euler", "euler-ancestral", "euler"]);
    expect((await failure({ scheduler: "eular" })).message).toContain("did you mean euler");
  });

  test("warnings of the device reach the caller", async () => {
    const warnings: PipelineWarning[] = [];
    const ort = await import("onnxruntime-node");
    const create = async (graph: string, options: { executionProviders: string[] }) => {
      if (options.executionProviders[0] === "coreml") throw new Error("no such thing here");
      return ort.InferenceSession.create(graph, { executionProviders: ["cpu"] });
    };
    const pipeline = await createPipeline({
      onWarning: (warning) => warnings.push(warning),
      runtime: {
        Tensor: ort.Tensor,
        InferenceSession: { create } as unknown as typeof ort.InferenceSession,
        listSupportedBackends: () => [
          { name: "cpu", bundled: true },
          { name: "coreml", bundled: true },
        ],
      },
    });
    await pipeline.generate(request);
    expect(warnings).toEqual([
      {
        code: "device-fallback",
        message: "running on the processor (coreml: no such thing here)",
      },
    ]);
    await pipeline.dispose();
  });

  test("says what is wrong with options before anything is opened", async () => {
    expect(await failure({ modle: "x" })).toMatchObject({
      code: "invalid-request",
      message: expect.stringContaining("did you mean model?"),
    });
    expect((await failure({ device: "gpu" })).code).toBe("invalid-request");
    expect((await failure({ model: 7 })).code).toBe("invalid-request");
    expect((await failure({ model: " " })).code).toBe("invalid-request");
    expect((await failure({ threads: 0 })).code).toBe("invalid-request");
    expect((await failure({ model: join(place, "none") })).code).toBe("model-not-found");
    expect((await failure({ model: "starter@0.0.1" })).code).toBe("model-not-found");
    const signal = AbortSignal.abort();
    await expect(createPipeline({ signal })).rejects.toBe(signal.reason);
    await expect(createPipeline(null as unknown as NodePipelineOptions)).rejects.toThrow(
      "not an object",
    );
  });
});
