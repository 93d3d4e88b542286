import { UnderpaintError } from "../errors.js";

/** Which fields of an ONNX message lead on to a tensor, by field number (onnx.proto3). */
interface Message {
  readonly [field: number]: Message | "entry";
}

const tensor: Message = { 13: "entry" };
const sparseTensor: Message = { 1: tensor, 2: tensor };
const attribute: { [field: number]: Message } = {
  5: tensor,
  10: tensor,
  22: sparseTensor,
  23: sparseTensor,
};
const node: Message = { 5: attribute };
const graph: Message = { 1: node, 5: tensor, 15: sparseTensor };
attribute[6] = graph;
attribute[11] = graph;
const model: Message = {
  7: graph,
  20: { 1: graph, 2: graph },
  25: { 7: node, 11: attribute },
};

/** As deep as protobuf itself reads. */
const deepest = 100;

/**
 * The files that an ONNX graph's tensors lie in, by the names that the graph has for them.
 *
 * Walks the protobuf message without decoding it: weights inside the graph are stepped over, so
 * the time is that of the number of nodes.
 *
 * @throws UnderpaintError `model-invalid` for bytes that are no protobuf message or are cut short.
 */
export function externalLocations(bytes: Uint8Array, label: string): ReadonlySet<string> {
  const found = new Set<string>();
  const text = new TextDecoder();
  let at = 0;

  function broken(): never {
    throw new UnderpaintError({
      code: "model-invalid",
      what: `${label} is no ONNX graph, or is cut short`,
      value: bytes,
      remedy: "fetch the file again",
    });
  }

  function varint(): number {
    let value = 0;
    for (let shift = 0; shift < 10; shift++) {
      const byte = bytes[at++];
      if (byte === undefined) broken();
      value += (byte & 127) * 2 ** (7 * shift);
      if (byte < 128) return value;
    }
    return broken();
  }

  function fields(end: number, visit: (field: number, end: number) => void): void {
    while (at < end) {
      const tag = varint();
      const [field, wireType] = [Math.floor(tag / 8), tag % 8];
      let stop = at;
      if (wireType === 0) {
        varint();
        continue;
      }
      if (wireType === 1) stop += 8;
      else if (wireType === 5) stop += 4;
      else if (wireType === 2) {
        const length = varint();
        stop = at + length;
      } else broken();
      if (stop > end) broken();
      if (wireType === 2) visit(field, stop);
      at = stop;
    }
    if (at !== end) broken();
  }

  function entry(end: number): void {
    let [key, value] = ["", ""];
    fields(end, (field, stop) => {
      if (field === 1) key = text.decode(bytes.subarray(at, stop));
      if (field === 2) value = text.decode(bytes.subarray(at, stop));
    });
    if (key === "location") found.add(value);
  }

  function walk(message: Message, end: number, depth: number): void {
    if (depth > deepest) broken();
    fields(end, (field, stop) => {
      const inner = message[field];
      if (inner === "entry") entry(stop);
      else if (inner) walk(inner, stop, depth + 1);
    });
  }

  walk(model, bytes.length, 0);
  return found;
}
