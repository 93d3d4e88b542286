import { isUnderpaintError } from "@underpaint/core";
import { fakeBackend, memorySource } from "@underpaint/testing";
import { describe, expect, it } from "vitest";
import fixtures from "../../../../../fixtures/hints/by-model.json" with { type: "json" };
import { hintModel, mixing, ortBackend, picturePort } from "../fakes/hint-graphs.js";
import { levelsOf, noisePicture, opaque, unpackFloats } from "../fakes/source-picture.js";
import type { DepthLayout } from "./depth-layouts.js";
import { openDepthModel } from "./depth-model.js";

/** A graph whose depth is a mix of what it is fed. */
const mixed = (input = picturePort(), output = "predicted_depth", files = {}) =>
  hintModel(
    input,
    [["Conv", [input.name, "mix"], output]],
    [{ name: output, type: "float32", dims: ["batch", 1, "h", "w"] }],
    [mixing("mix", [[1, 0, 0]])],
    files,
  );

/** A backend that keeps what its one graph was fed. */
function watching(input = picturePort()) {
  return fakeBackend({
    "model.onnx": {
      inputs: [input],
      outputs: [{ name: "depth", type: "float32", dims: [1, "h", "w"] }],
      run(feeds) {
        const { dims, data } = Object.values(feeds)[0]! as never as {
          dims: number[];
          data: Float32Array;
        };
        const [, , h, w] = dims as [number, number, number, number];
        return { depth: { type: "float32", dims: [1, h, w], data: data.slice(0, h * w) } };
      },
    },
  });
}

