import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { message, onnxGraph } from "../backend/fakes/onnx-graph.js";
import { isUnderpaintError } from "../errors.js";
import { type ByteRange, bytesRange } from "./byte-range.js";
import { exports } from "./fakes/exports.js";
import { conditional, smallUNet } from "./fakes/small-unet.js";
import { readGraphPorts } from "./ports.js";
import { readGraph, readGraphBytes } from "./read-graph.js";

const sha256 = (bytes: Uint8Array | string) => createHash("sha256").update(bytes).digest("hex");

function failure(bytes: Uint8Array): string {
  try {
    readGraphBytes(bytes, { label: "unet/model.onnx" });
  } catch (error) {
    if (!isUnderpaintError(error, "model-invalid")) throw error;
    expect(error.message).toContain("unet/model.onnx is no ONNX graph, or is cut short");
    return error.message;
  }
  return "";
}

/** A range that tells what was read of it. */
function counted(bytes: Uint8Array): ByteRange & { total: number; reads: number } {
  const range = {
    size: bytes.length,
    total: 0,
    reads: 0,
    async read(offset: number, length: number) {
      range.reads++;
      range.total += length;
      return bytes.slice(offset, offset + length);
    },
  };
  return range;
}

/** Fields of a message, for files that no writer writes. */
const varint = (field: number, ...bytes: number[]) => Uint8Array.of(field * 8, ...bytes);
const text = (field: number, value: string) => message(field, new TextEncoder().encode(value));
const graph = (...fields: Uint8Array[]) => message(7, ...fields);

