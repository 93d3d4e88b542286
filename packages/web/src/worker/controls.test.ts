/// <reference types="node" />
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  cannyEdges,
  controlNames,
  controlNet,
  type DepthModel,
  depth,
  lineArt,
  palette,
  perspective,
  pose,
  presetPose,
  scribble,
  softEdges,
  t2iAdapter,
} from "@underpaint/controlnet";
import {
  type Control,
  createImage,
  createOrtBackend,
  createPipeline,
  decodePng,
  encodePng,
  type GenerateRequest,
  type GenerateResult,
  isUnderpaintError,
  type Pipeline,
  type RgbaImage,
} from "@underpaint/core";
import { createScheduler, fromConfig } from "@underpaint/schedulers";
import * as ort from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { graphFiles } from "../../../../packages/node/src/graph/graph-files.js";
import { folderSource } from "../../../../packages/node/src/sources/folder.js";
import { fixtureModel, readPicture } from "../../../../tests/support/reference.js";
import { makeControl } from "../controls/make-control.js";
import { connectPipeline } from "./connect.js";
import { servePipeline } from "./serve.js";

const fixtures = fileURLToPath(new URL("../../../../fixtures/", import.meta.url));
const hint = (name: string): RgbaImage =>
  decodePng(readFileSync(`${fixtures}controls/hints/${name}.png`));

const backend = createOrtBackend({ ort, name: "onnxruntime-node/cpu" });

/** The tiny model, its controls made again as the browser's pipelines do. */
const openTiny = async (): Promise<Pipeline> =>
  createPipeline({
    backend,
    source: await fixtureModel("tiny"),
    scheduler: fromConfig,
    plugins: { scheduler: createScheduler, control: makeControl },
    graphFiles,
    resolveModel: (name) => folderSource(`${fixtures}controls/${name}`),
  });

const request: GenerateRequest = {
  prompt: "a red apple on a wooden table",
  width: 64,
  height: 64,
  steps: 3,
  guidanceScale: 5,
  seed: 11,
};

const bytesOf = ({ images }: GenerateResult): string[] =>
  images.map((image) => Buffer.from(encodePng(image)).toString("base64"));

