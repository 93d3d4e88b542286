import { UnderpaintError } from "../errors.js";
import type { ByteRange } from "./byte-range.js";
import { type GraphEdits, type RewiredNode, rewiredNodes } from "./edits.js";
import {
  block,
  join,
  message,
  nodeFields,
  number,
  portFields,
  tensorFields,
  text,
} from "./encode.js";
import type { OnnxGraph, Place } from "./graph.js";
import { walkBytes } from "./wire.js";

/** Edits as changes of a file: records of the graph that go, and fields that come at the end. */
export interface Rewrite {
  /** Fields of the graph that are left out. */
  readonly dropped: readonly Place[];
  /** Fields that the graph gets. */
  readonly graphFields: Uint8Array;
  /** Fields that the model gets. */
  readonly modelFields: Uint8Array;
}

/** An operator larger than this is none that is wired anew, but a weight. */
const mostNodeBytes = 1 << 26;

/**
 * Works out what edits change in a graph's file. A record that changes goes as a whole, and comes
 * again at the end.
 *
 * @throws UnderpaintError `invalid-request` as `rewiredNodes` does.
 */
export async function rewriteOf(
  range: ByteRange,
  graph: OnnxGraph,
  edits: GraphEdits,
): Promise<Rewrite> {
  const dropped: Place[] = [];
  const fields: Uint8Array[] = [];
  for (const rewired of rewiredNodes(graph, edits)) {
    dropped.push(rewired.node.record);
    fields.push(await rewiredRecord(range, graph, rewired));
  }
  for (const { record } of new Set(edits.removed)) dropped.push(record);
  for (const tensor of edits.initializers ?? []) {
    const previous = graph.initializers.get(tensor.name);
    if (previous) dropped.push(previous.record);
    fields.push(block(5, tensorFields(tensor)));
  }
  for (const node of edits.nodes ?? []) fields.push(block(1, nodeFields(node)));
  for (const port of edits.inputs ?? []) fields.push(block(11, portFields(port)));
  for (const port of edits.outputs ?? []) fields.push(block(12, portFields(port)));
  const opsets = Object.entries(edits.opsets ?? {}).map(([domain, version]) => {
    const present = graph.opsets.get(domain);
    if (present !== undefined && present !== version) {
      throw new UnderpaintError({
        code: "invalid-request",
        what: `an edit of ${graph.label} changes the version of the operators of ${JSON.stringify(domain)}`,
        value: version,
        allowed: String(present),
      });
    }
    return present === undefined
      ? message(8, text(1, domain), number(2, version))
      : new Uint8Array();
  });
  dropped.sort((a, b) => a.start - b.start);
  return { dropped, graphFields: join(fields), modelFields: join(opsets) };
}

/** The node's record with other inputs and outputs, all else as it was. */
async function rewiredRecord(
  range: ByteRange,
  graph: OnnxGraph,
  { node, inputs, outputs }: RewiredNode,
): Promise<Uint8Array> {
  const { start, end } = node.record;
  if (end - start > mostNodeBytes) {
    throw new UnderpaintError({
      code: "model-unsupported",
      what: `${graph.label} has an operator of ${end - start} bytes that cannot be wired anew`,
      allowed: `${mostNodeBytes} bytes`,
      remedy: "export the graph with its weights apart from its operators",
    });
  }
  const bytes = await range.read(start, end - start);
  const kept: Uint8Array[] = [];
  walkBytes(bytes, graph.label, (wire) =>
    wire.fields(bytes.length, ({ content, end: whole }) =>
      wire.fields(whole, (field) => {
        if (field.number > 2) kept.push(bytes.subarray(field.start, field.end));
        void content;
        return undefined;
      }),
    ),
  );
  return message(
    1,
    ...inputs.map((name) => text(1, name)),
    ...outputs.map((name) => text(2, name)),
    ...kept,
  );
}
