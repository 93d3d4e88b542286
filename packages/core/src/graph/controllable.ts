import { UnderpaintError } from "../errors.js";
import type { GraphEdits, NewNode } from "./edits.js";
import { freshNames } from "./edits.js";
import type { GraphNode, GraphPort, OnnxGraph } from "./graph.js";
import { type Probed, probeGraph } from "./probe.js";
import { findJoints } from "./skips.js";
import { type Use, type Wiring, wireGraph } from "./wiring.js";

/** An input through which a ControlNet adds to what a UNet computes. */
export interface ResidualPort extends GraphPort {
  readonly channels: number;
  /** How many times smaller than the latents its sides are: 1, 2, 4, 8. */
  readonly downscale: number;
}

/** A UNet that takes a ControlNet's residuals. */
export interface ControllableUNet {
  /** What to change in the graph; undefined where it has residual inputs already. */
  readonly edits: GraphEdits | undefined;
  /**
   * In the order of diffusers' `down_block_res_samples`: what the first convolution gives, then
   * each resnet (with its attention) and downsampler.
   */
  readonly down: readonly ResidualPort[];
  readonly mid: ResidualPort;
}

/**
 * Makes a plain UNet export take a ControlNet's residuals (Zhang et al. 2023): adds the inputs
 * `down_block_{i}_additional_residual` and `mid_block_additional_residual`, and the additions,
 * where diffusers' UNet2DConditionModel has them: to what the up path takes in of the down path,
 * not to the down path itself, and to the middle block's end.
 *
 * The joints are found by the graph's structure, whatever its names, so the graphs of both of
 * torch's exporters will do, and UNets of other sizes than Stable Diffusion's. Residuals have the
 * element type of the graph's latents, and are cast inside where it computes in another. Zeros
 * change nothing, to the bit; `[1, channels, 1, 1]` of them is enough, since additions broadcast.
 *
 * @throws UnderpaintError `model-unsupported` for a graph that is no UNet with visible skip
 * connections; `model-invalid` for one that is not sound.
 */
export function makeControllable(graph: OnnxGraph): ControllableUNet {
  const wiring = wireGraph(graph);
  const latents = latentsOf(graph);
  const probed = probeGraph(graph, wiring, sizesFor(latents));
  const given = graph.inputs.filter(({ name }) => residualName.test(name));
  if (given.length > 0) return alreadyControllable(graph, wiring, probed, latents, given);

  const { skips, middle } = findJoints(graph, wiring, probed);
  const freshName = freshNames(graph);
  const nodes: NewNode[] = [];
  const rewired: NonNullable<GraphEdits["rewired"]>[number][] = [];

  function addition(name: string, use: Use): ResidualPort {
    const value = use.node.inputs[use.input]!;
    const { type = latents.type, dims } = probed.get(value) as Probed & { dims: readonly number[] };
    const port = portOf(graph, latents, probed, name, dims);
    let residual = name;
    if (port.type !== type) {
      residual = freshName(`${name}_cast`);
      const to = { name: "to", elementType: type };
      nodes.push({ op: "Cast", inputs: [name], outputs: [residual], attributes: [to] });
    }
    const sum = freshName(`${name}_sum`);
    nodes.push({ op: "Add", inputs: [value, residual], outputs: [sum] });
    rewired.push({ ...use, to: sum });
    return port;
  }

  const down = skips.map((use, index) => addition(`down_block_${index}_additional_residual`, use));
  const mid = addition("mid_block_additional_residual", middle);
  return { edits: { rewired, nodes, inputs: [...down, mid] }, down, mid };
}

/** Names of residual inputs as exporters have them, all that were seen. */
const residualName = /^(?:down_block_(\d+)|mid_block)(?:_additional_residual)?$/;
const latentNames = ["sample", "latent_sample", "latent_model_input", "latents", "latent", "x"];
const floats = ["float32", "float16", "bfloat16", "float64"];

function latentsOf(graph: OnnxGraph): GraphPort {
  const pictures = graph.inputs.filter(
    ({ name, type, dims }) =>
      dims.length === 4 && floats.includes(type) && !residualName.test(name),
  );
  const named = pictures.find(({ name }) => latentNames.includes(name));
  const latents = named ?? (pictures.length === 1 ? pictures[0] : undefined);
  if (latents) return latents;
  const names = graph.inputs.map(({ name }) => name).join(", ");
  throw unsupported(graph, `none of its inputs is known for its latents (${names || "no inputs"})`);
}