async function rejection(work: Promise<unknown>): Promise<Error> {
  try {
    await work;
  } catch (error) {
    return error as Error;
  }
  throw new Error("it did not reject");
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

let local: Pipeline;
let pipeline: Pipeline;
/** What the page has sent, as it arrived. */
const sent: unknown[] = [];

beforeAll(async () => {
  local = await openTiny();
  const { port1, port2 } = new MessageChannel();
  port2.addEventListener("message", ({ data }) => sent.push(data));
  servePipeline(port2, async () => ({ pipeline: await openTiny(), state: () => ({}) }));
  pipeline = (await connectPipeline(port1, { options: {} }).opened).pipeline;
});
afterAll(async () => {
  await pipeline.dispose();
  await local.dispose();
});

/** Makes a request here and there: the same pictures, and all else that a result says. */
async function both(asked: GenerateRequest): Promise<GenerateResult> {
  const here = await local.generate(asked);
  const there = await pipeline.generate(asked);
  expect(bytesOf(there)).toEqual(bytesOf(here));
  const { timings: _, images: __, ...said } = here;
  expect(there).toMatchObject(said);
  return there;
}

describe("controls through a worker", () => {
  const lines = hint("lines-64x64");
  const mask = hint("mask-64x64");
  const controls = (): Control[] => [
    lineArt(lines, { model: "lines", weight: 0.8, end: 0.9, mode: "promptFirst", mask }),
    t2iAdapter({ model: "adapter", hint: hint("depth-64x64"), weight: 0.6, start: 0.1 }),
  ];

  it("steer as without one, and leave the caller's pictures alone", async () => {
    const before = [lines, mask].map(({ data }) => Buffer.from(data).toString("base64"));
    const steered = await both({ ...request, controls: controls() });
    const plain = await local.generate(request);
    expect(bytesOf(steered)).not.toEqual(bytesOf(plain));
    expect(steered.recipe.controls).toHaveLength(2);
    const after = [lines, mask].map(({ data }) => Buffer.from(data).toString("base64"));
    expect(after).toEqual(before);
    expect(before[0]!.length).toBeGreaterThan(1000);
  });

  it("warn as without one", async () => {
    const wide = hint("lines-96x64");
    const result = await both({
      ...request,
      steps: 1,
      controls: [lineArt(wide, { model: "lines" })],
    });
    expect(result.warnings.map(({ code }) => code)).toContain("hint-resized");
  });

  it("steer streams", async () => {
    let steps = 0;
    for await (const event of pipeline.stream({ ...request, controls: controls() })) {
      if (event.type === "step") steps++;
      else
        expect(bytesOf(event.result)).toEqual(
          bytesOf(await local.generate({ ...request, controls: controls() })),
        );
    }
    expect(steps).toBe(3);
  });

  it("are made again of recipes, in the worker and without one", async () => {
    const { recipe, ...made } = await local.generate({ ...request, controls: controls() });
    const pictures = [mask, hint("depth-64x64"), lines];
    const text = JSON.parse(JSON.stringify(recipe)) as typeof recipe;
    for (const each of [local, pipeline]) {
      const again = await each.generate({ ...text, pictures });
      expect(bytesOf(again)).toEqual(bytesOf({ recipe, ...made }));
      expect(again.recipe).toEqual(recipe);
    }
    // Given themselves, they are taken in place of the recipe's.
    const given = { ...text, controls: [controlNet({ model: "lines", hint: lines })] };
    const replaced = await pipeline.generate(given);
    expect(bytesOf(replaced)).toEqual(bytesOf(await local.generate(given)));
    expect(bytesOf(replaced)).not.toEqual(bytesOf({ recipe, ...made }));
  });

  it("abort before and while they are made", async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const stopped = rejection(
      pipeline.generate({ ...request, steps: 200, controls: controls(), signal }),
    );
    await turn();
    controller.abort("another idea");
    expect(await stopped).toBe("another idea");
    const late = pipeline.generate({ ...request, controls: controls(), signal });
    expect(await rejection(late)).toBe("another idea");
  });

  it("are sent whatever their kind", async () => {
    const model = "lines";
    const kinds = [
      controlNet({ model, hint: lines }),
      t2iAdapter({ model: "adapter", hint: lines }),
      lineArt(lines, { model, from: "picture", polarity: "black-on-white" }),
      scribble(lines, { model }),
      cannyEdges(lines, { model }),
      softEdges(lines, { model }),
      depth({ width: 2, height: 2, data: new Float32Array([0, 1, 2, 4]) }, { model }),
      pose(presetPose("standing", { width: 64, height: 64 }), { model, hands: false }),
      perspective({ model, horizon: 0.4, vanishingPoints: [{ x: 0.3, y: 0.4 }] }),
      palette([["skyblue", "#ffe9b8"]], { model, kind: "controlnet", warmth: 0.2 }),
    ];
    expect(kinds.map(({ name }) => name).sort()).toEqual([...controlNames].sort());
    for (const control of kinds) await both({ ...request, steps: 1, controls: [control] });
  }, 120_000);

  const own: Control = {
    name: "brighten",
    options: { by: 2 },
    start: async () => async () => undefined,
  };
  const depthModel = { layout: "midas", hint: async () => lines } as unknown as DepthModel;
  const anySource = async () => folderSource(`${fixtures}controls/lines`);

  it.each<[string, () => Control | Promise<Control>, RegExp]>([
    [
      "of one's own",
      () => own,
      /^brighten \(controls\[1\]\) cannot be sent .* known there.*without/,
    ],
    [
      "whose model is a source",
      async () => controlNet({ model: await anySource(), hint: lines }),
      /^controlnet \(controls\[1\]\) cannot be sent .* a source.* give the model by its name/,
    ],
    [
      "that draws its hint, whose model is a source",
      async () => lineArt(lines, { model: await anySource() }),
      /^lineArt \(controls\[1\]\) cannot be sent .* a source.* give the model by its name/,
    ],
    [
      "whose hint a model draws",
      () => depth(lines, { model: "lines", by: depthModel }),
      /^depth \(controls\[1\]\) cannot be sent .* drawn by a model.* draw the hint first/,
    ],
    [
      "with functions in its options",
      () => ({ ...lineArt(lines, { model: "lines" }), options: { model: { open() {} } } }),
      /^lineArt \(controls\[1\]\) cannot be sent .*: options.model.open is a function/,
    ],
  ])("are refused before anything is sent: one %s", async (_, make, message) => {
    const control = await make();
    const before = sent.length;
    const work = pipeline.generate({ ...request, controls: [controls()[0]!, control] });
    const error = await rejection(work);
    if (!isUnderpaintError(error, "invalid-request")) throw error;
    expect(error.message).toMatch(message);
    await turn();
    expect(sent.length).toBe(before);
  });

  it.each<[string, unknown]>([
    ["a number", 3],
    ["no control", [{ name: "lineArt" }]],
    ["nothing in a list", [null]],
    ["one that is none beside one", [lineArt(lines, { model: "lines" }), { name: "lineArt" }]],
    ["too many", Array.from({ length: 17 }, () => lineArt(lines, { model: "lines" }))],
    ["a mask of another size", [lineArt(lines, { model: "lines", mask: createImage(8, 8) })]],
    ["a model that is not there", [lineArt(lines, { model: "nowhere" })]],
  ])("are refused as without a worker: %s", async (_, wrong) => {
    const asked = { ...request, controls: wrong as Control[] };
    const here = await rejection(local.generate(asked));
    const there = await rejection(pipeline.generate(asked));
    if (!isUnderpaintError(here) || !isUnderpaintError(there)) throw there;
    expect(there.message).toBe(here.message);
    expect(there.code).toBe(here.code);
  });
});

