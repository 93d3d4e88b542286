import type { GraphAttribute, GraphNode, GraphTensor } from "./graph.js";
import { type NestedNames, nestedWalk } from "./nested.js";
import { tensorWalk } from "./tensor-message.js";
import { type Field, longestText, type Walk, type Wire } from "./wire.js";

const none: readonly never[] = Object.freeze([]);

/** Walks through a NodeProto. What graphs inside of it name is told to `nested`. */
export function* nodeWalk(
  wire: Wire,
  { start, end }: Field,
  index: number,
  nested: (names: NestedNames) => void,
  done: (node: GraphNode) => void,
): Walk {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes: GraphAttribute[] = [];
  const captured = new Set<string>();
  let [op, domain, name] = ["", "", ""];
  wire.keep(4);

  yield* wire.fields(end, (field) => {
    switch (field.number) {
      case 1:
        wire.keep(1);
        inputs.push(wire.text("an operator's input"));
        break;
      case 2:
        wire.keep(1);
        outputs.push(wire.text("an operator's output"));
        break;
      case 3:
        name = wire.text("an operator's name");
        break;
      case 4:
        op = wire.text("an operator's type");
        break;
      case 5:
        wire.expect(2, "an attribute");
        return attributeWalk(wire, field, hear, (attribute) => attributes.push(attribute));
      case 7:
        domain = wire.text("an operator's domain");
        break;
    }
    return undefined;
  });

  function hear(names: NestedNames): void {
    for (const value of names.used) if (!names.own.has(value)) captured.add(value);
    nested(names);
  }

  done({
    index,
    op,
    domain: domain === "ai.onnx" ? "" : domain,
    name,
    inputs,
    outputs,
    attributes: attributes.length === 0 ? none : attributes,
    captured: captured.size === 0 ? none : [...captured],
    record: { start, end },
  });
}

/** AttributeProto's types that stand for a number, and for a list, which may be left out when 0. */
const numberTypes = [1, 2];
const listTypes = [6, 7];

function* attributeWalk(
  wire: Wire,
  { end }: Field,
  nested: (names: NestedNames) => void,
  done: (attribute: GraphAttribute) => void,
): Walk {
  let [name, type] = ["", 0];
  let number: number | undefined;
  let numbers: number[] | undefined;
  let isLong = false;
  let text: string | undefined;
  let tensor: GraphTensor | undefined;
  const names: NestedNames = { used: new Set(), own: new Set(), locations: new Set() };
  wire.keep(2);

  yield* wire.fields(end, (field) => {
    switch (field.number) {
      case 1:
        name = wire.text("an attribute's name");
        break;
      case 2:
        wire.expect(5, "an attribute's number");
        wire.numbers("float", (value) => {
          number = value;
        });
        break;
      case 3:
        wire.expect(0, "an attribute's number");
        number = field.value;
        break;
      case 4:
        wire.expect(2, "an attribute's text");
        text = field.end - field.content > longestText ? undefined : latin(wire.bytes());
        break;
      case 5:
        wire.expect(2, "an attribute's tensor");
        return tensorWalk(wire, field, (read) => {
          tensor = read;
          if (read.place.kind === "external") names.locations.add(read.place.location);
        });
      case 7:
      case 8: {
        if (field.end - field.content > longestText) {
          isLong = true;
          break;
        }
        numbers ??= [];
        const list = numbers;
        wire.numbers(field.number === 7 ? "float" : "varint", (value) => {
          wire.keep(1);
          list.push(value);
        });
        break;
      }
      case 20:
        wire.expect(0, "an attribute's type");
        type = field.value;
        break;
      default:
        return nestedWalk(wire, "attribute", field, names);
    }
    return undefined;
  });

  if (names.used.size > 0 || names.own.size > 0 || names.locations.size > 0) nested(names);
  if (numberTypes.includes(type)) number ??= 0;
  if (listTypes.includes(type)) numbers ??= [];
  done({
    name,
    ...(number !== undefined && { number }),
    ...(numbers && !isLong && { numbers }),
    ...(text !== undefined && { text }),
    ...(tensor && { tensor }),
  });
}

/** Bytes as characters of the same numbers: an attribute's text need not be UTF-8. */
function latin(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
