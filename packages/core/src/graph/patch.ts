import { UnderpaintError } from "../errors.js";
import type { ByteRange } from "./byte-range.js";
import type { GraphEdits } from "./edits.js";
import { block, join } from "./encode.js";
import type { OnnxGraph, Place } from "./graph.js";
import { rewriteOf } from "./rewrite.js";

/** Edits as changes of a file that leave everything where it is: a few bytes, and a tail. */
export interface GraphPatch {
  /** Bytes that take the place of as many others, by their offset in the file. */
  readonly replaced: readonly { readonly offset: number; readonly bytes: Uint8Array }[];
  /** Bytes that follow the file's last. */
  readonly tail: Uint8Array;
}

/** protobuf reads no message of 2 GB or more. */
const mostBytes = 2 ** 31 - 1;

/**
 * Applies edits to a graph as a patch of its file, without reading or moving its weights.
 *
 * The tail is a second piece of the model's message; protobuf merges messages that follow each
 * other, so operators, inputs and constants of it join those of the first. What goes is made into a
 * field of a number that ONNX reserves, by its tag alone, which readers step over.
 *
 * @param range the file that `graph` was read from.
 * @throws UnderpaintError `invalid-request` for edits that do not fit the graph;
 * `model-unsupported` where the file would be too large for protobuf.
 */
export async function patchGraph(
  range: ByteRange,
  graph: OnnxGraph,
  edits: GraphEdits,
): Promise<GraphPatch> {
  const { dropped, graphFields, modelFields } = await rewriteOf(range, graph, edits);
  const replaced = await Promise.all(
    dropped.map(async (place) => ({
      offset: place.start,
      bytes: reservedTag(await range.read(place.start, 10), place),
    })),
  );
  const tail = join([graphFields.length > 0 ? block(7, graphFields) : graphFields, modelFields]);
  if (graph.size + tail.length > mostBytes) {
    throw new UnderpaintError({
      code: "model-unsupported",
      what: `${graph.label} would be too large for its format with what is added to it`,
      value: graph.size + tail.length,
      allowed: `${mostBytes} bytes`,
      remedy: "export it with its weights in another file",
    });
  }
  return { replaced, tail };
}

/** A patched copy of a graph's bytes. */
export function applyPatch(bytes: Uint8Array, { replaced, tail }: GraphPatch): Uint8Array {
  const patched = join([bytes, tail]);
  for (const { offset, bytes } of replaced) patched.set(bytes, offset);
  return patched;
}

/** A field of GraphProto that ONNX reserves, of length and bytes. */
const reservedField = 9 * 8 + 2;

/** The tag of the reserved field in as many bytes as the record's own tag has. */
function reservedTag(head: Uint8Array, { start }: Place): Uint8Array {
  const length = head.findIndex((byte) => byte < 128) + 1;
  if (length === 0) throw new RangeError(`no tag at byte ${start}`);
  const tag = new Uint8Array(length).fill(128);
  tag[0] = reservedField | (length > 1 ? 128 : 0);
  if (length > 1) tag[length - 1] = 0;
  return tag;
}
