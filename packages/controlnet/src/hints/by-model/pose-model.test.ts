import { fakeBackend, memorySource, type OnnxPort } from "@underpaint/testing";
import { describe, expect, it } from "vitest";
import fixtures from "../../../../../fixtures/hints/by-model.json" with { type: "json" };
import { hintModel, ortBackend, picturePort } from "../fakes/hint-graphs.js";
import { noisePicture, opaque, rgbOf, unpackFloats } from "../fakes/source-picture.js";
import { cocoJoints } from "../pose/coco.js";
import { poseFigure } from "../pose/pose-figure.js";
import { openPoseModel } from "./pose-model.js";

const source = memorySource({ "model.onnx": "graph" });
const mean = [0.485, 0.456, 0.406];
const deviation = [0.229, 0.224, 0.225];

/** 17 colours of one brightness, each in a direction of its own: no two cosines above 0.962. */
const directions = [
  ...["001", "010", "100", "011", "101", "110", "111", "012", "021"],
  ...["102", "201", "120", "210", "112", "121", "211", "221"],
].map((digits) => {
  const vector = [...digits].map(Number);
  return vector.map((v) => v / Math.hypot(...vector));
});
const colours = directions.map((direction) => direction.map((v) => Math.round(250 * v)));

/** Where each joint's dot is, in pixels. */
const places = cocoJoints.map((_, k) => [20 + 18 * (k % 5), 20 + 38 * Math.floor(k / 5)] as const);

/** Black, with a dot of 7 × 7 pixels in each joint's colour. */
function dots(width: number, height: number) {
  const rgb = new Uint8Array(3 * width * height);
  places.forEach(([x, y], k) => {
    for (let dy = -3; dy <= 3; dy++) {
      for (let dx = -3; dx <= 3; dx++) rgb.set(colours[k]!, 3 * ((y + dy) * width + x + dx));
    }
  });
  return opaque(width, height, rgb);
}

/** A convolution whose output k is above 0 for colour k alone, of what mmpose feeds. */
function detector() {
  const rows: number[] = [];
  const bias: number[] = [];
  for (const direction of directions) {
    // Fed is (x / 255 − mean) / deviation; the response is direction · x / 250 − 0.97.
    direction.forEach((v, c) => {
      rows.push((v * deviation[c]! * 255) / 250);
    });
    bias.push(direction.reduce((sum, v, c) => sum + (v * 255 * mean[c]!) / 250, -0.97));
  }
  return [
    { name: "w", dims: [17, 3, 1, 1], values: Float32Array.from(rows) },
    { name: "b", dims: [17], values: Float32Array.from(bias) },
  ];
}

const input = picturePort("input", 256, 192);
const respond = [
  ["Conv", ["input", "w", "b"], "raw"],
  ["Relu", ["raw"], "heat"],
] as const;

const heatModel = () =>
  hintModel(
    input,
    respond,
    [{ name: "heat", type: "float32", dims: [1, 17, 256, 192] }],
    detector(),
  );

/** Sums over rows and columns; `down` first, so that names must tell. */
const simccModel = () =>
  hintModel(
    input,
    [
      ...respond,
      ["MatMul", ["heat", "across"], "simcc_y"],
      ["MatMul", ["down", "heat"], "simcc_x"],
    ],
    [
      { name: "simcc_y", type: "float32", dims: [1, 17, 256] },
      { name: "simcc_x", type: "float32", dims: [1, 17, 192] },
    ],
    [
      ...detector(),
      { name: "across", dims: [192], values: new Float32Array(192).fill(1) },
      { name: "down", dims: [256], values: new Float32Array(256).fill(1) },
    ],
  );

