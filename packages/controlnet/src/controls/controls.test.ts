import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createImage, createPipeline, decodePng, type RgbaImage } from "@underpaint/core";
import { fakeControlNet } from "@underpaint/testing";
import { describe, expect, it } from "vitest";
import { folderSource, modelFolder } from "../../../core/src/model/fakes/sources.js";
import { createTrial } from "../../../testing/src/controls/control-run.js";
import { controlPlugins } from "../control-plugins.js";
import { openDepthModel } from "../hints/by-model/depth-model.js";
import { canny } from "../hints/canny.js";
import { depthMap } from "../hints/depth-map.js";
import { hintModel, mixing, ortBackend, picturePort } from "../hints/fakes/hint-graphs.js";
import { crop, noisePicture, opaque, readPicture } from "../hints/fakes/source-picture.js";
import { fitHint } from "../hints/fit-hint.js";
import { lineArtSheet } from "../hints/line-art-sheet.js";
import { swatchPalette } from "../hints/palette/swatch-palette.js";
import { poseFigure } from "../hints/pose/pose-figure.js";
import { presetPose } from "../hints/pose/presets.js";
import { cannyEdges } from "./canny-edges.js";
import { depth } from "./depth.js";
import { lineArt } from "./line-art.js";
import { palette } from "./palette.js";
import { perspective } from "./perspective.js";
import { pose } from "./pose.js";
import { scribble } from "./scribble.js";

const sheet = readPicture("sheet");
const size = { width: 128, height: 64 };

describe("hints of controls", () => {
  it("lineArt draws the sheet's lines white on black, and says so", async () => {
    const hint = await lineArt(sheet).preview(size);
    expect(hint.data).toEqual(fitHint(lineArtSheet(sheet), size).data);
    expect(hint.notices).toEqual([
      "looks black on white: inverted",
      `resized from ${sheet.width} × ${sheet.height} to 128 × 64`,
    ]);
    const own = await lineArt(sheet).preview();
    expect([own.width, own.height]).toEqual([sheet.width, sheet.height]);
    const told = await lineArt(sheet, { polarity: "white-on-black" }).preview();
    expect(told.notices).toEqual([]);
  });

  it("keeps light lines on a transparent layer at any size", async () => {
    const layer = createImage(64, 64);
    for (let i = 0; i < 64; i++) layer.data.fill(255, 4 * (64 * 30 + i), 4 * (64 * 30 + i) + 4);
    const hint = await lineArt(layer).preview({ width: 32, height: 32 });
    expect(hint.data[4 * (32 * 15 + 8)]).toBeGreaterThan(100);
    expect(hint.data[0]).toBe(0);
    const bold = await scribble(layer).preview({ width: 64, height: 64 });
    expect(bold.data[4 * (64 * 30 + 8)]).toBe(255);
  });

  it("scribble is black and white alone, whatever its size", async () => {
    const levels = new Set((await scribble(sheet).preview({ width: 200, height: 136 })).data);
    expect([...levels].sort()).toEqual([0, 255]);
  });

  it("the others draw as their hints do", async () => {
    const photo = readPicture("coffee");
    const edges = await cannyEdges(photo, { low: 30, high: 90 }).preview(size);
    expect(edges.data).toEqual(canny(fitHint(photo, size), { low: 30, high: 90 }).data);
    const figure = presetPose("waving", { width: 64, height: 64 });
    expect((await pose(figure, { hands: false }).preview(size)).data).toEqual(
      poseFigure(figure, { ...size, hands: false }).data,
    );
    const colours = ["#e4572e", { colour: "#29335c", share: 3 }];
    const swatches = await palette(colours, { seed: 2 }).preview(size);
    expect(swatches.data).toEqual(swatchPalette({ colours, seed: 2, block: 16, ...size }).data);
    const blocks = await palette(colours, { model: "hub:a/b" }).preview(size);
    expect(blocks.data).toEqual(swatchPalette({ colours, ...size }).data);
    const map = noisePicture(128, 64, 2);
    const near = await depth(map, { near: "low", stretch: true }).preview(size);
    expect(near.data).toEqual(depthMap(map, { near: "low", stretch: true }).data);
  });

  it("depth is found by a model of the user's", async () => {
    const input = picturePort();
    const source = hintModel(
      input,
      [["Conv", [input.name, "mix"], "depth"]],
      [{ name: "depth", type: "float32", dims: ["batch", 1, "h", "w"] }],
      [mixing("mix", [[0, 1, 0]])],
    );
    const by = await openDepthModel({ source, backend: ortBackend() });
    const rgb = new Uint8Array(3 * 64 * 64);
    for (let i = 0; i < 64 * 64; i++) rgb[3 * i + 1] = 4 * (i % 64);
    const control = depth(opaque(64, 64, rgb), { by });
    const hint = await control.preview({ width: 64, height: 64 });
    expect(hint.data).toEqual((await by.hint(opaque(64, 64, rgb))).data);
    expect([hint.data[0], hint.data[4 * 63]]).toEqual([0, 255]);
    expect(control.options).toEqual({ by: "depth-anything" });
    await by.dispose();
  });
});

