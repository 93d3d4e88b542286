import {
  createOrtBackend,
  createPipeline,
  encodePng,
  type GenerateRequest,
  type InferenceBackend,
  isAbortError,
  isUnderpaintError,
  type Pipeline,
  type PipelineOptions,
  type RgbaImage,
  readRecipe,
  recipeText,
  type StepEvent,
} from "@underpaint/core";
import { createScheduler, dpmpp2m, fromConfig } from "@underpaint/schedulers";
import * as ort from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fixtureModel, readPicture } from "./support/reference.js";

const backend = createOrtBackend({ ort, name: "onnxruntime-node/cpu" });
const plugins = { scheduler: createScheduler };

async function open(model = "tiny", options: Partial<PipelineOptions> = {}): Promise<Pipeline> {
  const source = await fixtureModel(model);
  return createPipeline({ backend, source, scheduler: fromConfig, plugins, ...options });
}

/** The bytes of a picture's file, as text that compares at a glance. */
const bytesOf = (image: RgbaImage): string => Buffer.from(encodePng(image)).toString("base64");

const request: GenerateRequest = {
  prompt: "a red apple on a wooden table",
  negativePrompt: "blurry",
  width: 64,
  height: 64,
  steps: 4,
  guidanceScale: 5,
  seed: 11,
};

describe("the same seed", () => {
  let pipeline: Pipeline;
  let alone: string[];
  const schedulers = ["ddim", "euler-ancestral", "dpmpp-2m-karras"];

  beforeAll(async () => {
    pipeline = await open();
    alone = [];
    for (let seed = 11; seed < 14; seed++) {
      const { images } = await pipeline.generate({ ...request, seed });
      alone.push(bytesOf(images[0]!));
    }
  });
  afterAll(() => pipeline.dispose());

  it("makes different pictures for different seeds", () => {
    expect(new Set(alone).size).toBe(3);
  });

  it("makes the same bytes twice, and in another pipeline", async () => {
    const again = await pipeline.generate(request);
    expect(bytesOf(again.images[0]!)).toBe(alone[0]);
    const other = await open();
    expect(bytesOf((await other.generate(request)).images[0]!)).toBe(alone[0]);
    await other.dispose();
  });

  it.each(schedulers)("makes the same bytes in a batch: %s", async (scheduler) => {
    const batch = await pipeline.generate({ ...request, scheduler, count: 3 });
    expect(batch.seeds).toEqual([11, 12, 13]);
    for (const [k, seed] of batch.seeds.entries()) {
      const single = await pipeline.generate({ ...request, scheduler, seed });
      expect(bytesOf(batch.images[k]!)).toBe(bytesOf(single.images[0]!));
    }
  });

  it("makes the same bytes among eight at once, of several kinds", async () => {
    const image = readPicture("64x64.png");
    const requests: GenerateRequest[] = Array.from({ length: 8 }, (_, k) => ({
      ...request,
      seed: 11 + k,
      ...(k > 2 && { scheduler: schedulers[k % 3]! }),
      ...(k > 5 && { image, strength: 0.7, width: 64, height: 64 }),
    }));
    const together = await Promise.all(requests.map((each) => pipeline.generate(each)));
    expect(together.slice(0, 3).map(({ images }) => bytesOf(images[0]!))).toEqual(alone);
    for (const [k, each] of requests.entries()) {
      const single = await pipeline.generate(each);
      expect(bytesOf(together[k]!.images[0]!)).toBe(bytesOf(single.images[0]!));
    }
  });
});

describe("a model's dtypes and names", () => {
  it.each([
    ["tiny-legacy", 1],
    ["tiny-names", 1],
    ["tiny-fp16", 12],
    ["tiny-fp16-fp32io", 12],
  ])("%s makes the picture of the plain export", async (model, bound) => {
    const plain = await open("tiny");
    const other = await open(model);
    // Schedulers differ between the folders; integer timesteps suit every graph.
    const asked = { ...request, scheduler: "ddim", guidanceScale: 1 };
    const [expected] = (await plain.generate(asked)).images;
    const [found] = (await other.generate(asked)).images;
    const worst = found!.data.reduce(
      (most, value, i) => Math.max(most, Math.abs(value - expected!.data[i]!)),
      0,
    );
    expect(worst).toBeLessThanOrEqual(bound);
    await Promise.all([plain.dispose(), other.dispose()]);
  });

  it("warns where the graph draws at random inside", async () => {
    const pipeline = await open("tiny-legacy");
    const { warnings } = await pipeline.generate({ ...request, image: readPicture("64x64.png") });
    expect(warnings.map(({ code }) => code)).toEqual(["seed-not-binding"]);
    await pipeline.dispose();
  });
});

