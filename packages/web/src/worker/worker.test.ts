/// <reference types="node" />
import {
  createOrtBackend,
  createPipeline,
  encodePng,
  euler,
  type GenerateRequest,
  type GenerateResult,
  isAbortError,
  isUnderpaintError,
  type ModelProgress,
  type Pipeline,
  type PipelineWarning,
  readRecipe,
  recipeText,
  type StepEvent,
  UnderpaintError,
} from "@underpaint/core";
import { createScheduler, fromConfig } from "@underpaint/schedulers";
import * as ort from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fixtureModel, readPicture } from "../../../../tests/support/reference.js";
import { type ConnectOptions, connectPipeline, type RemotePipeline } from "./connect.js";
import { type OpenServed, servePipeline } from "./serve.js";

const backend = createOrtBackend({ ort, name: "onnxruntime-node/cpu" });

/** Opens the tiny model, as a worker does, in this thread. */
async function openTiny(hooks: Partial<Parameters<OpenServed>[1]> = {}): Promise<Pipeline> {
  const source = await fixtureModel("tiny");
  return createPipeline({
    backend,
    source,
    scheduler: fromConfig,
    plugins: { scheduler: createScheduler },
    ...hooks,
  });
}

interface Ends {
  readonly remote: RemotePipeline;
  readonly pipeline: Pipeline;
  /** The worker's end of the port. */
  readonly port: MessagePort;
  /** What the page has sent, as it arrived. */
  readonly sent: readonly unknown[];
  readonly terminated: () => number;
}

async function connect(
  open: OpenServed = async (_, hooks) => serve(await openTiny(hooks)),
  options: Partial<ConnectOptions> = {},
): Promise<Ends> {
  const { port1, port2 } = new MessageChannel();
  const sent: unknown[] = [];
  let terminated = 0;
  port2.addEventListener("message", ({ data }) => sent.push(data));
  servePipeline(port2, open);
  const { opened } = connectPipeline(port1, {
    options: {},
    terminate: () => {
      terminated++;
    },
    ...options,
  });
  const remote = await opened;
  const { pipeline } = remote;
  return { remote, pipeline, port: port2, sent, terminated: () => terminated };
}

const serve = (pipeline: Pipeline) => ({ pipeline, state: () => ({ device: "cpu" }) });

const request: GenerateRequest = {
  prompt: "a red apple on a wooden table",
  negativePrompt: "blurry",
  width: 64,
  height: 64,
  steps: 4,
  guidanceScale: 5,
  seed: 11,
};

const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

const bytesOf = ({ images }: GenerateResult): string[] =>
  images.map((image) => hex(encodePng(image)));

