import { type FoundNames, nestedWalk } from "./nested.js";
import { walkBytes } from "./wire.js";

/**
 * The files that an ONNX graph's tensors lie in, by the names that the graph has for them: those of
 * graphs inside of operators and of functions included.
 *
 * Weights inside the graph are stepped over, so the time is that of the number of nodes.
 *
 * @param label what errors call the graph.
 * @throws UnderpaintError `model-invalid` for bytes that are no protobuf message or are cut short.
 */
export function externalLocations(bytes: Uint8Array, label: string): ReadonlySet<string> {
  const names: FoundNames = { locations: new Set() };
  walkBytes(bytes, label, (wire) =>
    wire.fields(bytes.length, (field) => nestedWalk(wire, "model", field, names)),
  );
  return names.locations;
}
