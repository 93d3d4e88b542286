import type { ByteRange } from "./byte-range.js";
import type { GraphNode, GraphPlace, GraphPort, GraphTensor, OnnxGraph } from "./graph.js";
import { type NestedNames, nestedWalk } from "./nested.js";
import { nodeWalk } from "./node-message.js";
import { portWalk } from "./port-message.js";
import { tensorWalk } from "./tensor-message.js";
import { type Field, type Walk, type Wire, walkBytes, walkRange } from "./wire.js";

/** How {@link readGraph} reads. */
export interface ReadGraphOptions {
  /** What errors call the graph: "unet/model.onnx". */
  readonly label?: string;
  /** False steps over the operators, for who wants inputs, outputs and weights alone. */
  readonly nodes?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Reads an ONNX file (a ModelProto, onnx.proto3) of up to 2 GB: operators, inputs and outputs,
 * and where its weights are. Weights are stepped over, so that the time and memory are those of
 * the operators.
 *
 * The file may come from a stranger: what is no sound message, names what cannot be, or would take
 * more memory than any graph of ours, is refused. Whether its operators fit together is another
 * question, see `wireGraph`.
 *
 * @throws UnderpaintError `model-invalid`, naming the graph and what is wrong.
 */
export async function readGraph(
  range: ByteRange,
  { label = "the graph", nodes = true, signal }: ReadGraphOptions = {},
): Promise<OnnxGraph> {
  const parts = emptyParts();
  await walkRange(range, label, (wire) => modelWalk(wire, parts, nodes), signal);
  return assembled(parts, label, range.size);
}

/** As {@link readGraph}, of bytes in memory. */
export function readGraphBytes(
  bytes: Uint8Array,
  { label = "the graph", nodes = true }: ReadGraphOptions = {},
): OnnxGraph {
  const parts = emptyParts();
  walkBytes(bytes, label, (wire) => modelWalk(wire, parts, nodes));
  return assembled(parts, label, bytes.length);
}

type Parts = ReturnType<typeof emptyParts>;

function emptyParts() {
  return {
    irVersion: undefined as number | undefined,
    producer: [] as string[],
    opsets: new Map<string, number>(),
    nodes: [] as GraphNode[],
    inputs: [] as GraphPort[],
    outputs: [] as GraphPort[],
    valueInfo: new Map<string, GraphPort>(),
    initializers: new Map<string, GraphTensor>(),
    sparseInitializers: new Set<string>(),
    functions: new Set<string>(),
    nestedNames: new Set<string>(),
    nestedLocations: new Set<string>(),
    places: [] as GraphPlace[],
  };
}

function assembled(parts: Parts, label: string, size: number): OnnxGraph {
  const { inputs, producer, ...rest } = parts;
  return {
    ...rest,
    label,
    size,
    producer: producer.join(" ").trim(),
    // Exporters before IR version 4 list weights among the inputs.
    inputs: inputs.filter(({ name }) => !parts.initializers.has(name)),
  };
}

/** A file of 2 GB or more is none that protobuf reads. */
const mostBytes = 2 ** 31 - 1;
const mostNodes = 250_000;

function* modelWalk(wire: Wire, parts: Parts, withNodes: boolean): Walk {
  if (wire.size === 0) wire.broken("the file is empty");
  if (wire.size > mostBytes) {
    wire.broken(`it takes ${wire.size} bytes, and protobuf reads ${mostBytes} at the most`);
  }
  yield* wire.fields(wire.size, (field) => {
    switch (field.number) {
      case 1:
        wire.expect(0, "the file's version");
        parts.irVersion = field.value;
        break;
      case 2:
      case 3:
        parts.producer.push(wire.text("the producer").slice(0, 80));
        wire.keep(1);
        break;
      case 7:
        wire.expect(2, "the graph");
        parts.places.push({ start: field.start, content: field.content, end: field.end });
        wire.keep(1);
        return graphWalk(wire, field, parts, withNodes);
      case 8:
        wire.expect(2, "an operator set");
        return opsetWalk(wire, field, parts);
      case 20: {
        wire.expect(2, "training information");
        const names = nestedNames(parts);
        return nestedWalk(wire, "model", field, names);
      }
      case 25:
        wire.expect(2, "a function");
        return functionWalk(wire, field, parts);
    }
    return undefined;
  });
  if (parts.places.length === 0) wire.broken("it holds no graph");
}

/** Where what is nested in the file tells its names to. */
function nestedNames({ nestedNames: own, nestedLocations: locations }: Parts): NestedNames {
  return { used: own, own, locations };
}

function* graphWalk(wire: Wire, { end }: Field, parts: Parts, withNodes: boolean): Walk {
  const hear = ({ used, own, locations }: NestedNames): void => {
    for (const name of used) parts.nestedNames.add(name);
    for (const name of own) parts.nestedNames.add(name);
    for (const location of locations) parts.nestedLocations.add(location);
  };
  yield* wire.fields(end, (field) => {
    switch (field.number) {
      case 1:
        if (!withNodes) break;
        wire.expect(2, "an operator");
        if (parts.nodes.length === mostNodes)
          wire.broken(`it has more than ${mostNodes} operators`);
        return nodeWalk(
          wire,
          field,
          parts.nodes.length,
          hear,
          (node) => void parts.nodes.push(node),
        );
      case 5:
        wire.expect(2, "a weight");
        return tensorWalk(wire, field, (tensor) => {
          if (parts.initializers.has(tensor.name)) twice(wire, "weights", tensor.name);
          parts.initializers.set(tensor.name, tensor);
        });
      case 11:
      case 12:
        wire.expect(2, "an input or output");
        return portWalk(wire, field, portsOf(field, parts));
      case 13:
        wire.expect(2, "what is said of a value");
        return portWalk(wire, field, (port) => parts.valueInfo.set(port.name, port));
      case 15:
        wire.expect(2, "a sparse weight");
        return sparseWalk(wire, field, parts);
    }
    return undefined;
  });
}

/** Where the field's port goes; asked before the walk moves on. */
function portsOf({ number }: Field, { inputs, outputs }: Parts): (port: GraphPort) => void {
  const ports = number === 11 ? inputs : outputs;
  return (port) => void ports.push(port);
}

function twice(wire: Wire, what: string, name: string): never {
  return wire.broken(`two of its ${what} are called ${JSON.stringify(name.slice(0, 80))}`);
}

function sparseWalk(wire: Wire, { end }: Field, parts: Parts): Walk {
  return wire.fields(end, (field) => {
    if (field.number !== 1) return undefined;
    wire.expect(2, "a sparse weight");
    return tensorWalk(wire, field, ({ name, place }) => {
      parts.sparseInitializers.add(name);
      if (place.kind === "external") parts.nestedLocations.add(place.location);
    });
  });
}

function* opsetWalk(wire: Wire, { end }: Field, parts: Parts): Walk {
  let [domain, version] = ["", 0];
  wire.keep(2);
  yield* wire.fields(end, (field) => {
    if (field.number === 1) domain = wire.text("an operator set's domain");
    if (field.number === 2) {
      wire.expect(0, "an operator set's version");
      version = field.value;
    }
    return undefined;
  });
  parts.opsets.set(domain === "ai.onnx" ? "" : domain, version);
}

function* functionWalk(wire: Wire, { end }: Field, parts: Parts): Walk {
  let [name, domain] = ["", ""];
  const names = nestedNames(parts);
  wire.keep(2);
  yield* wire.fields(end, (field) => {
    if (field.number === 1) name = wire.text("a function's name");
    if (field.number === 10) domain = wire.text("a function's domain");
    return nestedWalk(wire, "function", field, names);
  });
  parts.functions.add(`${domain}:${name}`);
}
