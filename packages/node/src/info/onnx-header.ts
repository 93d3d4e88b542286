import { open } from "node:fs/promises";
import { UnderpaintError } from "@underpaint/core";
import { type FileWindow, fileWindow } from "./file-window.js";

/** An input or output as a graph declares it. */
export interface GraphValue {
  readonly name: string;
  /** ONNX's element type in lower case: "float32", "int64". */
  readonly type: string;
  readonly dims: readonly (number | string)[];
}

/** What a graph's file tells without its weights being read. */
export interface OnnxHeader {
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
  /** Bytes of weights by element type; those that lie in other files included. */
  readonly weights: Readonly<Record<string, number>>;
  /** "pytorch 2.9" and the like; "" where the file does not say. */
  readonly producer: string;
  /** The version of the operators. */
  readonly opset: number | undefined;
}

/** Element types by number (onnx.proto3, TensorProto.DataType): name, and bits of an element. */
const elementTypes: Readonly<Record<number, readonly [name: string, bits: number]>> = {
  1: ["float32", 32],
  2: ["uint8", 8],
  3: ["int8", 8],
  4: ["uint16", 16],
  5: ["int16", 16],
  6: ["int32", 32],
  7: ["int64", 64],
  9: ["bool", 8],
  10: ["float16", 16],
  11: ["float64", 64],
  12: ["uint32", 32],
  13: ["uint64", 64],
  16: ["bfloat16", 16],
  17: ["float8e4m3fn", 8],
  18: ["float8e4m3fnuz", 8],
  19: ["float8e5m2", 8],
  20: ["float8e5m2fnuz", 8],
  21: ["uint4", 4],
  22: ["int4", 4],
};

/** More inputs, outputs or axes than any graph of ours, and text longer than any name. */
const mostValues = 4096;
const mostAxes = 16;
const mostFields = 5_000_000;
const longestText = 512;

/**
 * Reads what an ONNX file says of itself: inputs, outputs, and the types of its weights. Weights
 * and operators are stepped over without being read, so that a file of gigabytes takes
 * milliseconds.
 *
 * @throws UnderpaintError `model-invalid` for a file that is no ONNX graph, or is cut off.
 */
export async function readOnnxHeader(path: string, label: string): Promise<OnnxHeader> {
  const handle = await open(path);
  try {
    return await parse(await fileWindow(handle), label);
  } finally {
    await handle.close();
  }
}

interface Field {
  readonly number: number;
  readonly isInteger: boolean;
  /** Of an integer, its value; of all else, where its content begins. */
  readonly value: number;
  /** Where its content ends. */
  readonly end: number;
}

