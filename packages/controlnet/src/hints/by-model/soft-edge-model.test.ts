import { fakeBackend, memorySource } from "@underpaint/testing";
import { describe, expect, it } from "vitest";
import fixtures from "../../../../../fixtures/hints/by-model.json" with { type: "json" };
import { hintModel, mixing, ortBackend, picturePort } from "../fakes/hint-graphs.js";
import {
  difference,
  levelsOf,
  noisePicture,
  opaque,
  unpack,
  unpackFloats,
} from "../fakes/source-picture.js";
import { openSoftEdgeModel, type SoftEdgeLayout } from "./soft-edge-model.js";

const source = memorySource({ "model.onnx": "graph" });

/** A backend whose graph gives maps whatever it is fed. */
function giving(maps: readonly { dims: readonly number[]; data: Float32Array }[]) {
  const names = maps.map((_, i) => `out${i}`);
  return fakeBackend({
    "model.onnx": {
      inputs: [picturePort("input")],
      outputs: names.map((name) => ({ name, type: "float32", dims: [1, 1, "h", "w"] })),
      run: () =>
        Object.fromEntries(
          names.map((name, i) => [name, { type: "float32" as const, ...maps[i]! }]),
        ),
    },
  });
}

describe("a soft edge model", () => {
  it.each(fixtures.softEdges)(
    "combines its outputs as the annotators do: $layout",
    async (fixture) => {
      const { width, height, layout } = fixture;
      const maps = fixture.maps.map(({ dims, values }) => ({ dims, data: unpackFloats(values) }));
      const model = await openSoftEdgeModel({ source, backend: giving(maps) });
      expect(model.layout).toBe(layout);
      const image = noisePicture(width, height, 1);
      const edges = levelsOf(await model.hint(image));
      // Levels are cut off, so that the last bit of a resized value can move one.
      const found = difference(edges, unpack(fixture.edges));
      expect(found.most).toBeLessThanOrEqual(1);
      expect(found.count).toBeLessThan(3);
      const steps = levelsOf(await model.hint(image, { steps: true }));
      expect(difference(steps, unpack(fixture.steps)).count).toBeLessThan(2);
      expect(new Set(steps).size).toBeLessThanOrEqual(4);
    },
  );

  it.each<[SoftEdgeLayout, readonly number[]]>([
    ["hed", [10, 20, 30]],
    ["teed", [10, 20, 30]],
    ["pidinet", [30 / 255, 20 / 255, 10 / 255]],
  ])("is fed as the annotators feed it: %s", async (layout, channels) => {
    const map = { dims: [1, 1, 16, 32], data: new Float32Array(512) };
    const backend = giving([map]);
    const model = await openSoftEdgeModel({ source, backend, layout });
    const rgb = Uint8Array.from({ length: 3 * 30 * 16 }, (_, i) => [10, 20, 30][i % 3]!);
    await model.hint(opaque(30, 16, rgb));
    const fed = backend.sessions[0]!.session.runs[0]!.input as never as {
      dims: number[];
      data: Float32Array;
    };
    expect(fed.dims).toEqual([1, 3, 16, 32]);
    channels.forEach((value, c) => {
      expect(fed.data[c * 512 + 100]).toBeCloseTo(value, 6);
    });
  });

  it("draws a hint by the real runtime, of one output and of two", async () => {
    const input = picturePort("input", "h", "w");
    const out = (name: string) => ({ name, type: "float32", dims: [1, 1, "h", "w"] }) as const;
    // An edge where the picture is blue; the first channel that PiDiNet is fed is blue.
    const one = hintModel(
      input,
      [["Conv", ["input", "mix"], "edge"]],
      [out("edge")],
      [mixing("mix", [[1, 0, 0]])],
    );
    const rgb = new Uint8Array(3 * 32 * 16);
    for (let i = 0; i < 512; i++) rgb[3 * i + 2] = 8 * (i % 32);
    const image = opaque(32, 16, rgb);
    const pidinet = await openSoftEdgeModel({ source: one, backend: ortBackend() });
    const row = levelsOf(await pidinet.hint(image)).subarray(0, 32);
    row.forEach((level, x) => {
      expect(Math.abs(level - 8 * x)).toBeLessThanOrEqual(1);
    });
    await pidinet.dispose();

    const two = hintModel(
      input,
      [
        ["Conv", ["input", "plus"], "a"],
        ["Conv", ["input", "minus"], "b"],
      ],
      [out("a"), out("b")],
      [mixing("plus", [[0, 0, 0.04]]), mixing("minus", [[0, 0, -0.02]])],
    );
    const hed = await openSoftEdgeModel({ source: two, backend: ortBackend() });
    const levels = levelsOf(await hed.hint(image)).subarray(0, 32);
    levels.forEach((level, x) => {
      const logit = (0.04 * 8 * x - 0.02 * 8 * x) / 2;
      expect(Math.abs(level - 255 / (1 + Math.exp(-logit)))).toBeLessThan(1.01);
    });
    await hed.dispose();
  });

  it("refuses outputs that are no maps, and shapes that cannot be", async () => {
    const backend = fakeBackend({
      "model.onnx": {
        inputs: [picturePort()],
        outputs: [{ name: "classes", type: "float32", dims: [1, 1000] }],
        run: () => ({}),
      },
    });
    await expect(openSoftEdgeModel({ source, backend })).rejects.toThrow(
      /classes float32 \[1, 1000\].*1 to 16 outputs/,
    );
    const wrong = giving([{ dims: [3, 1, 4, 4], data: new Float32Array(48) }]);
    const model = await openSoftEdgeModel({ source, backend: wrong });
    await expect(model.hint(noisePicture(16, 16, 2))).rejects.toThrow(/\[3, 1, 4, 4\]/);
    await expect(openSoftEdgeModel({ source, backend, layout: "hde" as never })).rejects.toThrow(
      /did you mean hed/,
    );
  });
});
