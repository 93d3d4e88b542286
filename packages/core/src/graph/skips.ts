import { UnderpaintError } from "../errors.js";
import { attributeOf, type GraphNode, type OnnxGraph } from "./graph.js";
import type { Probed } from "./probe.js";
import { describe, type Use, type Wiring } from "./wiring.js";

/** The joints of a UNet. */
export interface UNetJoints {
  /** Where the up path takes in what the down path kept, in the order in which that was kept. */
  readonly skips: readonly Use[];
  /** Where the up path takes in the middle block's end. */
  readonly middle: Use;
}

/** A concatenation along the channels, by which of its inputs is which. */
interface Junction {
  readonly node: GraphNode;
  /** Where the up path comes in, and where the skip connection. */
  readonly up: number;
  readonly skip: number;
  /** The operators before the up path, and those before the skip connection. */
  readonly beforeUp: Uint8Array;
  readonly beforeSkip: Uint8Array;
}

/** Of more no UNet has, and each costs a walk over the graph. */
const mostJunctions = 64;

/**
 * Finds the joints of a UNet (Ronneberger et al. 2015) in its graph: the concatenations of two
 * pictures of one size along the channels of which one follows from the other. That other was kept
 * on the way down; what is kept last is taken in first.
 *
 * @param probed what is known of the graph's values.
 * @throws UnderpaintError `model-unsupported` where there are none, or they do not nest as a UNet's.
 */
export function findJoints(
  graph: OnnxGraph,
  wiring: Wiring,
  probed: ReadonlyMap<string, Probed>,
): UNetJoints {
  const candidates = wiring.order.filter((node) => mayJoinPictures(node, probed));
  if (candidates.length > mostJunctions) {
    throw noUNet(graph, `it joins pictures at ${candidates.length} places`);
  }
  const junctions = candidates.flatMap((node) => junctionOf(graph, wiring, node) ?? []);
  const first = junctions[0];
  if (!first) {
    const hidden = [...graph.functions].slice(0, 3).join(", ");
    throw noUNet(
      graph,
      hidden === ""
        ? "no skip connections were found in it"
        : `its operators are hidden in functions (${hidden})`,
    );
  }
  for (const [index, junction] of junctions.entries()) {
    const { node, up, skip } = junction;
    const needed = [node.inputs[skip]!, ...(junction === first ? [node.inputs[up]!] : [])];
    if (needed.some((name) => probed.get(name)?.dims === undefined)) {
      throw noUNet(graph, `the shape of what ${describe(node)} joins could not be found`);
    }
    const next = junctions[index + 1];
    if (!next) break;
    const kept = wiring.producers.get(next.node.inputs[next.skip]!);
    const follows = next.beforeUp[junction.node.index] === 1;
    const nests = kept !== undefined && junction.beforeSkip[kept.index] === 1;
    if (!follows || !nests) throw noUNet(graph, "its skip connections do not nest as a UNet's");
  }
  return {
    skips: junctions.map(({ node, skip }) => ({ node, input: skip })).reverse(),
    middle: { node: first.node, input: first.up },
  };
}

/** Whether a node may join two pictures along their channels, by what is known of their shapes. */
function mayJoinPictures(node: GraphNode, probed: ReadonlyMap<string, Probed>): boolean {
  if (node.op !== "Concat" || node.domain !== "" || node.inputs.length !== 2) return false;
  const axis = attributeOf(node, "axis")?.number;
  if (axis !== 1 && axis !== -3) return false;
  const [a, b] = node.inputs.map((name) => probed.get(name)?.dims);
  if ((a && a.length !== 4) || (b && b.length !== 4)) return false;
  return !a || !b || [0, 2, 3].every((at) => a[at] === b[at]);
}

function junctionOf(graph: OnnxGraph, wiring: Wiring, node: GraphNode): Junction | undefined {
  const [a, b] = node.inputs as [string, string];
  const [ofA, ofB] = [wiring.producers.get(a), wiring.producers.get(b)];
  if (!ofA || !ofB) return undefined;
  const [beforeA, beforeB] = [behind(graph, wiring, ofA), behind(graph, wiring, ofB)];
  // Without a middle block both are one value; the up path then comes first, as in diffusers.
  if (beforeA[ofB.index]) return { node, up: 0, skip: 1, beforeUp: beforeA, beforeSkip: beforeB };
  if (beforeB[ofA.index]) return { node, up: 1, skip: 0, beforeUp: beforeB, beforeSkip: beforeA };
  return undefined;
}

/**
 * The operators that a value was computed from, the last one included. What only its shape was
 * taken of is not among them: one picture may be resized to the size of another.
 */
export function behind(graph: OnnxGraph, wiring: Wiring, last: GraphNode): Uint8Array {
  const found = new Uint8Array(graph.nodes.length);
  found[last.index] = 1;
  const open = [last];
  for (let node = open.pop(); node; node = open.pop()) {
    if (node.op === "Shape" || node.op === "Size") continue;
    for (const name of node.inputs) {
      const producer = wiring.producers.get(name);
      if (!producer || found[producer.index]) continue;
      found[producer.index] = 1;
      open.push(producer);
    }
  }
  return found;
}

function noUNet(graph: OnnxGraph, why: string): UnderpaintError {
  return new UnderpaintError({
    code: "model-unsupported",
    what: `${graph.label} cannot be made to take a ControlNet's residuals: ${why}`,
    allowed: "a UNet as diffusers has them, exported without fusing its operators",
    remedy: "use a plain export of the UNet, or one that has residual inputs already",
  });
}
