import { UnderpaintError } from "../errors.js";
import type { GraphEdits, NewNode } from "./edits.js";
import { freshNames } from "./edits.js";
import { encoderValues } from "./encoder.js";
import type { GraphNode, GraphPort, OnnxGraph } from "./graph.js";
import { type Probed, probeGraph } from "./probe.js";
import { findJoints } from "./skips.js";
import { type Use, type Wiring, wireGraph } from "./wiring.js";

/** An input through which a ControlNet or a T2I-Adapter adds to what a UNet computes. */
export interface ResidualPort extends GraphPort {
  readonly channels: number;
  /** How many times smaller than the latents its sides are: 1, 2, 4, 8. */
  readonly downscale: number;
}

/** What a UNet is made to take. */
export interface ControllableOptions {
  /**
   * A T2I-Adapter's features as well. Not without need: zeros change nothing of what is computed,
   * but where an addition stands inside the encoder, the runtime may join other operators than
   * before, and the last bits of the output differ from the plain graph's.
   */
  readonly features?: boolean;
}

/** A UNet that takes a ControlNet's residuals and a T2I-Adapter's features. */
export interface ControllableUNet {
  /** What to change in the graph; undefined where it has all these inputs already. */
  readonly edits: GraphEdits | undefined;
  /**
   * In the order of diffusers' `down_block_res_samples`: what the first convolution gives, then
   * each resnet (with its attention) and downsampler.
   */
  readonly down: readonly ResidualPort[];
  readonly mid: ResidualPort;
  /**
   * diffusers' `down_intrablock_additional_residuals`: one for each block of the encoder, and one
   * for the middle block's end, where an adapter for Stable Diffusion XL has its fourth. Empty
   * where they were not asked for, or the graph cannot be given them.
   */
  readonly encoder: readonly ResidualPort[];
}

/**
 * Makes a plain UNet export take a ControlNet's residuals (Zhang et al. 2023): adds the inputs
 * `down_block_{i}_additional_residual` and `mid_block_additional_residual`, and the additions,
 * where diffusers' UNet2DConditionModel has them: to what the up path takes in of the down path,
 * not to the down path itself, and to the middle block's end. If asked for, further the inputs
 * `down_intrablock_additional_residual_{i}` of T2I-Adapters (Mou et al. 2023), which are added
 * inside of the down path, so that all that follows sees them: see {@link encoderValues}.
 *
 * The joints are found by the graph's structure, whatever its names, so the graphs of both of
 * torch's exporters will do, and UNets of other sizes than Stable Diffusion's. Residuals have the
 * element type of the graph's latents, and are cast inside where it computes in another. Zeros
 * as residuals change nothing, to the bit; `[1, channels, 1, 1]` of them is enough, since additions broadcast.
 *
 * @throws UnderpaintError `model-unsupported` for a graph that is no UNet with visible skip
 * connections; `model-invalid` for one that is not sound.
 */
export function makeControllable(
  graph: OnnxGraph,
  { features = false }: ControllableOptions = {},
): ControllableUNet {
  const wiring = wireGraph(graph);
  const latents = latentsOf(graph);
  const probed = probeGraph(graph, wiring, sizesFor(latents));
  const given = graph.inputs.filter(({ name }) => residualName.test(name));
  if (given.length > 0) {
    return alreadyControllable(graph, wiring, probed, latents, given, features);
  }

  const { skips, middle } = findJoints(graph, wiring, probed);
  const add = additions(graph, latents, probed);
  const joined = (use: Use): string => use.node.inputs[use.input]!;
  const encoder = features
    ? add.features(
        wiring,
        encoderValues(graph, wiring, probed, skips.map(joined)),
        joined(middle),
        [...skips, middle],
      )
    : [];
  const down = skips.map((use, index) => add.residual(`down_block_${index}${additional}`, use));
  const mid = add.residual(`mid_block${additional}`, middle);
  return { edits: add.edits([...down, mid, ...encoder]), down, mid, encoder };
}

const additional = "_additional_residual";

