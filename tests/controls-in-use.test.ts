import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { controlNet, controlPlugins, t2iAdapter } from "@underpaint/controlnet";
import {
  type Control,
  type ControlRun,
  createImage,
  createOrtBackend,
  createPipeline,
  decodePng,
  encodePng,
  floatTensor,
  type GenerateRequest,
  type InferenceBackend,
  isAbortError,
  isUnderpaintError,
  type ModelSource,
  type Pipeline,
  type PipelineOptions,
  type RgbaImage,
  zeros,
} from "@underpaint/core";
import { createScheduler, fromConfig } from "@underpaint/schedulers";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { graphFiles } from "../packages/node/src/graph/graph-files.js";
import { folderSource } from "../packages/node/src/sources/folder.js";
import { fixtureModel } from "./support/reference.js";

const folder = fileURLToPath(new URL("../fixtures/controls/", import.meta.url));
const picture = (name: string): RgbaImage => decodePng(readFileSync(`${folder}hints/${name}`));
const hint = picture("lines-64x64.png");
const network = (name: string): Promise<ModelSource> => folderSource(folder + name);

const request: GenerateRequest = {
  prompt: "a red apple on a wooden table",
  width: 64,
  height: 64,
  steps: 4,
  guidanceScale: 5,
  seed: 11,
};

const plainBackend = createOrtBackend({ ort, name: "onnxruntime-node/cpu" });

/** A backend that tells how many sessions of each graph there are, and were. */
function counted() {
  const alive = new Map<string, number>();
  const made = new Map<string, number>();
  const most = new Map<string, number>();
  const backend: InferenceBackend = {
    name: plainBackend.name,
    async createSession(model, options) {
      const label = options?.label ?? "";
      const session = await plainBackend.createSession(model, options);
      alive.set(label, (alive.get(label) ?? 0) + 1);
      made.set(label, (made.get(label) ?? 0) + 1);
      most.set(label, Math.max(most.get(label) ?? 0, alive.get(label)!));
      let disposed = false;
      return {
        ...session,
        async dispose() {
          if (!disposed) alive.set(label, alive.get(label)! - 1);
          disposed = true;
          await session.dispose();
        },
      };
    },
  };
  return { backend, alive, made, most };
}

async function open(options: Partial<PipelineOptions> = {}): Promise<Pipeline> {
  return createPipeline({
    backend: plainBackend,
    source: await fixtureModel("tiny"),
    scheduler: fromConfig,
    plugins: { scheduler: createScheduler, control: controlPlugins },
    graphFiles,
    resolveModel: (name) => folderSource(name),
    ...options,
  });
}

const bytesOf = (image: RgbaImage): string => Buffer.from(encodePng(image)).toString("base64");

async function made(pipeline: Pipeline, controls: readonly Control[], change = {}) {
  const { images } = await pipeline.generate({ ...request, ...change, controls });
  return images.map(bytesOf).join();
}

async function failure(work: Promise<unknown>) {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isUnderpaintError(error)) throw error ?? new Error("nothing was thrown");
  return { code: error.code, message: error.message };
}

/** A control of the user's own: host tensors, no graph. */
function constantControl(value: number, more: Partial<Control> = {}): Control {
  return {
    name: "constant",
    options: { value },
    start: async ({ ports, latentDims }: ControlRun) => {
      const [, height = 0, width = 0] = latentDims;
      const filled = ({ channels, downscale }: ControlRun["ports"]["mid"]) => {
        const tensor = zeros("float32", [1, channels, height / downscale, width / downscale]);
        tensor.data.fill(value);
        return tensor;
      };
      return async () => ({ down: ports.down.map(filled), mid: filled(ports.mid) });
    },
    ...more,
  };
}