async function rejection(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (error) {
    return error;
  }
  throw new Error("it did not reject");
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

describe("a pipeline in a worker, beside one that is not", () => {
  let local: Pipeline;
  let ends: Ends;
  let pipeline: Pipeline;
  const progress: ModelProgress[] = [];
  const warnings: PipelineWarning[] = [];

  beforeAll(async () => {
    local = await openTiny();
    ends = await connect(undefined, {
      onProgress: (told) => progress.push(told),
      onWarning: (told) => warnings.push(told),
    });
    pipeline = ends.pipeline;
  });
  afterAll(async () => {
    await pipeline.dispose();
    await local.dispose();
  });

  it("knows the same of the model", () => {
    expect(pipeline.manifest).toEqual(local.manifest);
    expect(ends.remote.state()).toEqual({ device: "cpu" });
  });

  it("makes the same pictures, and says the same of them", async () => {
    const [here, there] = [
      await local.generate({ ...request, count: 2 }),
      await pipeline.generate({ ...request, count: 2 }),
    ];
    expect(bytesOf(there)).toEqual(bytesOf(here));
    const { timings: _, images: __, ...said } = here;
    expect(there).toMatchObject(said);
    expect(there.timings.network).toBeGreaterThan(0);
    expect(there.images[0]!.data).toBeInstanceOf(Uint8ClampedArray);
  });

  it("tells of progress while graphs load", () => {
    const last = progress.at(-1)!;
    expect(last.loadedBytes).toBeGreaterThan(0);
    expect(progress.length).toBeGreaterThan(2);
  });

  it("makes a recipe's pictures again, and reads them from a file", async () => {
    const { images, recipes } = await local.generate({ ...request, steps: 2, scheduler: "ddim" });
    const file = encodePng(images[0]!, { text: recipeText(recipes[0]!) });
    const again = await pipeline.generate(readRecipe(file)!);
    expect(bytesOf(again)[0]).toBe(hex(encodePng(images[0]!)));
  });

  it("begins from a picture, which stays the caller's", async () => {
    const image = readPicture("64x64.png");
    const large = new Uint8ClampedArray(image.data.length + 1000);
    large.set(image.data, 500);
    const data = large.subarray(500, 500 + image.data.length);
    const asked = { ...request, strength: 0.5, image };
    const here = await local.generate(asked);
    const there = await pipeline.generate({ ...asked, image: { ...image, data } });
    expect(bytesOf(there)).toEqual(bytesOf(here));
    expect(there.recipe.image).toEqual(here.recipe.image);
    expect(image.data.length).toBe(4 * 64 * 64);
    expect(large.length).toBe(image.data.length + 1000);
    const message = ends.sent.at(-1) as { request: { image: { data: Uint8ClampedArray } } };
    expect(message.request.image.data.buffer.byteLength).toBe(image.data.length);
  });

  it("shows each step, with its latents and previews", async () => {
    const [here, there]: [StepEvent[], StepEvent[]] = [[], []];
    for await (const event of local.stream(request)) if (event.type === "step") here.push(event);
    for await (const event of pipeline.stream(request))
      if (event.type === "step") there.push(event);
    expect(there.map(({ step }) => step)).toEqual([1, 2, 3, 4]);
    for (const [k, event] of there.entries()) {
      expect(event.timestep).toBe(here[k]!.timestep);
      expect(event.latents).toEqual(here[k]!.latents);
      expect(event.denoised).toEqual(here[k]!.denoised);
      expect(await event.preview()).toEqual(await here[k]!.preview());
      expect(await pipeline.preview(event.latents)).toEqual(await local.preview(event.latents));
    }
    expect(await rejection(there[0]!.preview(1))).toSatisfy(isUnderpaintError);
  });

  it("works on a stream no further than its reader has come, and stops when it leaves", async () => {
    let last = 0;
    for await (const event of pipeline.stream({ ...request, steps: 50 })) {
      if (event.type === "result") throw new Error("it came to its end");
      last = event.step;
      for (let k = 0; k < 20; k++) await turn();
      if (event.step === 3) break;
    }
    expect(last).toBe(3);
    const calls = ends.sent.slice(-4).map((message) => (message as { call?: string }).call);
    expect(calls).toEqual(["stream", "next", "next", "leave"]);
    // Nothing of it is left that a next request would wait for.
    expect(bytesOf(await pipeline.generate(request))).toHaveLength(1);
  });

  it("calls onStep after each step, and ends where it throws", async () => {
    const steps: number[] = [];
    await pipeline.generate({ ...request, onStep: ({ step }) => steps.push(step) });
    expect(steps).toEqual([1, 2, 3, 4]);
    const thrown = new Error("enough");
    const work = pipeline.generate({
      ...request,
      onStep: () => {
        throw thrown;
      },
    });
    expect(await rejection(work)).toBe(thrown);
    expect((ends.sent.at(-1) as { call: string }).call).toBe("leave");
  });

  it("aborts with the caller's own reason, one of two requests alone", async () => {
    const controller = new AbortController();
    const reason = { why: "another idea" };
    const stopped = rejection(
      pipeline.generate({ ...request, steps: 200, signal: controller.signal }),
    );
    const goesOn = pipeline.generate({ ...request, signal: new AbortController().signal });
    await turn();
    controller.abort(reason);
    expect(await stopped).toBe(reason);
    expect(bytesOf(await goesOn)).toEqual(bytesOf(await local.generate(request)));
  });

  it("aborts a stream, and what was aborted before", async () => {
    const controller = new AbortController();
    const events = pipeline.stream({ ...request, steps: 50, signal: controller.signal });
    await events.next();
    controller.abort();
    expect(isAbortError(await rejection(events.next()))).toBe(true);
    const late = pipeline.generate({ ...request, signal: controller.signal });
    expect(await rejection(late)).toBe(controller.signal.reason);
    expect(await rejection(pipeline.load({ signal: controller.signal }))).toBe(
      controller.signal.reason,
    );
  });

  it.each<[string, unknown]>([
    ["an unknown key", { ...request, stepz: 4 }],
    ["a value out of range", { ...request, steps: -1 }],
    ["no request", null],
    ["a list", [request]],
    ["an onStep that is none", { ...request, onStep: 3 }],
    ["a signal that is none", { ...request, signal: "stop" }],
    ["an unknown scheduler", { ...request, scheduler: "dpm++" }],
    ["a picture that is none", { ...request, image: { width: 8, height: 8, data: [0] } }],
    ["a recipe of the future", { underpaint: 9 }],
  ])("refuses %s as without a worker", async (_, asked) => {
    const here = (await rejection(local.generate(asked as GenerateRequest))) as UnderpaintError;
    const there = await rejection(pipeline.generate(asked as GenerateRequest));
    if (!isUnderpaintError(here) || !isUnderpaintError(there)) throw there;
    expect(there).toBeInstanceOf(UnderpaintError);
    expect(there.message).toBe(here.message);
    expect(there.code).toBe(here.code);
    expect(there.value).toEqual(here.value);
    expect(there.allowed).toBe(here.allowed);
    expect(there.remedy).toBe(here.remedy);
  });

  it.each<[string, object, RegExp]>([
    ["a scheduler", { scheduler: euler() }, /^scheduler has functions .* name: "dpmpp-2m"/],
    ["a guidance", { guidance: { name: "mine", options: {}, start() {} } }, /^guidance has func/],
    ["a function", { prompt: () => "a cat" }, /^prompt is a function, which cannot be sent/],
    [
      "a plug-in's class",
      {
        scheduler: new (class {
          name = "mine";
          start() {}
        })(),
      },
      /^scheduler has functions/,
    ],
    ["what cannot be cloned", { image: new WeakMap() }, /cannot be sent to a worker/],
  ])("says before sending that %s cannot cross", async (_, part, message) => {
    const before = ends.sent.length;
    const error = await rejection(pipeline.generate({ ...request, ...part }));
    if (!isUnderpaintError(error, "invalid-request")) throw error;
    expect(error.message).toMatch(message);
    await turn();
    expect(ends.sent.length).toBe(before);
    expect((await pipeline.generate({ ...request, steps: 1 })).images).toHaveLength(1);
  });

  it("refuses what holds itself", async () => {
    const ring: Record<string, unknown> = {};
    ring.ring = ring;
    const error = await rejection(pipeline.generate({ ...request, image: ring as never }));
    expect((error as Error).message).toMatch(/nested deeper/);
  });

  it("hands warnings on, in the result and at once", async () => {
    warnings.length = 0;
    const prompt = "apple ".repeat(100);
    const result = await pipeline.generate({ ...request, prompt, steps: 1 });
    expect(result.warnings.map(({ code }) => code)).toEqual(["prompt-cut"]);
    expect(warnings).toEqual(result.warnings);
  });

  it("loads and unloads", async () => {
    progress.length = 0;
    await pipeline.unload("unet");
    await pipeline.load();
    expect(progress.at(-1)?.file).toBe("unet/model.onnx");
  });
});

describe("the end of a worker", () => {
  it("disposes: what runs and what comes rejects, the other end is disposed and terminated", async () => {
    let inner: Pipeline | undefined;
    const { pipeline, terminated } = await connect(async (_, hooks) => {
      inner = await openTiny(hooks);
      return serve(inner);
    });
    const running = rejection(pipeline.generate({ ...request, steps: 200 }));
    const events = pipeline.stream({ ...request, steps: 200 });
    await events.next();
    await pipeline.dispose();
    await pipeline.dispose();
    expect(await running).toSatisfy((error) => isUnderpaintError(error, "disposed"));
    const later = [pipeline.generate(request), pipeline.load(), events.next()];
    for (const work of later) {
      expect(await rejection(work)).toSatisfy((error) => isUnderpaintError(error, "disposed"));
    }
    await pipeline.unload();
    expect(terminated()).toBe(1);
    await turn();
    expect(await rejection(inner!.generate(request))).toSatisfy((error) =>
      isUnderpaintError(error, "disposed"),
    );
  });

  it("tells of a worker that ended in the middle", async () => {
    const { pipeline, port, terminated } = await connect();
    const running = rejection(pipeline.generate({ ...request, steps: 200 }));
    await turn();
    port.close();
    const error = await running;
    if (!isUnderpaintError(error, "worker-failed")) throw error;
    expect(error.message).toMatch(/ended; make a new pipeline/);
    expect(await rejection(pipeline.generate(request))).toBe(error);
    expect(terminated()).toBe(1);
    await pipeline.dispose();
  });

  it("disposes the pipeline of a page that is gone", async () => {
    const { port1, port2 } = new MessageChannel();
    let inner: Pipeline | undefined;
    servePipeline(port2, async (_, hooks) => {
      inner = await openTiny(hooks);
      return serve(inner);
    });
    await connectPipeline(port1, { options: {} }).opened;
    port1.close();
    await turn();
    await turn();
    expect(await rejection(inner!.load())).toSatisfy((error) =>
      isUnderpaintError(error, "disposed"),
    );
  });
});

describe("opening in a worker", () => {
  it("hands options over, and says which cannot be", async () => {
    const seen: unknown[] = [];
    const options = { model: "starter", threads: 2 };
    const { pipeline } = await connect(
      async (given, hooks) => {
        seen.push(given);
        return serve(await openTiny(hooks));
      },
      { options },
    );
    expect(seen).toEqual([options]);
    await pipeline.dispose();
    const error = await rejection(
      connect(undefined, { options: { model: { id: "mine", open() {} } } }),
    );
    if (!isUnderpaintError(error, "invalid-request")) throw error;
    expect(error.message).toMatch(/model has functions \(model.open\).*address/);
  });

  it("rejects as opening does, and terminates", async () => {
    let terminated = 0;
    const work = connect(
      () => {
        const cause = new TypeError("Failed to fetch");
        throw new UnderpaintError({ code: "download-failed", what: "the network is gone", cause });
      },
      { terminate: () => terminated++ },
    );
    const error = await rejection(work);
    if (!isUnderpaintError(error, "download-failed")) throw error;
    expect(error.cause).toMatchObject({ name: "TypeError", message: "Failed to fetch" });
    expect(terminated).toBe(1);
  });

  it("is aborted while no script has answered", async () => {
    const { port1 } = new MessageChannel();
    const controller = new AbortController();
    let terminated = 0;
    const { opened } = connectPipeline(port1, {
      options: {},
      signal: controller.signal,
      terminate: () => terminated++,
    });
    controller.abort("never mind");
    expect(await rejection(opened)).toBe("never mind");
    expect(terminated).toBe(1);
  });

  it("refuses a script of another version", async () => {
    const { port1, port2 } = new MessageChannel();
    servePipeline(port2, async (_, hooks) => serve(await openTiny(hooks)));
    port1.start();
    const answer = new Promise<MessageEvent>((resolve) => {
      port1.addEventListener("message", resolve, { once: true });
    });
    port1.postMessage({ id: 2, run: 1, call: "open", version: "0.0.1", options: {} });
    const { error } = (await answer).data;
    expect(error).toMatchObject({ underpaint: { code: "worker-failed" } });
    expect(error.message).toMatch(/version .*, the page's of 0.0.1/);
    port1.close();
  });
});