describe("painting through a worker", () => {
  const image = readPicture("96x64.png");
  const mask = createImage(96, 64);
  for (let i = 0; i < mask.data.length; i += 4) {
    const inside = (i / 4) % 96 >= 20 && (i / 4) % 96 < 60;
    mask.data.set(inside ? [255, 255, 255, 255] : [0, 0, 0, 255], i);
  }
  const painting = { prompt: "a green tree", steps: 2, seed: 3, image, mask };

  it.each<[string, Partial<GenerateRequest>]>([
    ["a mask", {}],
    ["its edge", { maskEdge: { grow: 2, feather: 3, blend: 4 } }],
    ["what is under it", { fill: "blur", strength: 0.6 }],
    ["the masked part alone", { onlyMasked: { padding: 8 }, width: 64, height: 64 }],
    ["a layer", { layer: true }],
    [
      "a control besides",
      { controls: [lineArt(hint("lines-96x64"), { model: "lines" })], onlyMasked: true },
    ],
  ])("does the same with %s", async (_, more) => {
    const { recipe, images } = await both({ ...painting, ...more });
    expect(recipe.painting).toBeDefined();
    expect([images[0]!.width, images[0]!.height]).toEqual([96, 64]);
    expect(mask.data.length).toBe(4 * 96 * 64);
    expect(image.data.length).toBe(4 * 96 * 64);
  });

  it("furnishes, and makes its recipe again", async () => {
    const wanted = { prompt: "a green tree", steps: 2, seed: 3 };
    const there = await pipeline.furnish(image, mask, wanted);
    expect(bytesOf(there)).toEqual(bytesOf(await local.furnish(image, mask, wanted)));
    const again = await pipeline.generate({ ...there.recipe, image, mask });
    expect(bytesOf(again)).toEqual(bytesOf(there));
  });
});