describe("the network", () => {
  it("makes the same bytes for a plain request before, between and after controls", async () => {
    const { backend, alive, made: loaded, most } = counted();
    const pipeline = await open({ backend });
    const unet = "unet/model.onnx";
    const before = await made(pipeline, []);
    const model = await network("lines");
    const steered = await made(pipeline, [controlNet({ model, hint })]);
    expect(await made(pipeline, [])).toBe(before);
    expect(loaded.get(unet)).toBe(2);
    const adapter = await network("adapter");
    const adapted = await made(pipeline, [t2iAdapter({ model: adapter, hint })]);
    expect(await made(pipeline, [])).toBe(before);
    expect(await made(pipeline, [controlNet({ model, hint })])).toBe(steered);
    expect(await made(pipeline, [t2iAdapter({ model: adapter, hint })])).toBe(adapted);
    expect(new Set([before, steered, adapted]).size).toBe(3);
    expect(most.get(unet)).toBe(1);
    await pipeline.unload("controls");
    expect([...alive].filter(([label]) => /^folder:(lines|adapter):/.test(label))).toEqual([
      ["folder:lines: model.onnx", 0],
      ["folder:adapter: model.onnx", 0],
    ]);
    expect(await made(pipeline, [controlNet({ model, hint })])).toBe(steered);
    await pipeline.dispose();
    expect([...alive.values()].every((count) => count === 0)).toBe(true);
  });

  it("makes the same bytes among requests of all kinds at once", async () => {
    const pipeline = await open();
    const model = await network("lines");
    const adapter = await network("adapter");
    const kinds: (readonly Control[])[] = [
      [],
      [controlNet({ model, hint })],
      [t2iAdapter({ model: adapter, hint })],
      [controlNet({ model, hint, weight: 0.5 }), t2iAdapter({ model: adapter, hint })],
    ];
    const all = [...kinds, ...kinds];
    const together = await Promise.all(all.map((controls) => made(pipeline, controls)));
    for (const [index, controls] of all.entries()) {
      expect(await made(pipeline, controls)).toBe(together[index]);
    }
    await pipeline.dispose();
  });

  it("is given back by an aborted request", async () => {
    const pipeline = await open();
    const model = await network("lines");
    const controller = new AbortController();
    const work = pipeline.generate({
      ...request,
      controls: [controlNet({ model, hint })],
      signal: controller.signal,
      onStep: () => controller.abort(),
    });
    expect(isAbortError(await work.catch((error: unknown) => error))).toBe(true);
    const steered = await made(pipeline, [controlNet({ model, hint })]);
    const other = await open();
    expect(await made(other, [controlNet({ model, hint })])).toBe(steered);
    await Promise.all([pipeline.dispose(), other.dispose()]);
  });
});

describe("a network for one entry", () => {
  it("is asked for each branch alone, and makes the same picture", async () => {
    let runs = 0;
    const single: InferenceBackend = {
      name: plainBackend.name,
      async createSession(model, options) {
        const session = await plainBackend.createSession(model, options);
        if (options?.label !== "unet/model.onnx") return session;
        const inputs = session.inputs.map((spec) =>
          spec.name === "sample" ? { ...spec, dims: [1, ...spec.dims.slice(1)] } : spec,
        );
        return {
          ...session,
          inputs,
          run(feeds, asked) {
            expect(feeds.sample!.dims[0]).toBe(1);
            runs++;
            return session.run(feeds, asked);
          },
        };
      },
    };
    const [pipeline, other] = [await open(), await open({ backend: single })];
    const controls = [
      controlNet({ model: await network("lines"), hint, mode: "controlFirst" }),
      constantControl(0.3),
    ];
    const [expected] = (await pipeline.generate({ ...request, controls })).images;
    const [found] = (await other.generate({ ...request, controls })).images;
    const worst = found!.data.reduce(
      (most, value, i) => Math.max(most, Math.abs(value - expected!.data[i]!)),
      0,
    );
    expect(worst).toBeLessThanOrEqual(1);
    expect(runs).toBe(8);
    await Promise.all([pipeline.dispose(), other.dispose()]);
  });
});