describe("a depth model", () => {
  it.each(fixtures.depthInputs)(
    "is fed what transformers' DPTImageProcessor makes: $layout",
    async ({ layout, size, width, height, seed, dims, values }) => {
      const backend = watching();
      const source = memorySource({
        "model.onnx": "graph",
        "preprocessor_config.json": JSON.stringify({ size: { height: size, width: size } }),
      });
      const model = await openDepthModel({ source, backend, layout: layout as DepthLayout });
      await model.estimate(noisePicture(width, height, seed));
      const fed = backend.sessions[0]!.session.runs[0]!.pixel_values as never as {
        dims: number[];
        data: Float32Array;
      };
      expect(fed.dims).toEqual([1, ...dims]);
      const expected = unpackFloats(values);
      const most = expected.reduce((m, value, i) => Math.max(m, Math.abs(value - fed.data[i]!)), 0);
      expect(most).toBeLessThan(1e-6);
    },
  );

  it("takes mean, size and multiple from the model's own config", async () => {
    const backend = watching();
    const config = {
      image_mean: [0, 0, 0],
      image_std: [1, 1, 1],
      size: 64,
      ensure_multiple_of: 8,
      keep_aspect_ratio: false,
    };
    const source = memorySource({
      "onnx/model.onnx": "graph",
      "model.onnx": "graph",
      "preprocessor_config.json": JSON.stringify(config),
    });
    const model = await openDepthModel({ source, backend });
    await model.estimate(opaque(32, 16, new Uint8Array(3 * 512).fill(51)));
    const fed = backend.sessions[0]!.session.runs[0]!.pixel_values as never as {
      dims: number[];
      data: Float32Array;
    };
    expect(fed.dims).toEqual([1, 3, 64, 64]);
    expect(fed.data[0]).toBeCloseTo(0.2, 6);
  });

  it.each([
    ["Depth Anything's names", picturePort(), "predicted_depth"],
    ["a fixed size of multiples of 14", picturePort("image", 42, 56), "depth"],
    ["MiDaS small's", picturePort("0", 256, 256), "797"],
  ])("draws a hint by the real runtime: %s", async (_, input, output) => {
    const model = await openDepthModel({ source: mixed(input, output), backend: ortBackend() });
    // Red rises from left to right, and with it what this network calls near.
    const rgb = new Uint8Array(3 * 64 * 48);
    for (let i = 0; i < 64 * 48; i++) rgb[3 * i] = 4 * (i % 64);
    const hint = await model.hint(opaque(64, 48, rgb));
    expect([hint.width, hint.height]).toEqual([64, 48]);
    const row = [...levelsOf(hint).subarray(64 * 20, 64 * 21)];
    expect([row[0], row[63]]).toEqual([0, 255]);
    row.forEach((level, x) => {
      expect(Math.abs(level - (255 * x) / 63)).toBeLessThan(5);
    });
    await model.dispose();
    await expect(model.hint(opaque(64, 48, rgb))).rejects.toMatchObject({ code: "disposed" });
  });

  it("shows far as near for metric depth", async () => {
    const model = await openDepthModel({ source: mixed(), backend: ortBackend(), near: "low" });
    const rgb = Uint8Array.from({ length: 3 * 28 * 14 }, (_, i) => (i < 3 * 28 * 7 ? 0 : 200));
    const levels = levelsOf(await model.hint(opaque(28, 14, rgb)));
    expect([levels[0], levels.at(-1)]).toEqual([255, 0]);
    await model.dispose();
  });

  it("tells its layout by the size that its graph insists on", async () => {
    const layoutOf = async (height: number | string, width: number | string) => {
      const input = picturePort("x", height, width);
      const model = await openDepthModel({
        source: memorySource({ "model.onnx": "graph" }),
        backend: watching(input),
      });
      return model.layout;
    };
    expect(await layoutOf(518, 518)).toBe("depth-anything");
    expect(await layoutOf("h", "w")).toBe("depth-anything");
    expect(await layoutOf(384, 384)).toBe("dpt");
    expect(await layoutOf(256, 256)).toBe("midas-small");
  });

  const map = { name: "depth", type: "float32", dims: [1, "h", "w"] } as const;
  const refused: [string, Parameters<typeof hintModel>[0], (typeof map)[], RegExp][] = [
    [
      "two inputs",
      [picturePort("a"), picturePort("b")],
      [map],
      /its inputs are a float32 .*; b float32/,
    ],
    [
      "a picture with its channels last",
      { name: "a", type: "float32", dims: [1, 64, 64, 3] },
      [map],
      /a float32 \[1, 64, 64, 3\].*channels first/,
    ],
    [
      "a huge picture",
      picturePort("a", 4096, 4096),
      [map],
      /size that is not allowed \(found 4096/,
    ],
    [
      "two outputs of no known name",
      picturePort("a"),
      [
        { ...map, name: "p" as never },
        { ...map, name: "q" as never },
      ],
      /outputs are p float32 \[1, h, w\]; q float32.*predicted_depth/,
    ],
    [
      "classes",
      picturePort("a"),
      [{ ...map, dims: [1, 1000] as never }],
      /outputs are depth float32 \[1, 1000\]/,
    ],
  ];

  it.each(refused)("refuses %s, telling what was found", async (_, input, outputs, message) => {
    const backend = fakeBackend({
      "model.onnx": {
        inputs: Array.isArray(input) ? input : [input as never],
        outputs,
        run: () => ({}),
      },
    });
    const opening = openDepthModel({ source: memorySource({ "model.onnx": "graph" }), backend });
    await expect(opening).rejects.toMatchObject({ code: "model-invalid" });
    await expect(opening).rejects.toThrow(message);
    expect(backend.sessions[0]!.session.isDisposed).toBe(true);
  });

  it("refuses an output of another shape than depth has", async () => {
    const backend = fakeBackend({
      "model.onnx": {
        inputs: [picturePort()],
        outputs: [map],
        run: () => ({ depth: { type: "float32", dims: [2, 3, 3], data: new Float32Array(18) } }),
      },
    });
    const source = memorySource({ "model.onnx": "graph" });
    const model = await openDepthModel({ source, backend });
    await expect(model.hint(noisePicture(16, 16, 1))).rejects.toThrow(/\[2, 3, 3\]/);
  });

  it("refuses what is not allowed before anything is loaded", async () => {
    const backend = watching();
    const source = memorySource({ "model.onnx": "graph" });
    const codeOf = (options: object) =>
      openDepthModel({ source, backend, ...options } as never).then(
        () => "opened",
        (error: unknown) => (isUnderpaintError(error) ? error.code : String(error)),
      );
    expect(await codeOf({ near: "left" })).toBe("invalid-request");
    expect(await codeOf({ layuot: "dpt" })).toBe("invalid-request");
    expect(await codeOf({ source: {} })).toBe("invalid-request");
    expect(await codeOf({ backend: undefined })).toBe("invalid-request");
    expect(await codeOf({ file: "../x" })).toBe("invalid-request");
    expect(await codeOf({ source: memorySource({}) })).toBe("model-not-found");
    const broken = memorySource({ "model.onnx": "graph", "preprocessor_config.json": "[" });
    expect(await codeOf({ source: broken })).toBe("model-invalid");
    expect(backend.sessions).toHaveLength(0);
  });

  it("ends with the signal's reason", async () => {
    const backend = watching();
    const model = await openDepthModel({
      source: memorySource({ "model.onnx": "graph" }),
      backend,
    });
    const reason = new Error("enough");
    const image = noisePicture(16, 16, 1);
    await expect(model.hint(image, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const hint = model.hint(image, { signal: controller.signal });
    controller.abort(reason);
    await expect(hint).rejects.toBe(reason);
    const source = memorySource({ "model.onnx": "graph" });
    const signal = AbortSignal.abort(reason);
    await expect(openDepthModel({ source, backend, signal })).rejects.toBe(reason);
  });
});