describe("the networks of controls", () => {
  it("is the model's own, the best of those that it has", async () => {
    const network = fakeControlNet();
    const controls = { lineart: "controlnet_lineart" };
    const { run } = createTrial({ openGraph: network.openGraph, model: { controls } }, {});
    await lineArt(sheet).start(run);
    await cannyEdges(sheet).start(run);
    await perspective({ horizon: 0.5, vanishingPoints: [{ x: 0 }] }).start(run);
    expect(network.asked).toEqual(Array(3).fill({ file: "controlnet_lineart/model.onnx" }));
    await expect(depth(sheet).start(run)).rejects.toThrow(
      /depth has no model.*memory:checked.*\(found "depth"\).*its own: lineart/,
    );
  });

  it("is the one that is named", async () => {
    const network = fakeControlNet();
    const { run } = createTrial({ openGraph: network.openGraph }, {});
    const control = lineArt(sheet, { model: "hub:owner/lines" });
    await control.start(run);
    expect(network.asked[0]).toMatchObject({ source: "hub:owner/lines" });
    expect(control.options).toMatchObject({ model: "hub:owner/lines" });
    expect([control.givesFeatures, palette(["red"]).givesFeatures]).toEqual([undefined, undefined]);
    expect(palette(["red"], { model: "hub:a/b" }).givesFeatures).toBe(true);
    expect(palette(["red"], { model: "hub:a/b", kind: "controlnet" }).givesFeatures).toBe(
      undefined,
    );
  });

  it("sees the part that is painted, once", async () => {
    const network = fakeControlNet();
    const controls = { lineart: "l" };
    const { run, ask } = createTrial({ openGraph: network.openGraph, model: { controls } }, {});
    const whole = noisePicture(128, 128, 6);
    const view = (picture: RgbaImage) => crop(picture, [32, 16, 64, 64]);
    await ask(await lineArt(whole, { polarity: "white-on-black" }).start({ ...run, view }));
    const fed = network.sessions[0]!.runs[0]!.controlnet_cond as never as { data: Float32Array };
    const part = view(whole);
    for (let i = 0; i < 64 * 64; i++) expect(fed.data[i]).toBeCloseTo(part.data[4 * i]! / 255, 6);
  });

  it("warns of what was found out", async () => {
    const controls = { lineart: "l" };
    const { openGraph } = fakeControlNet();
    const { run, ask } = createTrial({ openGraph, model: { controls } }, {});
    const { warnings } = await ask(await lineArt(sheet).start(run));
    expect(warnings.map(({ code }) => code)).toEqual(["hint-inverted", "hint-resized"]);
    expect(warnings[0]!.message).toBe("lineArt: looks black on white: inverted.");
  });
});

describe("controls in recipes", () => {
  const fixtures = new URL("../../../../fixtures/controls/", import.meta.url);
  const lines = folderSource(fileURLToPath(new URL("lines", fixtures)));
  const drawing = decodePng(readFileSync(new URL("hints/lines-64x64.png", fixtures)));

  it("are made again, of their pictures", async () => {
    const pipeline = await createPipeline({
      backend: ortBackend(),
      source: folderSource(modelFolder("tiny")),
      scheduler: (await import("@underpaint/core")).euler(),
      plugins: { control: controlPlugins },
      graphFiles: (await import("../../../node/src/graph/graph-files.js")).graphFiles,
      resolveModel: async () => lines,
    });
    const mask = opaque(64, 64, new Uint8Array(3 * 64 * 64).fill(200));
    const controls = [
      lineArt(drawing, { model: "lines", weight: 0.7, end: 0.6, mask }),
      perspective({ horizon: 0.4, vanishingPoints: [{ x: 0.2 }], model: "lines", weight: 0.5 }),
    ];
    const request = { prompt: "a", width: 64, height: 64, steps: 3, seed: 5 };
    const { images, recipe } = await pipeline.generate({ ...request, controls });
    const stored = JSON.parse(JSON.stringify(recipe)) as typeof recipe;
    const again = await pipeline.generate({ ...stored, pictures: [mask, drawing] });
    expect(again.images[0]!.data).toEqual(images[0]!.data);
    const plain = await pipeline.generate(request);
    expect(plain.images[0]!.data).not.toEqual(images[0]!.data);
    await expect(pipeline.generate(stored)).rejects.toThrow(/the picture of lineArt/);
    await pipeline.dispose();
  });

  it("of every kind come out as they went in", async () => {
    const picture = noisePicture(40, 30, 3);
    const figure = presetPose("sitting", { width: 64, height: 64 });
    for (const control of [
      lineArt(picture, { from: "picture", model: "m" }),
      scribble(picture, { polarity: "black-on-white" }),
      cannyEdges(picture, { low: 9 }),
      depth(picture, { near: "low" }),
      depth({ width: 2, height: 2, data: Float32Array.of(1, 2, 3, 4) }, { near: "low" }),
      pose([figure, figure], { face: false }),
      perspective({ horizon: 0.2, vanishingPoints: [{ x: 3, y: 1 }], density: 9 }),
      palette(picture, { ordered: false, count: 3, seed: 4 }),
      palette(picture, { warmth: 0.5, block: 16 }),
      palette([["red", "blue"]], { warmth: -0.5 }),
      palette(["red", { colour: "blue", share: 2 }], { seed: 3, model: "m" }),
    ]) {
      const options = JSON.parse(JSON.stringify(control.options));
      const strength = { weight: 0.5 };
      const again = controlPlugins(control.name, options, { pictures: control.pictures, strength });
      expect(again.options, control.name).toEqual(control.options);
      expect(again.strength).toEqual(strength);
      const [before, after] = [await control.preview(size), await again.preview!(size)];
      expect(after.data, control.name).toEqual(before.data);
    }
    const given = { pictures: { picture }, strength: {} };
    expect(() => controlPlugins("depth", { by: "dpt" }, given)).toThrow(/drawn by a model/);
  });
});