describe("a pose model", () => {
  it.each([
    ["heat-map", heatModel],
    ["simcc", simccModel],
  ] as const)("finds joints by the real runtime, by name: %s", async (kind, make) => {
    const model = await openPoseModel({ source: make(), backend: ortBackend() });
    expect([model.kind, model.keyPoints]).toEqual([kind, 17]);
    const image = dots(120, 160);
    const [points] = await model.estimate(image);
    cocoJoints.forEach((joint, k) => {
      const [x, y, score] = points![k]!;
      expect(score, joint).toBeGreaterThan(0.01);
      expect(Math.abs(x * 120 - places[k]![0]), joint).toBeLessThan(4.5);
      expect(Math.abs(y * 160 - places[k]![1]), joint).toBeLessThan(4.5);
    });
    const [figure] = await model.skeletons(image, { threshold: 0.01 });
    expect(Object.keys(figure!.body!).sort()).toEqual([...cocoJoints, "neck"].sort());
    const hint = await model.hint(image, { threshold: 0.01 });
    expect(rgbOf(hint)).toEqual(rgbOf(poseFigure(figure!, { width: 120, height: 160 })));
    await model.dispose();
  });

  it("looks into each box alone", async () => {
    const model = await openPoseModel({ source: heatModel(), backend: ortBackend() });
    const image = dots(120, 160);
    const box = { x: 0.05, y: 0.02, width: 0.4, height: 0.3 };
    const [part, whole] = await model.estimate(image, {
      boxes: [box, { x: 0, y: 0, width: 1, height: 1 }],
    });
    expect(part).toHaveLength(17);
    expect(part![16]![2]).toBeLessThan(0.01);
    expect(whole![16]![2]).toBeGreaterThan(0.01);
    expect(Math.abs(part![0]![0] * 120 - 20)).toBeLessThan(4.5);
    await model.dispose();
  });

  const port = (name: string, ...dims: (number | string)[]): OnnxPort => ({
    name,
    type: "float32",
    dims,
  });
  const backendOf = (outputs: readonly OnnxPort[], run = () => ({}), fed = input) =>
    fakeBackend({ "model.onnx": { inputs: [fed], outputs, run } });

  it("is fed the crop that mmpose makes", async () => {
    for (const fixture of fixtures.crops) {
      const { width, height, seed, inputWidth, inputHeight } = fixture;
      const heat = { type: "float32" as const, dims: [1, 17, 2, 2], data: new Float32Array(68) };
      const backend = backendOf(
        [port("heat", 1, 17, "h", "w")],
        () => ({ heat }),
        picturePort("input", inputHeight, inputWidth),
      );
      const model = await openPoseModel({ source, backend });
      const [x, y, w, h] = fixture.box as [number, number, number, number];
      const box = { x: x / width, y: y / height, width: w / width, height: h / height };
      await model.estimate(noisePicture(width, height, seed), { boxes: [box] });
      const fed = backend.sessions[0]!.session.runs[0]!.input as never as { data: Float32Array };
      unpackFloats(fixture.normalised).forEach((value, i) => {
        expect(Math.abs(value - fed.data[i]!)).toBeLessThan(5e-5);
      });
    }
  });

  it("knows the whole body's hands and face", async () => {
    const across = new Float32Array(133 * 4);
    const down = new Float32Array(133 * 8);
    // Key point k is at column k mod 4 and row k mod 8; the 100th is not sure.
    for (let k = 0; k < 133; k++) {
      across[4 * k + (k % 4)] = k === 100 ? 0.2 : 0.9;
      down[8 * k + (k % 8)] = 0.8;
    }
    const run = () => ({
      a: { type: "float32" as const, dims: [1, 133, 4], data: across },
      b: { type: "float32" as const, dims: [1, 133, 8], data: down },
    });
    const backend = backendOf([port("a", 1, 133, 4), port("b", 1, 133, 8)], run);
    const model = await openPoseModel({ source, backend });
    const [figure] = await model.skeletons(noisePicture(48, 64, 3));
    const place = (k: number) => [-0.125 + (1.25 * (k % 4)) / 4, -0.125 + (1.25 * (k % 8)) / 8];
    const near = (point: readonly number[] | undefined, k: number) =>
      point?.forEach((v, i) => {
        expect(v).toBeCloseTo(place(k)[i]!, 6);
      });
    near(figure!.body!.leftShoulder, 5);
    near(figure!.face!.jaw1, 23);
    near(figure!.face!.innerLips8, 90);
    near(figure!.leftHand!.wrist, 91);
    near(figure!.leftHand!.little4, 111);
    near(figure!.rightHand!.wrist, 112);
    near(figure!.rightHand!.little4, 132);
    expect(Object.keys(figure!.leftHand!)).toHaveLength(20);
    expect(figure!.leftHand!.middle1).toBeUndefined();
    expect(Object.keys(figure!.face!)).toHaveLength(68);
  });

  it.each<[string, readonly OnnxPort[], RegExp]>([
    ["another number of key points", [port("h", 1, 14, 64, 48)], /h float32 \[1, 14, 64, 48\].*17/],
    ["a single classification", [port("x", 1, 17, 384)], /x float32 \[1, 17, 384\]/],
    ["both sorts", [port("x", 1, 17, 4), port("h", 1, 17, 4, 4)], /two outputs .* or one/],
  ])("refuses %s, telling what was found", async (_, outputs, message) => {
    const backend = backendOf(outputs);
    await expect(openPoseModel({ source, backend })).rejects.toThrow(message);
    expect(backend.sessions[0]!.session.isDisposed).toBe(true);
  });

  it("says when it finds nobody, and refuses boxes that cannot be", async () => {
    const heat = { type: "float32" as const, dims: [1, 17, 4, 3], data: new Float32Array(204) };
    const backend = backendOf([port("h", 1, 17, 4, 3)], () => ({ h: heat }));
    const model = await openPoseModel({ source, backend });
    const image = noisePicture(20, 20, 4);
    expect((await model.hint(image)).notices).toEqual([
      "no joint is sure enough: the hint is black",
    ]);
    const box = { x: 0, y: 0, width: 1, height: 1 };
    const wrong = (boxes: unknown) => model.hint(image, { boxes } as never);
    await expect(wrong([{ ...box, width: 0 }])).rejects.toThrow(/box 0's width/);
    await expect(wrong([{ ...box, w: 0 }])).rejects.toThrow(/box 0 has no option/);
    await expect(wrong(Array(21).fill(box))).rejects.toThrow(/up to 20/);
    heat.dims = [1, 17, 2, 2];
    await expect(model.hint(image)).rejects.toThrow(/shape that cannot be/);
  });
});