/** Latents of any size can be divided by two nine times; other axes only have to be told apart. */
const [probeBatch, probeHeight, probeWidth, probeTokens] = [2, 512, 1024, 77];

/** Sizes to try the graph with: those it has, and ours where any will do. */
function sizesFor(latents: GraphPort): (port: GraphPort) => readonly number[] | undefined {
  const byName = new Map<string, number>();
  const sized = ({ dims }: GraphPort): number[] => {
    const defaults =
      dims.length === 4
        ? [probeBatch, 4, probeHeight, probeWidth]
        : [probeBatch, dims.length === 3 ? probeTokens : 8, 8];
    return dims.map((size, axis) => {
      if (typeof size === "number") return size;
      const tried = byName.get(size) ?? defaults[axis] ?? 1;
      if (size !== "?") byName.set(size, tried);
      return tried;
    });
  };
  const ofLatents = sized(latents);
  return (port) => {
    if (port === latents) return ofLatents;
    // A residual's size is found from what it is added to.
    return residualName.test(port.name) ? undefined : sized(port);
  };
}

function portOf(
  graph: OnnxGraph,
  latents: GraphPort,
  probed: ReadonlyMap<string, Probed>,
  name: string,
  dims: readonly number[],
): ResidualPort {
  const whole = probed.get(latents.name)!.dims!;
  const [, channels = 0, height = 0, width = 0] = dims;
  const downscale = 2 ** Math.round(Math.log2(whole[2]! / height));
  const across = 2 ** Math.round(Math.log2(whole[3]! / width));
  if (downscale !== across || downscale < 1 || !Number.isFinite(downscale)) {
    throw unsupported(graph, `${name} would be ${height} × ${width} for ${whole[2]} × ${whole[3]}`);
  }
  return {
    name,
    type: latents.type,
    // Names of its own: by a name that the latents have too, the runtime would take a residual for
    // as large as they are, and `[1, channels, 1, 1]` would end in the wrong buffer.
    dims: dims.map((size, axis) =>
      axis === 1 || typeof latents.dims[axis] === "number"
        ? size
        : `${name.replace("_additional_residual", "")}_${axisNames[axis]}`,
    ),
    channels,
    downscale,
  };
}

const axisNames = ["batch", "channels", "height", "width"];

function alreadyControllable(
  graph: OnnxGraph,
  wiring: Wiring,
  probed: ReadonlyMap<string, Probed>,
  latents: GraphPort,
  given: readonly GraphPort[],
): ControllableUNet {
  const ports = new Map<number, ResidualPort>();
  for (const port of given) {
    const index = Number(residualName.exec(port.name)?.[1] ?? -1);
    const dims = sizeAddedTo(wiring, probed, port.name);
    if (!dims) throw unsupported(graph, `its input ${port.name} is added to nothing that is known`);
    const { channels, downscale } = portOf(graph, latents, probed, port.name, dims);
    ports.set(index, { ...port, channels, downscale });
  }
  const mid = ports.get(-1);
  const down = given.slice(1).map((_, index) => ports.get(index));
  const isWhole = (all: typeof down): all is ResidualPort[] => all.every((port) => port);
  if (mid && ports.size === given.length && down.length > 0 && isWhole(down)) {
    return { edits: undefined, down, mid };
  }
  const names = given.map(({ name }) => name).join(", ");
  throw unsupported(graph, `its residual inputs are not a whole set (${names})`);
}

/** The size of what a residual is added to, by way of a cast or a scale or two. */
function sizeAddedTo(
  wiring: Wiring,
  probed: ReadonlyMap<string, Probed>,
  residual: string,
): readonly number[] | undefined {
  let name: string | undefined = residual;
  for (let step = 0; step < 4 && name !== undefined; step++) {
    const node: GraphNode | undefined = wiring.uses.get(name)?.[0]?.node;
    if (!node || !["Add", "Mul", "Div", "Cast", "Identity"].includes(node.op)) return undefined;
    const dims = probed.get(node.outputs[0]!)?.dims;
    if (dims?.length === 4) return dims;
    name = node.outputs[0];
  }
  return undefined;
}

function unsupported(graph: OnnxGraph, why: string): UnderpaintError {
  return new UnderpaintError({
    code: "model-unsupported",
    what: `${graph.label} cannot be made to take a ControlNet's residuals: ${why}`,
    remedy: "use an export of a UNet of Stable Diffusion, by diffusers' class",
  });
}
