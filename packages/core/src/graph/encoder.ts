import type { GraphNode, GraphPort, OnnxGraph } from "./graph.js";
import type { Probed } from "./probe.js";
import { behind } from "./skips.js";
import type { Wiring } from "./wiring.js";

const textNames = ["encoder_hidden_states", "encoder_hidden_state", "text_embeddings", "context"];

/**
 * The values that diffusers adds a T2I-Adapter's features to, one for each block of a UNet's
 * encoder (Mou et al. 2023): in a block with cross-attention what its last resnet and attention
 * give, before it is made smaller; in another what the whole block gives.
 *
 * A block ends with what is smaller than all before it. It has cross-attention where something of
 * the text alone meets the picture inside of it.
 *
 * @param kept what the encoder keeps for the up path, in order.
 */
export function encoderValues(
  graph: OnnxGraph,
  wiring: Wiring,
  probed: ReadonlyMap<string, Probed>,
  kept: readonly string[],
): readonly string[] {
  const heightOf = (name: string): number => probed.get(name)?.dims?.[2] ?? 0;
  const meetings = textMeetings(graph, wiring);
  const values: string[] = [];
  let block: string[] = [];
  let before: Uint8Array | undefined = behindValue(graph, wiring, kept[0]);
  for (const [index, value] of kept.entries()) {
    if (index === 0) continue;
    block.push(value);
    const endsSmaller = heightOf(value) < heightOf(kept[index - 1]!);
    if (!endsSmaller && index + 1 < kept.length) continue;
    const whole = behindValue(graph, wiring, value);
    const attends = meetings.some((node) => whole?.[node.index] && !before?.[node.index]);
    values.push(attends && endsSmaller ? (block.at(-2) ?? value) : value);
    before = whole;
    block = [];
  }
  return values;
}

function behindValue(
  graph: OnnxGraph,
  wiring: Wiring,
  name: string | undefined,
): Uint8Array | undefined {
  const producer = name === undefined ? undefined : wiring.producers.get(name);
  return producer && behind(graph, wiring, producer);
}

/** The operators at which what follows from the text alone meets what follows from the picture. */
function textMeetings(graph: OnnxGraph, wiring: Wiring): readonly GraphNode[] {
  const text = textOf(graph);
  if (!text) return [];
  const ofText = new Set([text.name]);
  const ofPicture = new Set(graph.inputs.flatMap(({ name }) => (name === text.name ? [] : name)));
  const meetings: GraphNode[] = [];
  for (const node of wiring.order) {
    // A size is nothing that is said of the text, nor of the picture.
    if (node.op === "Shape" || node.op === "Size") continue;
    const isOfPicture = node.inputs.some((name) => ofPicture.has(name));
    const isOfText = node.inputs.some((name) => ofText.has(name));
    if (isOfPicture && isOfText) meetings.push(node);
    const names = isOfPicture ? ofPicture : isOfText ? ofText : undefined;
    for (const name of names ? node.outputs : []) names!.add(name);
  }
  return meetings;
}

function textOf({ inputs }: OnnxGraph): GraphPort | undefined {
  const sequences = inputs.filter(({ dims }) => dims.length === 3);
  const named = sequences.find(({ name }) => textNames.includes(name));
  return named ?? (sequences.length === 1 ? sequences[0] : undefined);
}
