import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { createOrtBackend } from "../backend/ort.js";
import type { ResidualPort } from "../graph/controllable.js";
import { createImage } from "../image/image.js";
import { convert } from "../tensor/convert.js";
import { floatTensor, type Tensor } from "../tensor/tensor.js";
import { controlMask } from "./mask.js";
import { createMixer } from "./mixer.js";
import { isActive, softWeights } from "./strength.js";

describe("softWeights", () => {
  it("are torch.logspace(-1, 0, 13), as in diffusers' guess_mode", () => {
    // torch 2.13.0, float32.
    const reference = [
      0.10000000149011612, 0.1211527660489082, 0.14677992463111877, 0.17782793939113617,
      0.2154434621334076, 0.26101571321487427, 0.3162277638912201, 0.38311868906021118,
      0.46415889263153076, 0.56234133243560791, 0.68129205703735352, 0.82540416717529297, 1,
    ];
    for (const [i, weight] of softWeights("residuals", 13).entries()) {
      expect(Math.abs(weight - reference[i]!)).toBeLessThan(1e-7);
    }
  });

  it("of four features are those of the extension that had them first", () => {
    expect(softWeights("features", 4)).toEqual([0.25, 0.62, 0.825, 1]);
    expect(softWeights("features", 1)).toEqual([1]);
    expect(softWeights("features", 2)).toEqual([0.25, 1]);
  });
});

describe("isActive", () => {
  it.each([
    // [start, end, steps] and diffusers' controlnet_keep: 1 - (i / N < start or (i + 1) / N > end)
    [0, 1, 4, [1, 1, 1, 1]],
    [0.5, 1, 4, [0, 0, 1, 1]],
    [0, 0.5, 4, [1, 1, 0, 0]],
    [0.2, 0.7, 6, [0, 0, 1, 1, 0, 0]],
    [0.3, 0.3, 4, [0, 0, 0, 0]],
    [0, 0.7, 10, [1, 1, 1, 1, 1, 1, 1, 0, 0, 0]],
    [0.1, 0.9, 3, [0, 1, 0]],
  ] as const)("from %s to %s of %s steps", (start, end, steps, keep) => {
    const found = keep.map((_, i) => Number(isActive({ start, end }, i, steps)));
    expect(found).toEqual(keep);
  });
});

describe("controlMask", () => {
  it("is the mean of the area that a place covers, for sizes that divide and others", () => {
    const levels = [0, 255, 255, 0, 51, 102];
    const image = createImage(3, 2);
    for (const [i, level] of levels.entries()) image.data.set([level, level, level, 255], 4 * i);
    const mask = controlMask(image);
    expect([...mask.at(2, 3)].map((value) => Math.round(255 * value))).toEqual(levels);
    expect(mask.at(1, 1)[0]).toBeCloseTo(663 / 255 / 6, 6);
    // Half a column: (0 + 255 / 2) / 1.5, (255 / 2 + 255) / 1.5 in the upper row.
    const [a, b, c, d] = mask.at(2, 2);
    expect(255 * a!).toBeCloseTo(85, 4);
    expect(255 * b!).toBeCloseTo(255, 4);
    expect(255 * c!).toBeCloseTo(17, 4);
    expect(255 * d!).toBeCloseTo(85, 4);
  });

  it("is 1 where white, 0 where transparent", () => {
    const image = createImage(2, 1, new Uint8ClampedArray([255, 255, 255, 255, 255, 255, 255, 0]));
    expect([...controlMask(image).at(1, 2)]).toEqual([1, 0]);
  });
});

describe("createMixer", () => {
  const backend = createOrtBackend({ ort, name: "onnxruntime-node/cpu" });
  const port = (name: string, type = "float32"): ResidualPort => ({
    name,
    type,
    dims: ["n", 2, "h", "w"],
    channels: 2,
    downscale: 1,
  });
  const weight = (...values: number[]) =>
    floatTensor([values.length, 1, 1, 1], Float32Array.from(values));
  const value = (n: number, seed: number) =>
    floatTensor(
      [n, 2, 1, 2],
      Float32Array.from({ length: 4 * n }, (_, i) => seed + i / 4),
    );

  it("adds up by branch and place, across element types", async () => {
    const mixer = createMixer(backend);
    const [one, other] = [value(1, 1), value(2, 8)];
    const half = convert(other, "float16");
    const place = floatTensor([1, 1, 1, 2], Float32Array.of(0.5, 2));
    const { values } = await mixer.mix([
      {
        port: port("a"),
        terms: [
          { value: one, weight: weight(0, 3) },
          { value: half, weight: place },
        ],
      },
      { port: port("b", "float16"), terms: [{ value: one, weight: weight(2) }] },
    ]);
    const a = values.a as Tensor<"float32">;
    expect(a.dims).toEqual([2, 2, 1, 2]);
    const expected = Array.from({ length: 8 }, (_, i) => {
      const first = i < 4 ? 0 : 3 * one.data[i - 4]!;
      return first + other.data[i]! * [0.5, 2][i % 2]!;
    });
    expect([...a.data]).toEqual(expected);
    const b = convert(values.b as Tensor, "float32");
    expect([...b.data]).toEqual([...one.data].map((x) => 2 * x));
    await mixer.dispose();
  });

  it("lets through what counts as it is, and no more", async () => {
    let sessions = 0;
    const mixer = createMixer({
      name: backend.name,
      createSession(...given) {
        sessions++;
        return backend.createSession(...given);
      },
    });
    const given = value(2, 1);
    const alone = await mixer.mix([
      { port: port("a"), terms: [{ value: given, weight: weight(1) }] },
    ]);
    expect(alone.values.a).toBe(given);
    expect(sessions).toBe(0);
    const spread = { value: value(1, 1), weight: weight(1, 1) };
    const { values } = await mixer.mix([{ port: port("a"), terms: [spread] }]);
    expect(values.a!.dims).toEqual([2, 2, 1, 2]);
    await mixer.mix([{ port: port("b"), terms: [{ ...spread, weight: weight(3, 4) }] }]);
    expect(sessions).toBe(1);
    await mixer.dispose();
  });

  it("gives back what it computed on the device, and nothing else", async () => {
    const disposed: string[] = [];
    const onDevice = (name: string) =>
      ({
        location: "device",
        type: "float32",
        dims: [1, 2, 1, 2],
        download: () => Promise.reject(new Error("copied to the host")),
        dispose: () => disposed.push(name),
      }) as const;
    const mixer = createMixer({
      name: "fake",
      createSession: async (_, options) => {
        expect(options?.deviceOutputs).toEqual(["sum_0"]);
        return {
          inputs: [],
          outputs: [],
          run: async (feeds) => {
            expect(Object.values(feeds).map((fed) => "location" in fed)).toEqual([true, false]);
            return { sum_0: onDevice("sum") };
          },
          dispose: async () => {},
        };
      },
    });
    const mix = await mixer.mix([
      { port: port("a"), terms: [{ value: onDevice("given"), weight: weight(0.5) }] },
    ]);
    expect(mix.values.a).toMatchObject({ location: "device" });
    mix.release();
    expect(disposed).toEqual(["sum"]);
  });
});
