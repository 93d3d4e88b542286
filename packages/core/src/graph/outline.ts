import { UnderpaintError } from "../errors.js";
import type { ByteRange } from "./byte-range.js";
import type { GraphEdits } from "./edits.js";
import { join, type NewTensor, varints } from "./encode.js";
import {
  attributeOf,
  type GraphNode,
  type GraphTensor,
  type OnnxGraph,
  type Place,
} from "./graph.js";
import { rewriteOf } from "./rewrite.js";

/** Where an outline finds the weights. */
export interface OutlineOptions {
  /**
   * The name under which the runtime will find a file of weights: the graph's own file for
   * `undefined`, else the file that the graph calls so.
   */
  readonly locate: (file: string | undefined) => string;
  /** Weights inside of the graph from this size on are left in their file; 1024 bytes if left out. */
  readonly fromBytes?: number;
}

/** An outline has what a graph computes; if that takes more than this, it is no graph of ours. */
const mostBytes = 1 << 28;

/**
 * A graph without its weights, with edits applied: a small ONNX file of its own, whose weights are
 * external data that lie where they always did, also those inside of the original file. So a graph
 * of gigabytes is patched without a byte of its weights being read or copied.
 *
 * @param range the file that `graph` was read from.
 * @throws UnderpaintError `invalid-request` for edits that do not fit the graph;
 * `model-unsupported` where more than 256 MiB would be left.
 */
export async function outlineGraph(
  range: ByteRange,
  graph: OnnxGraph,
  edits: GraphEdits,
  { locate, fromBytes = 1024 }: OutlineOptions,
): Promise<Uint8Array> {
  const replaced = new Set(edits.initializers?.map(({ name }) => name));
  const moved: NewTensor[] = [];
  const removed: GraphNode[] = [...(edits.removed ?? [])];

  function move({ type, dims, place }: GraphTensor, name: string): boolean {
    if (place.kind === "encoded" || type.startsWith("type ") || type === "string") return false;
    if (place.kind === "inside" && place.length < fromBytes) return false;
    const file = place.kind === "external" ? place.location : undefined;
    const location = locate(file);
    if (location === file) return false;
    const { offset, length } = place;
    moved.push({
      name,
      type,
      dims,
      data: { location, offset, ...(length !== undefined && { length }) },
    });
    return true;
  }

  for (const tensor of graph.initializers.values()) {
    if (!replaced.has(tensor.name)) move(tensor, tensor.name);
  }
  const edited = new Set([...removed, ...(edits.rewired ?? []).map(({ node }) => node)]);
  for (const node of graph.nodes) {
    // A constant may be an operator's attribute, where no runtime reads external data.
    const tensor = node.op === "Constant" ? attributeOf(node, "value")?.tensor : undefined;
    if (tensor && !edited.has(node) && move(tensor, node.outputs[0] ?? "")) removed.push(node);
  }

  const rewrite = await rewriteOf(range, graph, {
    ...edits,
    removed,
    initializers: [...(edits.initializers ?? []), ...moved],
  });
  const pieces = piecesOf(graph, rewrite.dropped, rewrite.graphFields);
  const size = pieces.reduce((sum, piece) => sum + lengthOf(piece), rewrite.modelFields.length);
  if (size > mostBytes) {
    throw new UnderpaintError({
      code: "model-unsupported",
      what: `${graph.label} takes too much memory even without its weights`,
      value: size,
      allowed: `${mostBytes} bytes`,
      remedy: "export it anew, with its weights as initializers",
    });
  }
  const parts = pieces.map((piece) =>
    piece instanceof Uint8Array ? piece : range.read(piece.start, piece.end - piece.start),
  );
  return join([...(await Promise.all(parts)), rewrite.modelFields]);
}

/** A piece of the new file: bytes, or a place of the old one. */
type Piece = Uint8Array | Place;

function lengthOf(piece: Piece): number {
  return piece instanceof Uint8Array ? piece.length : piece.end - piece.start;
}

/** The old file without what is dropped; the fields come at the end of the graph's last piece. */
function piecesOf(graph: OnnxGraph, dropped: readonly Place[], fields: Uint8Array): Piece[] {
  const pieces: Piece[] = [];
  let at = 0;
  let next = 0;
  for (const [index, { start, content, end }] of graph.places.entries()) {
    pieces.push({ start: at, end: start });
    const inside: Piece[] = [];
    at = content;
    for (let drop = dropped[next]; drop && drop.start < end; drop = dropped[++next]) {
      inside.push({ start: at, end: drop.start });
      at = drop.end;
    }
    inside.push({ start: at, end });
    if (index === graph.places.length - 1) inside.push(fields);
    const length = inside.reduce((sum, piece) => sum + lengthOf(piece), 0);
    pieces.push(varints(7 * 8 + 2, length), ...inside);
    at = end;
  }
  pieces.push({ start: at, end: graph.size });
  return pieces.filter((piece) => lengthOf(piece) > 0);
}