async function parse(file: FileWindow, label: string): Promise<OnnxHeader> {
  const inputs: GraphValue[] = [];
  const outputs: GraphValue[] = [];
  const initialized = new Set<string>();
  const weights: Record<string, number> = {};
  const producer: string[] = [];
  let opset: number | undefined;
  let hasGraph = false;
  let fieldCount = 0;

  function broken(): UnderpaintError {
    return new UnderpaintError({
      code: "model-invalid",
      what: `${label} is no ONNX graph, or is cut short`,
      remedy: "fetch the file again",
    });
  }

  async function varint(at: number): Promise<[value: number, next: number]> {
    let value = 0;
    for (let index = 0; index < 10; index++) {
      const byte = await file.byte(at + index);
      if (byte === undefined) throw broken();
      value += (byte & 127) * 2 ** (7 * index);
      if (byte < 128) return [value, at + index + 1];
    }
    throw broken();
  }

  async function* fields(start: number, stop: number): AsyncGenerator<Field> {
    let at = start;
    while (at < stop) {
      const [tag, begin] = await varint(at);
      const [number, kind] = [Math.floor(tag / 8), tag % 8];
      let field: Field;
      if (kind === 0) {
        const [value, end] = await varint(begin);
        field = { number, isInteger: true, value, end };
      } else if (kind === 2) {
        const [length, content] = await varint(begin);
        field = { number, isInteger: false, value: content, end: content + length };
      } else if (kind === 1 || kind === 5) {
        field = { number, isInteger: false, value: begin, end: begin + (kind === 1 ? 8 : 4) };
      } else {
        throw broken();
      }
      if (field.end > stop || ++fieldCount > mostFields) throw broken();
      yield field;
      at = field.end;
    }
  }

  async function text({ value, end }: Field): Promise<string> {
    return new TextDecoder().decode(await file.bytes(value, Math.min(end - value, longestText)));
  }

  async function readTensor({ value, end }: Field): Promise<void> {
    let type = 0;
    let elements = 1;
    for await (const field of fields(value, end)) {
      if (field.number === 1) elements *= field.isInteger ? field.value : await product(field);
      if (field.number === 2) type = field.value;
      if (field.number === 8) initialized.add(await text(field));
    }
    const [name, bits] = elementTypes[type] ?? [`type ${type}`, 0];
    weights[name] = (weights[name] ?? 0) + Math.ceil((elements * bits) / 8);
  }

  /** The sizes of a tensor's axes, packed into one field, multiplied. */
  async function product({ value, end }: Field): Promise<number> {
    let result = 1;
    for (let at = value, axes = 0; at < end; axes++) {
      if (axes >= mostAxes) throw broken();
      const [size, next] = await varint(at);
      result *= size;
      at = next;
    }
    return result;
  }

  async function readValue(field: Field): Promise<GraphValue> {
    let name = "";
    let type = "not a tensor";
    let dims: (number | string)[] = [];
    for await (const part of fields(field.value, field.end)) {
      if (part.number === 1) name = await text(part);
      if (part.number !== 2) continue;
      for await (const kind of fields(part.value, part.end)) {
        if (kind.number !== 1) continue;
        dims = [];
        for await (const detail of fields(kind.value, kind.end)) {
          if (detail.number === 1) type = elementTypes[detail.value]?.[0] ?? `type ${detail.value}`;
          if (detail.number === 2) dims = await readShape(detail);
        }
      }
    }
    return { name, type, dims };
  }

  async function readShape({ value, end }: Field): Promise<(number | string)[]> {
    const dims: (number | string)[] = [];
    for await (const axis of fields(value, end)) {
      if (dims.length >= mostAxes) throw broken();
      let size: number | string = "?";
      for await (const detail of fields(axis.value, axis.end)) {
        if (detail.number === 1) size = detail.value;
        if (detail.number === 2) size = await text(detail);
      }
      dims.push(size);
    }
    return dims;
  }

  async function readGraph({ value, end }: Field): Promise<void> {
    hasGraph = true;
    for await (const field of fields(value, end)) {
      if (field.number === 5) await readTensor(field);
      if (field.number !== 11 && field.number !== 12) continue;
      const list = field.number === 11 ? inputs : outputs;
      if (list.length >= mostValues) throw broken();
      list.push(await readValue(field));
    }
  }

  for await (const field of fields(0, file.size)) {
    if (field.number === 2 || field.number === 3) producer.push(await text(field));
    if (field.number === 7) await readGraph(field);
    if (field.number === 8) opset = (await readOpset(field)) ?? opset;
  }
  if (!hasGraph) throw broken();

  /** The version of ONNX's own operators; other domains have theirs. */
  async function readOpset({ value, end }: Field): Promise<number | undefined> {
    let domain = "";
    let version: number | undefined;
    for await (const field of fields(value, end)) {
      if (field.number === 1) domain = await text(field);
      if (field.number === 2) version = field.value;
    }
    return domain === "" || domain === "ai.onnx" ? version : undefined;
  }

  return {
    // Exporters before IR version 4 list weights among the inputs.
    inputs: inputs.filter(({ name }) => !initialized.has(name)),
    outputs,
    weights,
    producer: producer.join(" ").trim(),
    opset,
  };
}