describe("strength", () => {
  it("of zero, or in no step, or behind a black mask, is none", async () => {
    const pipeline = await open();
    const model = await network("lines");
    const before = await made(pipeline, []);
    const black = createImage(64, 64, new Uint8ClampedArray(4 * 64 * 64).fill(0));
    for (const strength of [
      { weight: 0 },
      { weight: [0, 0, 0, 0, 0] },
      { start: 0.9, end: 0.95 },
      { mask: black },
    ]) {
      expect(await made(pipeline, [controlNet({ model, hint, ...strength })])).toBe(before);
    }
    await pipeline.dispose();
  });

  it("of one behind a white mask is the control itself", async () => {
    const pipeline = await open();
    const model = await network("lines");
    const white = createImage(64, 64, new Uint8ClampedArray(4 * 64 * 64).fill(255));
    const plain = await made(pipeline, [controlNet({ model, hint })]);
    expect(await made(pipeline, [controlNet({ model, hint, mask: white })])).toBe(plain);
    expect(await made(pipeline, [controlNet({ model, hint, weight: [1, 1, 1, 1, 1] })])).toBe(
      plain,
    );
    await pipeline.dispose();
  });

  it("applies to a control of the user's own as it does to ours", async () => {
    const pipeline = await open();
    const one = await made(pipeline, [constantControl(0.5)]);
    const half = await made(pipeline, [constantControl(1, { strength: { weight: 0.5 } })]);
    const sum = await made(pipeline, [constantControl(0.25), constantControl(0.25)]);
    expect(half).toBe(one);
    expect(sum).toBe(one);
    expect(one).not.toBe(await made(pipeline, []));
    const prompted = { strength: { mode: "controlFirst" } } as const;
    expect(await made(pipeline, [constantControl(0.5, prompted)])).not.toBe(one);
    await pipeline.dispose();
  });

  it("asks a control for the branch and the steps that it acts in alone", async () => {
    const pipeline = await open();
    const calls: unknown[] = [];
    const listening: Control = {
      name: "listening",
      options: {},
      strength: { mode: "controlFirst", start: 0.25, end: 0.75 },
      start: async (run) => {
        calls.push([run.width, run.height, run.steps, run.begin, run.model.textWidth]);
        return async ({ latents, states, branches, at, picture: k }) => {
          calls.push([latents.dims[0], states.dims, branches, at.index, k]);
          return undefined;
        };
      },
    };
    const plain = await made(pipeline, [], { count: 2 });
    expect(await made(pipeline, [listening], { count: 2 })).toBe(plain);
    const entry = (step: number, k: number) => [1, [1, 77, 16], ["positive"], step, k];
    expect(calls).toEqual([[64, 64, 4, 0, 16], entry(1, 0), entry(1, 1), entry(2, 0), entry(2, 1)]);
    await pipeline.dispose();
  });
});

describe("a recipe", () => {
  it("makes a steered picture again, of its hint and mask in any order", async () => {
    const pipeline = await open();
    const mask = picture("mask-64x64.png");
    const controls = [
      controlNet({ model: `${folder}lines`, hint, mask, weight: 0.8, end: 0.9 }),
      controlNet({
        model: `${folder}depth`,
        hint: picture("depth-64x64.png"),
        mode: "promptFirst",
      }),
    ];
    const { recipe, images } = await pipeline.generate({ ...request, controls });
    const read = JSON.parse(JSON.stringify(recipe));
    const pictures = [picture("depth-64x64.png"), mask, hint];
    const again = await pipeline.generate({ ...read, pictures });
    expect(again.images.map(bytesOf)).toEqual(images.map(bytesOf));
    expect(again.recipe).toEqual(recipe);
    const given = await pipeline.generate({ ...read, controls });
    expect(given.images.map(bytesOf)).toEqual(images.map(bytesOf));
    const missing = await failure(pipeline.generate({ ...read, pictures: [hint, mask] }));
    expect(missing.message).toMatch(/64 × 64, the hint of controlnet, which is not in it/);
    await pipeline.dispose();
  });
});

describe("what a model brings along", () => {
  async function withControls(controls: unknown): Promise<ModelSource> {
    const [source, palette] = [await fixtureModel("tiny"), await network("palette")];
    const index = JSON.parse(
      new TextDecoder().decode(await source.read("model_index.json", { maxBytes: 1e5 })),
    );
    const bytes = new TextEncoder().encode(
      JSON.stringify({ ...index, _underpaint_controls: controls }),
    );
    const inside = (file: string) => /^controlnet_palette\/(.*)$/.exec(file)?.[1];
    return {
      ...source,
      size: async (file, options) =>
        file === "model_index.json"
          ? bytes.length
          : inside(file)
            ? palette.size(inside(file)!, options)
            : source.size(file, options),
      read: async (file, options) =>
        file === "model_index.json" ? bytes : source.read(file, options),
      open: async (file, options) =>
        inside(file) ? palette.open(inside(file)!, options) : source.open(file, options),
    };
  }

  it("is found by its name", async () => {
    const pipeline = await open({ source: await withControls({ palette: "controlnet_palette" }) });
    expect(pipeline.manifest.controls).toEqual({ palette: "controlnet_palette" });
    const own = await made(pipeline, [controlNet({ own: "palette", hint })]);
    const model = await network("palette");
    expect(own).toBe(await made(pipeline, [controlNet({ model, hint })]));
    const { message } = await failure(made(pipeline, [controlNet({ own: "lineart", hint })]));
    expect(message).toMatch(/brings no such control along.*"lineart".*its own: palette/);
    await pipeline.dispose();
  });

  it.each([
    [{ lineart: "../lineart" }],
    [{ lineart: "a/b" }],
    [{ lineart: 7 }],
    [{ "../x": "lineart" }],
    [["lineart"]],
  ])("cannot lead out of the model: %j", async (controls) => {
    const { code, message } = await failure(open({ source: await withControls(controls) }));
    expect(code).toBe("model-invalid");
    expect(message).toMatch(/_underpaint_controls/);
  });
});

