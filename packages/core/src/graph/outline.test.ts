import { describe, expect, it } from "vitest";
import { onnxGraph } from "../backend/fakes/onnx-graph.js";
import { isUnderpaintError } from "../errors.js";
import { bytesRange } from "./byte-range.js";
import { exportOf } from "./fakes/exports.js";
import { outlineGraph } from "./outline.js";
import { readGraphBytes } from "./read-graph.js";

const x = { name: "x", type: "float32", dims: ["n", 64] } as const;

describe("outlineGraph", () => {
  it("leaves large weights in the file, and takes small ones along", async () => {
    const { bytes } = exportOf("dynamo-fp32");
    const graph = readGraphBytes(bytes);
    const outline = await outlineGraph(
      bytesRange(bytes),
      graph,
      {},
      { locate: () => "model.onnx" },
    );
    const moved = readGraphBytes(outline).initializers;
    expect(moved.size).toBe(graph.initializers.size);
    for (const [name, { place, ...tensor }] of graph.initializers) {
      const found = moved.get(name)!;
      expect([found.type, found.dims]).toEqual([tensor.type, tensor.dims]);
      if (place.kind !== "inside") throw new Error("weights should be inside");
      if (place.length < 1024) {
        if (found.place.kind !== "inside") throw new Error(`${name} was moved`);
        const [before, after] = [bytes, outline].map((file, index) => {
          const { offset, length } = [place, found.place as typeof place][index]!;
          return file.slice(offset, offset + length);
        });
        expect(after).toEqual(before);
      } else {
        const { offset, length } = place;
        expect(found.place).toEqual({ kind: "external", location: "model.onnx", offset, length });
      }
    }
  });

  it("turns a large constant operator into a weight", async () => {
    const { bytes } = exportOf("torchscript-fp32");
    const graph = readGraphBytes(bytes);
    const locate = () => "model.onnx";
    const options = { locate, fromBytes: 8 };
    const small = readGraphBytes(await outlineGraph(bytesRange(bytes), graph, {}, options));
    const constants = graph.nodes.filter(({ op }) => op === "Constant");
    const left = small.nodes.filter(({ op }) => op === "Constant");
    expect(left.length).toBeLessThan(constants.length);
    expect(small.initializers.size).toBe(graph.initializers.size + constants.length - left.length);
  });

  it("gives external files other names", async () => {
    const graph = (location: string) =>
      onnxGraph({
        inputs: [x],
        outputs: [{ ...x, name: "y" }],
        nodes: [{ op: "MatMul", inputs: ["x", "w"], outputs: ["y"] }],
        constants: [{ name: "w", dims: [64, 64], external: { location, length: 64 * 64 * 4 } }],
      });
    const bytes = graph("model.onnx_data");
    const locate = (file: string | undefined) => (file === "model.onnx_data" ? "abc123" : "self");
    const outline = await outlineGraph(bytesRange(bytes), readGraphBytes(bytes), {}, { locate });
    const { place } = readGraphBytes(outline).initializers.get("w")!;
    expect(place).toEqual({ kind: "external", location: "abc123", offset: 0, length: 16384 });
    // Where nothing is to be changed, nothing is.
    const same = await outlineGraph(
      bytesRange(bytes),
      readGraphBytes(bytes),
      {},
      {
        locate: (file) => file ?? "self",
      },
    );
    expect(same).toEqual(bytes);
  });

  it("refuses a graph that is too large without its weights", async () => {
    const notes = 2 ** 28 + 1;
    const range = { size: notes + 100, read: async () => Promise.reject(new Error("was read")) };
    const graph = {
      ...readGraphBytes(exportOf("dynamo-fp32").bytes),
      nodes: [],
      initializers: new Map(),
      outputs: [],
      size: notes + 100,
      places: [{ start: 0, content: 6, end: notes }],
    };
    const error = await outlineGraph(range, graph, {}, { locate: () => "f" }).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(isUnderpaintError(error, "model-unsupported")).toBe(true);
  });
});