describe("a model that takes fewer sizes than its VAE", () => {
  async function openWith(multiple: number): Promise<Pipeline> {
    const source = await fixtureModel("tiny");
    const file = await source.read("model_index.json", { maxBytes: 1e5 });
    const index = JSON.parse(new TextDecoder().decode(file));
    const bytes = new TextEncoder().encode(
      JSON.stringify({ ...index, _underpaint_size_multiple: multiple }),
    );
    const isIndex = (name: string) => name === "model_index.json";
    return createPipeline({
      backend,
      scheduler: fromConfig,
      plugins,
      source: {
        ...source,
        size: async (name, o) => (isIndex(name) ? bytes.length : source.size(name, o)),
        read: async (name, o) => (isIndex(name) ? bytes : source.read(name, o)),
      },
    });
  }

  it("says so of a size between, and makes the others", async () => {
    const pipeline = await openWith(48);
    await expect(pipeline.generate({ ...request, width: 64 })).rejects.toThrow(
      /width is no size that the model can make \(found 64.*a multiple of 48.*nearest is 48/,
    );
    const { images } = await pipeline.generate({ ...request, width: 96, height: 48, steps: 1 });
    expect(images[0]).toMatchObject({ width: 96, height: 48 });
    const sizeless: GenerateRequest = { prompt: request.prompt, steps: 2, seed: 11 };
    // A picture to begin from is brought to the sizes that there are, one to paint into padded.
    const image = readPicture("96x64.png");
    const begun = await pipeline.generate({ ...sizeless, image });
    expect(begun.images[0]).toMatchObject({ width: 96, height: 48 });
    const painted = await pipeline.generate({ ...sizeless, image, mask: image });
    expect(painted.images[0]).toMatchObject({ width: 96, height: 64 });
    await pipeline.dispose();
  });

  it("must be a multiple of the VAE's own", async () => {
    await expect(openWith(12)).rejects.toThrow(/no multiple of the VAE's scale \(found 12\)/);
  });
});

describe("a request", () => {
  let pipeline: Pipeline;
  beforeAll(async () => {
    pipeline = await open();
  });
  afterAll(() => pipeline.dispose());

  it("streams its steps, then its result", async () => {
    const events = [];
    for await (const event of pipeline.stream(request)) events.push(event);
    expect(events.map(({ type }) => type)).toEqual(["step", "step", "step", "step", "result"]);
    const steps = events.slice(0, 4) as StepEvent[];
    expect(steps.map(({ step, steps: of }) => `${step}/${of}`)).toEqual([
      "1/4",
      "2/4",
      "3/4",
      "4/4",
    ]);
    const last = events[4]!;
    if (last.type !== "result") throw new Error("unreachable");
    const { images } = await pipeline.generate(request);
    expect(bytesOf(last.result.images[0]!)).toBe(bytesOf(images[0]!));
  });

  it("shows previews that come to look like the picture", async () => {
    const starter = await open("../../packages/starter/model");
    const previews: RgbaImage[] = [];
    const seen: Promise<unknown>[] = [];
    let [height, width]: (number | undefined)[] = [];
    const { images } = await starter.generate({
      // A thing that is drawn in many ways: what comes shows late.
      prompt: "house",
      seed: 7,
      steps: 8,
      count: 2,
      onStep: (event) => {
        [, , height, width] = event.latents.dims;
        seen.push(event.preview(1).then((image) => previews.push(image)));
      },
    });
    await Promise.all(seen);
    const sizes = previews.map((preview) => [preview.height, preview.width]);
    expect(sizes).toEqual(Array(8).fill([height, width]));
    const likeness = previews.map((preview) => correlation(preview, images[1]!));
    expect(likeness[7]).toBeGreaterThan(0.85);
    expect(likeness[7]).toBeGreaterThan(likeness[0]!);
    await starter.dispose();
  });

  it("tells where its time went", async () => {
    const { timings } = await pipeline.generate(request);
    const { total, outside, ...parts } = timings;
    const inside = Object.values(parts).reduce((sum, time) => sum + time, 0);
    expect(outside).toBeGreaterThan(0);
    expect(inside + outside).toBeCloseTo(total, 6);
    const ran = [timings.textEncoder, timings.network, timings.vaeDecoder];
    expect(Math.min(...ran)).toBeGreaterThan(0);
    expect(timings.vaeEncoder).toBe(0);
  });

  it("says which words a long prompt loses", async () => {
    const prompt = `${"red apple ".repeat(35)}and a ${"very ".repeat(200)}big zeppelin`;
    const { warnings } = await pipeline.generate({ ...request, prompt, steps: 1 });
    expect(warnings.map(({ code }) => code)).toEqual(["prompt-cut"]);
    expect(warnings[0]!.message).toContain("zeppelin");
  });

  it("says when a small model knows none of the words", async () => {
    const starter = await open("../../packages/starter/model");
    const warned = async (prompt: string) => {
      const { warnings } = await starter.generate({ prompt, steps: 1 });
      return warnings;
    };
    // The things that come to mind first, not those that come first in the alphabet.
    expect(await warned("a zeppelin made of xylophones")).toMatchObject([
      {
        code: "words-unknown",
        message: expect.stringMatching(/it knows \d+, such as apple, .*\.$/),
      },
    ]);
    expect(await warned("two red apples")).toEqual([]);
    expect(await warned("")).toEqual([]);
    await starter.dispose();
  });

  it("returns the picture where strength leaves nothing to do, and says so", async () => {
    const image = readPicture("64x64.png");
    const { images, warnings } = await pipeline.generate({ ...request, image, strength: 0.1 });
    expect(bytesOf(images[0]!)).toBe(bytesOf(image));
    expect(warnings.map(({ code }) => code)).toEqual(["nothing-to-do"]);
  });

  it("resizes a picture of another size, and says so", async () => {
    const image = readPicture("96x64.png");
    const { images, warnings } = await pipeline.generate({ ...request, image });
    expect([images[0]!.width, images[0]!.height]).toEqual([64, 64]);
    expect(warnings.map(({ code }) => code)).toEqual(["image-resized"]);
  });

  it("runs the negative branch above a guidance of 1 alone", async () => {
    let runs = 0;
    const counting: InferenceBackend = watched((name, feeds) => {
      if (name === "unet/model.onnx") runs += feeds.sample?.dims[0] ?? 0;
    });
    const watchedPipeline = await open("tiny", { backend: counting });
    const rows = async (guidanceScale: number): Promise<number> => {
      runs = 0;
      await watchedPipeline.generate({ ...request, guidanceScale });
      return runs;
    };
    expect(await rows(5)).toBe(8);
    expect(await rows(1)).toBe(4);
    expect(await rows(0)).toBe(4);
    await watchedPipeline.dispose();
  });

  it("takes a scheduler of the caller's own, and a guidance", async () => {
    const scheduler = dpmpp2m();
    const guidance = {
      name: "mean",
      options: {},
      branches: ["negative", "positive"] as const,
      start:
        () =>
        async (
          predict: (
            b: readonly ("positive" | "negative")[],
          ) => Promise<readonly { data: Float32Array; dims: readonly number[]; type: "float32" }[]>,
        ) => {
          const [negative, positive] = await predict(["negative", "positive"]);
          const data = positive!.data.map((value, i) => 2 * value - negative!.data[i]!);
          return { ...positive!, data };
        },
    };
    const { guidanceScale: _, ...rest } = request;
    const own = await pipeline.generate({ ...rest, scheduler, guidance });
    const builtIn = await pipeline.generate({ ...request, scheduler, guidanceScale: 2 });
    expect(bytesOf(own.images[0]!)).toBe(bytesOf(builtIn.images[0]!));
    expect(own.recipe.guidance).toEqual({ name: "mean", options: {} });
  });

  it.each([
    [{ scheduler: "eulr" }, /no such scheduler.*"eulr".*did you mean euler/],
    [{ scheduler: 7 }, /scheduler is neither/],
    [{ guidance: { name: "cfg++" } }, /both guidance and guidanceScale/],
    [{ guidance: { name: "cfg++" }, guidanceScale: undefined }, /no guidance.*"cfg\+\+"/],
    [{ steps: 0 }, /steps is out of range/],
    [{ clipSkip: 9 }, /clipSkip/],
  ])("refuses %o before any graph runs", async (change, message) => {
    let runs = 0;
    const strict = await open("tiny", { backend: watched(() => runs++) });
    const failure = strict.generate({ ...request, ...change } as GenerateRequest);
    await expect(failure).rejects.toThrow(message);
    await failure.catch((error) => expect(isUnderpaintError(error, "invalid-request")).toBe(true));
    expect(runs).toBe(0);
    await strict.dispose();
  });
});

describe("a recipe", () => {
  it("makes its pictures again, from JSON and from a picture's file", async () => {
    const pipeline = await open();
    const result = await pipeline.generate({
      ...request,
      seed: 2n ** 64n - 1n,
      count: 2,
      clipSkip: 1,
      scheduler: dpmpp2m(),
    });
    const replayed = await pipeline.generate(JSON.parse(JSON.stringify(result.recipe)));
    expect(replayed.images.map(bytesOf)).toEqual(result.images.map(bytesOf));
    expect(replayed.recipe).toEqual(result.recipe);

    const file = encodePng(result.images[1]!, { text: recipeText(result.recipes[1]!) });
    const second = await pipeline.generate(readRecipe(file)!);
    expect(second.images.map(bytesOf)).toEqual([bytesOf(result.images[1]!)]);
    await pipeline.dispose();
  });

  it("needs the picture that it began from", async () => {
    const pipeline = await open();
    const image = readPicture("64x64.png");
    const { recipe, images } = await pipeline.generate({ ...request, image, strength: 0.5 });
    await expect(pipeline.generate(recipe)).rejects.toThrow(/began from a picture.*image/);
    const replayed = await pipeline.generate({ ...recipe, image });
    expect(bytesOf(replayed.images[0]!)).toBe(bytesOf(images[0]!));
    await pipeline.dispose();
  });

  it("warns when another model makes it", async () => {
    const [one, other] = await Promise.all([open("tiny"), open("tiny-names")]);
    const { recipe } = await one.generate(request);
    const { warnings } = await other.generate(recipe);
    expect(warnings.map(({ code }) => code)).toEqual(["recipe-model"]);
    await Promise.all([one.dispose(), other.dispose()]);
  });
});

describe("an abort", () => {
  const image = readPicture("64x64.png");
  const whole: GenerateRequest = { ...request, image, strength: 1 };

  it("ends a request within one run, wherever it comes, and the pipeline works on", async () => {
    let loads = 0;
    let runs: string[] = [];
    let abortAt = Number.POSITIVE_INFINITY;
    let controller = new AbortController();
    const pipeline = await open("tiny", {
      backend: watched(
        (name) => {
          runs.push(name);
          if (runs.length === abortAt) controller.abort();
        },
        () => {
          if (++loads === -abortAt) controller.abort();
        },
      ),
    });
    const expected = bytesOf((await pipeline.generate(whole)).images[0]!);
    // Two prompts, the picture, four steps, the decoder.
    const graphs = ["text_encoder", "text_encoder", "vae_encoder"];
    for (let step = 0; step < 4; step++) graphs.push("unet");
    graphs.push("vae_decoder");
    expect(runs).toEqual(graphs.map((name) => `${name}/model.onnx`));

    for (let at = -4; at <= graphs.length; at++) {
      if (at < 0) await pipeline.unload();
      [loads, runs, abortAt, controller] = [0, [], at, new AbortController()];
      if (at === 0) controller.abort();
      const { signal } = controller;
      const failure = await pipeline.generate({ ...whole, signal }).then(
        () => "finished",
        (error) => error,
      );
      expect(isAbortError(failure), `aborted at ${at}: ${failure}`).toBe(true);
      expect(runs.length).toBeLessThanOrEqual(Math.max(0, at) + (at < 0 ? graphs.length : 0));
      abortAt = Number.POSITIVE_INFINITY;
    }
    expect(bytesOf((await pipeline.generate(whole)).images[0]!)).toBe(expected);
    await pipeline.dispose();
  });

  it("in onStep ends the request, and so does leaving the stream", async () => {
    const runs: string[] = [];
    const pipeline = await open("tiny", { backend: watched((name) => runs.push(name)) });
    const controller = new AbortController();
    const failure = pipeline.generate({
      ...request,
      signal: controller.signal,
      onStep: ({ step }) => step === 2 && controller.abort(new Error("enough")),
    } as GenerateRequest);
    await expect(failure).rejects.toThrow("enough");
    expect(runs.filter((name) => name.startsWith("unet"))).toHaveLength(2);

    runs.length = 0;
    for await (const event of pipeline.stream(request)) {
      if (event.type === "step" && event.step === 3) break;
    }
    expect(runs.filter((name) => name.startsWith("unet"))).toHaveLength(3);
    await pipeline.dispose();
  });
});

describe("a pipeline", () => {
  it("loads what is needed, once, and gives it back", async () => {
    const loaded: string[] = [];
    const pipeline = await open("tiny", {
      backend: watched(undefined, (name) => loaded.push(name)),
    });
    expect(loaded).toEqual([]);
    await Promise.all([pipeline.generate(request), pipeline.generate(request)]);
    expect([...loaded].sort()).toEqual([
      "text_encoder/model.onnx",
      "unet/model.onnx",
      "vae_decoder/model.onnx",
    ]);
    await pipeline.unload("unet");
    await pipeline.generate(request);
    expect(loaded.filter((name) => name.startsWith("unet"))).toHaveLength(2);
    await pipeline.dispose();
    await expect(pipeline.generate(request)).rejects.toThrow(/disposed.*createPipeline/);
  });

  it("tells one total while it loads", async () => {
    const seen: { loadedBytes: number; totalBytes: number }[] = [];
    const pipeline = await open("tiny", { onProgress: (progress) => seen.push(progress) });
    await pipeline.load();
    const total = pipeline.manifest.components;
    const { text_encoder, unet, vae_decoder } = total;
    const bytes = text_encoder.bytes + unet.bytes + vae_decoder.bytes;
    expect(seen.at(-1)).toMatchObject({ loadedBytes: bytes, totalBytes: bytes });
    expect(
      seen.every(({ loadedBytes }, i) => i === 0 || loadedBytes >= seen[i - 1]!.loadedBytes),
    ).toBe(true);
    await pipeline.dispose();
  });

  it("says what sizes a graph may want when one fails", async () => {
    const pipeline = await open();
    await expect(pipeline.generate({ ...request, width: 72 })).rejects.toThrow(
      /72.*multiples of 16/,
    );
    await pipeline.dispose();
  });
});

/** The backend, with every graph's loading and runs told. */
function watched(
  onRun?: (graph: string, feeds: Record<string, { dims: readonly number[] }>) => unknown,
  onLoad?: (graph: string) => unknown,
): InferenceBackend {
  return {
    ...backend,
    async createSession(model, options) {
      const name = options?.label ?? "?";
      onLoad?.(name);
      const session = await backend.createSession(model, options);
      return {
        ...session,
        run: (feeds, how) => {
          onRun?.(name, feeds as Record<string, { dims: readonly number[] }>);
          return session.run(feeds, how);
        },
      };
    },
  };
}

/** How alike two pictures are, the larger averaged over the pixels of the smaller. */
function correlation(small: RgbaImage, large: RgbaImage): number {
  const [scale, a, b] = [large.width / small.width, [] as number[], [] as number[]];
  for (let y = 0; y < small.height; y++) {
    for (let x = 0; x < small.width; x++) {
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let dy = 0; dy < scale; dy++) {
          for (let dx = 0; dx < scale; dx++) {
            sum += large.data[4 * ((y * scale + dy) * large.width + x * scale + dx) + c]!;
          }
        }
        a.push(small.data[4 * (y * small.width + x) + c]!);
        b.push(sum / scale ** 2);
      }
    }
  }
  const mean = (values: number[]): number => values.reduce((s, v) => s + v, 0) / values.length;
  const [ma, mb] = [mean(a), mean(b)];
  const dot = (p: number[], pm: number, q: number[], qm: number): number =>
    p.reduce((s, v, i) => s + (v - pm) * (q[i]! - qm), 0);
  return dot(a, ma, b, mb) / Math.sqrt(dot(a, ma, a, ma) * dot(b, mb, b, mb));
}
