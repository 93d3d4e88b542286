import { describe, expect, it } from "vitest";
import { message, onnxGraph, type Port } from "../backend/fakes/onnx-graph.js";
import { isUnderpaintError } from "../errors.js";
import { externalLocations } from "./external-locations.js";

const port: Port = { name: "x", type: "float32", dims: [4] };

function graphWith(locations: readonly string[]): Uint8Array {
  return onnxGraph({
    inputs: [port],
    outputs: [{ ...port, name: "y" }],
    nodes: [{ op: "Identity", inputs: ["x"], outputs: ["y"], attributes: { axes: [1, 2] } }],
    constants: [
      { name: "inside", dims: [4], values: new Float32Array(4) },
      ...locations.map((location, i) => ({
        name: `w${i}`,
        dims: [4],
        external: { location, length: 16 },
      })),
    ],
  });
}

/** The value of ModelProto's field 7. */
function inner(model: Uint8Array): Uint8Array {
  // ir_version takes two bytes; then a tag, a length of two bytes, and the graph.
  const length = (model[3]! & 127) + 128 * model[4]!;
  return model.subarray(5, 5 + length);
}

describe("externalLocations", () => {
  it("finds each file once", () => {
    expect([...externalLocations(graphWith([]), "g")]).toEqual([]);
    const three = graphWith(["weights.pb", "model.onnx_data", "weights.pb"]);
    expect([...externalLocations(three, "g")]).toEqual(["weights.pb", "model.onnx_data"]);
  });

  it("looks into the graphs that operators hold, and into functions", () => {
    const body = inner(graphWith(["in-body"]));
    const ifNode = message(7, message(1, message(5, message(6, body))));
    expect([...externalLocations(ifNode, "g")]).toEqual(["in-body"]);
    const inFunction = message(25, message(7, message(5, message(11, body))));
    expect([...externalLocations(inFunction, "g")]).toEqual(["in-body"]);
  });

  it.each([1, 2, 3, 4, 5, 6, 50, 150])("sees a graph that ends after %i bytes", (length) => {
    const bytes = graphWith(["model.onnx_data"]).subarray(0, length);
    // Two bytes are a whole ir_version; such a message is sound, and holds nothing.
    if (length === 2) expect(externalLocations(bytes, "g").size).toBe(0);
    else expect(() => externalLocations(bytes, "unet/model.onnx")).toThrow(/unet.*cut short/);
  });

  it("refuses nesting without end and lengths beyond the file", () => {
    let nested = new Uint8Array() as Uint8Array;
    for (let i = 0; i < 200; i++) nested = message(1, message(5, message(6, nested)));
    const huge = Uint8Array.of(58, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1);
    for (const bytes of [message(7, nested), huge]) {
      let error: unknown;
      try {
        externalLocations(bytes, "g");
      } catch (caught) {
        error = caught;
      }
      expect(isUnderpaintError(error, "model-invalid")).toBe(true);
    }
  });
});