describe("errors before any work", () => {
  it("of options", async () => {
    const model = await network("lines");
    for (const [options, pattern] of [
      [{ weight: Number.NaN }, /weight is out of range \(found NaN\)/],
      [{ weight: [1, Number.NaN] }, /weight of block 1 is out of range \(found NaN\)/],
      [{ weight: Number.POSITIVE_INFINITY }, /weight is out of range/],
      [{ start: 0.7, end: 0.3 }, /starts after its end \(found "0.7 to 0.3"\)/],
      [{ start: -0.1 }, /start is out of range/],
      [{ end: Number.NaN }, /end is out of range/],
      [{ mode: "prompt" }, /unknown mode.*balanced, promptFirst, controlFirst/],
      [{ wieght: 1 }, /no option of that name.*did you mean weight/],
    ] as const) {
      expect(() => controlNet({ model, hint, ...options } as never)).toThrow(pattern);
      const { wieght: _, ...strength } = options as Record<string, unknown>;
      if (Object.keys(strength).length === 0) continue;
      const pipeline = await open({
        backend: { name: "none", createSession: () => Promise.reject(new Error("work was done")) },
      });
      const control = constantControl(1, { strength: strength as never });
      expect((await failure(made(pipeline, [control]))).message).toMatch(pattern);
    }
  });

  it("of what is no control, and of masks", async () => {
    const pipeline = await open({
      backend: { name: "none", createSession: () => Promise.reject(new Error("work was done")) },
    });
    const mask = createImage(64, 32);
    const tall = await failure(made(pipeline, [constantControl(1, { strength: { mask } })]));
    expect(tall.message).toMatch(/mask has another size.*64 × 32.*allowed: 64 × 64/);
    expect((await failure(made(pipeline, ["canny"] as never))).message).toMatch(
      /controls\[0\] is no control \(found "canny"\)/,
    );
    expect((await failure(made(pipeline, 7 as never))).message).toMatch(/no list of controls/);
    const many = Array.from({ length: 17 }, () => constantControl(1));
    expect((await failure(made(pipeline, many))).message).toMatch(/17 controls.*up to 16/);
    await pipeline.dispose();
  });

  it("of controls that do not fit", async () => {
    const pipeline = await open();
    const [lines, adapter] = [await network("lines"), await network("adapter")];
    const empty = await folderSource(`${folder}hints`);
    const short: Control = {
      name: "short",
      options: {},
      start: async () => async () => ({ down: [floatTensor([1, 3, 8, 8], new Float32Array(192))] }),
    };
    for (const [control, code, pattern] of [
      [
        controlNet({ model: adapter, hint }),
        "model-unsupported",
        /residuals of .*adapter: model.onnx fit nowhere.*channels are 8, 16; allowed: 8 at 1\/1, 8 at 1\/1, 8 at 1\/2/,
      ],
      [t2iAdapter({ model: lines, hint }), "model-unsupported", /no T2I-Adapter: it takes sample/],
      [controlNet({ model: empty, hint }), "model-not-found", /there is no such graph/],
      [
        controlNet({ model: lines, hint, weight: [1, 1] }),
        "invalid-request",
        /weights of another length.*"2 weights"\); allowed: 5/,
      ],
      [
        short,
        "model-unsupported",
        /down_block_0_additional_residual has another shape \(found "float32 \[1, 3, 8, 8\]"\); allowed: float \[1 or 2, 8, 8, 8\]/,
      ],
    ] as const) {
      const error = await failure(made(pipeline, [control]));
      expect(error.message).toMatch(pattern);
      expect(error.code).toBe(code);
    }
    await pipeline.dispose();
  });

  it("but a hint of another size is resized, and said", async () => {
    const pipeline = await open();
    const model = await network("lines");
    const { warnings } = await pipeline.generate({
      ...request,
      controls: [controlNet({ model, hint: picture("lines-96x64.png") })],
    });
    expect(warnings).toEqual([
      {
        code: "hint-resized",
        message: "controlnet: the hint is 96 × 64 and was resized to 64 × 64.",
      },
    ]);
    await pipeline.dispose();
  });
});