/** Collects the edits that add inputs to values of a graph. */
function additions(graph: OnnxGraph, latents: GraphPort, probed: ReadonlyMap<string, Probed>) {
  const freshName = freshNames(graph);
  const nodes: NewNode[] = [];
  const rewired: NonNullable<GraphEdits["rewired"]>[number][] = [];
  const featured = new Map<string, string>();

  /** The sum of a value and an input of that name, which is made here. */
  function sumOf(value: string, name: string, to: string): [ResidualPort, string] {
    const { type = latents.type, dims } = probed.get(to) as Probed & { dims: readonly number[] };
    const port = portOf(graph, latents, probed, name, dims);
    let residual = name;
    if (port.type !== type) {
      residual = freshName(`${name}_cast`);
      const cast = { name: "to", elementType: type };
      nodes.push({ op: "Cast", inputs: [name], outputs: [residual], attributes: [cast] });
    }
    const sum = freshName(`${name}_sum`);
    nodes.push({ op: "Add", inputs: [value, residual], outputs: [sum] });
    return [port, sum];
  }

  return {
    residual(name: string, use: Use): ResidualPort {
      const value = use.node.inputs[use.input]!;
      const [port, sum] = sumOf(featured.get(value) ?? value, name, value);
      rewired.push({ ...use, to: sum });
      return port;
    },
    /** Every use of the values sees the sums; those at the joints by way of their own. */
    features(
      wiring: Wiring,
      values: readonly string[],
      middle: string,
      joints: readonly Use[],
    ): ResidualPort[] {
      const all = new Set([...values, middle]);
      // What the graph gives away, or an operator hides, could not be changed everywhere.
      const isHidden = (name: string): boolean =>
        graph.nestedNames.has(name) || graph.outputs.some((output) => output.name === name);
      if (new Set(values).size < values.length || [...all].some(isHidden)) return [];
      return [...all].map((value, index) => {
        const [port, sum] = sumOf(value, `down_intrablock${additional}_${index}`, value);
        featured.set(value, sum);
        for (const use of wiring.uses.get(value) ?? []) {
          const isJoint = joints.some(
            ({ node, input }) => node === use.node && input === use.input,
          );
          if (!isJoint) rewired.push({ ...use, to: sum });
        }
        return port;
      });
    },
    edits: (inputs: readonly GraphPort[]): GraphEdits => ({ rewired, nodes, inputs }),
  };
}

/** Names of residual inputs as exporters have them, all that were seen. */
const residualName =
  /^(?:down_block_(\d+)|mid_block|down_intrablock_(?:additional_residual_)?(\d+))(?:_additional_residual)?$/;
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
        : `${name.replace(additional, "")}_${axisNames[axis]}`,
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
  features: boolean,
): ControllableUNet {
  const found = given.map((port) => {
    const place = placeOfSum(wiring, probed, port.name);
    if (!place) {
      throw unsupported(graph, `its input ${port.name} is added to nothing that is known`);
    }
    const { channels, downscale } = portOf(graph, latents, probed, port.name, place.dims);
    return { port: { ...port, channels, downscale }, value: place.value };
  });
  /** Those whose name has the index in this group, if their indices are whole. */
  const inOrder = (group: number): typeof found => {
    const indexOf = ({ port }: (typeof found)[number]): number =>
      Number(residualName.exec(port.name)?.[group] ?? -1);
    const ordered = found
      .filter((one) => indexOf(one) >= 0)
      .sort((a, b) => indexOf(a) - indexOf(b));
    return ordered.every((one, index) => indexOf(one) === index) ? ordered : [];
  };
  const [down, encoder] = [inOrder(1), inOrder(2)];
  const mid = found.find(({ port }) => port.name.startsWith("mid_block"));
  if (!mid || down.length === 0 || down.length + encoder.length + 1 !== found.length) {
    const names = given.map(({ name }) => name).join(", ");
    throw unsupported(graph, `its residual inputs are not a whole set (${names})`);
  }
  const ports = { down: down.map(({ port }) => port), mid: mid.port };
  if (encoder.length > 0 || !features) {
    return { edits: undefined, ...ports, encoder: encoder.map(({ port }) => port) };
  }
  const add = additions(graph, latents, probed);
  const values = encoderValues(
    graph,
    wiring,
    probed,
    down.map(({ value }) => value),
  );
  const added = add.features(wiring, values, mid.value, []);
  return { edits: added.length > 0 ? add.edits(added) : undefined, ...ports, encoder: added };
}

/** What a residual is added to, by way of a cast or a scale or two, and its size. */
function placeOfSum(
  wiring: Wiring,
  probed: ReadonlyMap<string, Probed>,
  residual: string,
): { readonly value: string; readonly dims: readonly number[] } | undefined {
  let name: string | undefined = residual;
  for (let step = 0; step < 4 && name !== undefined; step++) {
    const node: GraphNode | undefined = wiring.uses.get(name)?.[0]?.node;
    if (!node || !["Add", "Mul", "Div", "Cast", "Identity"].includes(node.op)) return undefined;
    if (node.op === "Add") {
      const value = node.inputs[node.inputs[0] === name ? 1 : 0]!;
      const dims = probed.get(value)?.dims;
      if (dims?.length === 4) return { value, dims };
    }
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