describe("readGraph", () => {
  it.each(exports)("reads what the onnx package reads: $name", (plain) => {
    const { nodes, initializers } = readGraphBytes(plain.bytes);
    const operators = nodes.map(({ domain, op, name, inputs, outputs, attributes }) =>
      [domain, op, name, inputs, outputs, attributes.map((one) => one.name)].map(String).join("|"),
    );
    const weights = [...initializers.values()].map(({ name, type, dims, place }) => {
      if (place.kind === "encoded") throw new Error(`${name} is in no place`);
      const file =
        place.kind === "inside"
          ? plain.bytes
          : plain.externalData.find(({ path }) => path === place.location)!.data;
      const data = file.subarray(place.offset, place.offset + place.length!);
      return [name, type, dims, sha256(data)].map(String).join("|");
    });
    expect(sha256(operators.join("\n"))).toBe(plain.sha256.operators);
    expect(sha256(weights.join("\n"))).toBe(plain.sha256.weights);
  });

  it.each(exports)("reads from a file as from memory: $name", async ({ bytes }) => {
    const range = counted(bytes);
    expect(await readGraph(range)).toEqual(readGraphBytes(bytes));
  });

  it("steps over weights, and over operators for who wants none", async () => {
    const length = 1 << 24;
    const bytes = onnxGraph({
      inputs: [{ name: "x", type: "float16", dims: ["n", 4] }],
      outputs: [{ name: "y", type: "float16", dims: ["n", 4] }],
      nodes: [{ op: "Identity", inputs: ["x"], outputs: ["y"] }],
      constants: ["a", "b"].map((name) => ({
        name,
        dims: [length / 4],
        values: new Float32Array(length / 4),
      })),
    });
    const range = counted(bytes);
    const { initializers } = await readGraph(range);
    expect([...initializers.keys()]).toEqual(["a", "b"]);
    expect(range.total).toBeLessThan(1 << 15);
    const ports = await readGraphPorts(bytesRange(bytes));
    expect(ports).toEqual({
      inputs: [{ name: "x", type: "float16", dims: ["n", 4] }],
      outputs: [{ name: "y", type: "float16", dims: ["n", 4] }],
    });
  });

  it("reads attributes and small constants", () => {
    const { nodes, initializers } = readGraphBytes(smallUNet());
    expect(nodes[0]!.attributes).toEqual([
      { name: "strides", numbers: [1, 1] },
      { name: "pads", numbers: [1, 1, 1, 1] },
      { name: "kernel_shape", numbers: [3, 3] },
    ]);
    expect(nodes[3]!.attributes).toEqual([{ name: "axis", number: 1 }]);
    expect(initializers.get("first.weight")!.values![0]).toBeCloseTo(Math.sin(1) / 4, 6);
    expect(initializers.get("second.weight")!.values).toBeUndefined();
  });

  it("knows what graphs inside of operators use, and leaves weights out of the inputs", () => {
    const port = { name: "x", type: "float32", dims: [1] } as const;
    const bytes = new Uint8Array([
      ...onnxGraph({
        inputs: [port, { ...port, name: "w" }],
        outputs: [{ ...port, name: "y" }],
        nodes: [],
        constants: [{ name: "w", dims: [1], values: Float32Array.of(1) }],
      }),
      ...graph(conditional("w", "x", "y")),
    ]);
    const read = readGraphBytes(bytes);
    expect(read.inputs.map(({ name }) => name)).toEqual(["x"]);
    expect(read.nodes[0]!.captured).toEqual(["x"]);
    expect([...read.nestedNames].sort()).toEqual(["inner_else", "inner_then", "x"]);
    expect(read.places).toHaveLength(2);
  });

  it("ends with the signal", async () => {
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    await expect(readGraph(bytesRange(smallUNet()), { signal })).rejects.toBe(reason);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ["no bytes", new Uint8Array(), /the file is empty/],
    ["a page of HTML", new TextEncoder().encode("<html>404</html>"), /wire type 4/],
    ["no graph", varint(1, 8), /it holds no graph/],
    ["a number without end", varint(1, ...new Array<number>(11).fill(255)), /does not end/],
    ["a file that ends in a number", varint(1, 255), /ends at byte 2, inside of a number/],
    ["a length beyond the file", Uint8Array.of(58, 100), /a field at byte 0 ends at 102/],
    [
      "a length beyond all bounds",
      Uint8Array.of(58, 255, 255, 255, 255, 255, 255, 255, 255, 127),
      /a field at byte 0 ends at/,
    ],
    [
      "a negative length",
      Uint8Array.of(58, ...new Array<number>(9).fill(255), 1),
      /a field at byte 0/,
    ],
    ["a length beyond its message", graph(Uint8Array.of(10, 9, 0)), /what it is in ends at 5/],
    ["field 0", graph(Uint8Array.of(0, 0)), /there is no field 0/],
    ["a graph that is a number", varint(7, 1), /the graph has wire type 0, not 2/],
    ["an operator that is a number", graph(varint(1, 1)), /an operator has wire type 0, not 2/],
    ["a name that is a number", graph(message(1, varint(1, 1))), /an operator's input is no text/],
    [
      "a name that is no UTF-8",
      graph(message(1, message(1, Uint8Array.of(0xc3, 0x28)))),
      /an operator's input is not UTF-8/,
    ],
    [
      "a name of 5,000 letters",
      graph(message(1, text(1, "x".repeat(5000)))),
      /an operator's input takes 5000 bytes/,
    ],
    [
      "dims below zero",
      graph(message(5, varint(1, ...new Array<number>(9).fill(255), 1))),
      /dims \[-1\]/,
    ],
    [
      "dims beyond all bounds",
      graph(message(5, ...[1, 2].map(() => varint(1, 255, 255, 255, 255, 127)), text(8, "w"))),
      /the tensor "w" has the impossible dims/,
    ],
    ["33 axes", graph(message(5, message(1, new Uint8Array(33)))), /more than 32 axes/],
    [
      "data that do not fit the dims",
      graph(message(5, varint(1, 3), varint(2, 1), text(8, "w"), message(9, new Uint8Array(8)))),
      /"w" has 8 bytes, but its dims need 12/,
    ],
    [
      "external data without a file",
      graph(message(5, text(8, "w"), varint(14, 1))),
      /"w" lies in another file that has no name/,
    ],
    [
      "external data at an impossible place",
      graph(
        message(
          5,
          text(8, "w"),
          message(13, text(1, "location"), text(2, "f")),
          message(13, text(1, "offset"), text(2, "-5")),
          varint(14, 1),
        ),
      ),
      /"w" lies at an impossible place \(-5\)/,
    ],
    [
      "two weights of one name",
      graph(message(5, text(8, "w")), message(5, text(8, "w"))),
      /two of its weights/,
    ],
    [
      "half a float",
      graph(message(1, message(5, message(7, new Uint8Array(3))))),
      /a list of numbers ends inside of one/,
    ],
  ])("refuses %s", (_, bytes, message) => {
    expect(failure(bytes)).toMatch(message);
  });

  it("refuses nesting without end", () => {
    let nested = new Uint8Array() as Uint8Array;
    for (let depth = 0; depth < 200; depth++) nested = message(1, message(5, message(6, nested)));
    expect(failure(graph(nested))).toMatch(/nested more than 100 deep/);
  });

  it("refuses a small file that would fill the memory", () => {
    const repeated = (record: Uint8Array, count: number) => {
      const bytes = new Uint8Array(record.length * count);
      for (let i = 0; i < count; i++) bytes.set(record, i * record.length);
      return graph(bytes);
    };
    expect(failure(repeated(message(1), 300_000))).toMatch(/more than 250000 operators/);
    expect(failure(repeated(message(11), 800_000))).toMatch(/more parts than are read/);
    const name = message(1, text(1, "x".repeat(4096)));
    expect(failure(repeated(name, 17_000))).toMatch(/its names take more than/);
  });

  it("sees a file that ends earlier than it says", async () => {
    const bytes = smallUNet();
    const range: ByteRange = { ...bytesRange(bytes), size: bytes.length + 100 };
    const file = new Uint8Array([...bytes, 10, 98]);
    const longer: ByteRange = { size: file.length + 98, read: bytesRange(file).read };
    for (const short of [range, longer]) {
      await expect(readGraph(short, { label: "g" })).rejects.toThrow(/cannot be read/);
    }
  });
});
