import {
  bindInputs,
  type ControlRun,
  describePorts,
  describeSpec,
  type InferenceSession,
  networkInputs,
  type ResidualPort,
  type TensorSpec,
} from "@underpaint/core";
import { invalid } from "../hints/options.js";
import { checkFamily } from "./family.js";

/** A control's graph with its inputs and outputs known for what they are. */
export interface ControlGraphPorts {
  /** The hint, float [batch, 3 or 1, height, width] of 0 to 1. */
  readonly hint: TensorSpec;
  /** What a ControlNet sees of the network's own inputs; undefined where the graph sees the hint alone. */
  readonly network: NetworkInputs | undefined;
  /** Names of outputs, in the order of the ports that they are for. */
  readonly down: readonly string[];
  readonly mid: string | undefined;
  readonly encoder: readonly string[];
}

/** The inputs that a ControlNet shares with the network that it steers. */
export interface NetworkInputs {
  readonly latents: TensorSpec;
  readonly timestep: TensorSpec;
  readonly states: TensorSpec;
  /** The weight, which is given as 1: weights are applied behind it. */
  readonly scale?: TensorSpec;
  /** Stable Diffusion XL's. */
  readonly textEmbeds?: TensorSpec;
  readonly timeIds?: TensorSpec;
}

const optional = {
  scale: {
    names: ["conditioning_scale", "controlnet_conditioning_scale", "scale", "strength"],
    ranks: [0, 1, 2],
    elements: "float",
    meaning: "a weight, float [] or [1]",
  },
  textEmbeds: {
    names: ["text_embeds"],
    ranks: [2],
    elements: "float",
    meaning: "pooled text, float [batch, width]",
  },
  timeIds: {
    names: ["time_ids"],
    ranks: [2],
    elements: "float",
    meaning: "sizes, float [batch, 6]",
  },
} as const;

const hintNames = [
  "controlnet_cond",
  "control_image",
  "conditioning_image",
  "hint",
  "image",
  "cond",
];

/**
 * Finds out what a ControlNet's graph takes and gives: by the names that exporters are known to
 * have, else by shapes. A graph that takes the hint alone will do as well.
 *
 * @param label what errors call the graph.
 * @throws UnderpaintError `model-unsupported` for a control of another family, and for one whose
 * residuals fit nowhere, with what was expected and found; `model-invalid` for a graph whose inputs
 * are not known.
 */
export function bindControlNet(
  session: Pick<InferenceSession, "inputs" | "outputs">,
  label: string,
  run: ControlRun,
): ControlGraphPorts {
  const { inputs } = session;
  if (inputs.some(({ name }) => name === "controlnet_conds" || name === "conditioning_scales")) {
    throw invalid({
      code: "model-unsupported",
      what: `${label} is a network with ControlNets inside, which is not supported`,
      allowed: "ControlNets in graphs of their own, beside the network",
    });
  }
  const text = inputs.find(({ name }) =>
    networkInputs.states.names.some((known) => known === name),
  );
  checkFamily(label, inputs, fixed(text ?? inputs.find(({ dims }) => dims.length === 3), 2), run);
  const hint = hintOf(inputs, label);
  const rest = inputs.filter((spec) => spec !== hint);
  const network = rest.length > 0 ? bindInputs(label, rest, networkInputs, optional) : undefined;
  return { hint, network, encoder: [], ...residualOutputs(session.outputs, label, run) };
}

/**
 * As {@link bindControlNet}, for a T2I-Adapter: one input, the hint, and a feature for each block of
 * the encoder.
 */
export function bindAdapter(
  session: Pick<InferenceSession, "inputs" | "outputs">,
  label: string,
  { ports, model }: ControlRun,
): ControlGraphPorts {
  const { inputs, outputs } = session;
  const [hint] = inputs;
  if (!hint || inputs.length > 1 || hint.dims.length !== 4) {
    throw invalid({
      code: "model-unsupported",
      what: `${label} is no T2I-Adapter: it takes ${inputs.map(describeSpec).join(", ") || "nothing"}`,
      allowed: "one input, the hint, float [batch, 3, height, width]",
      remedy: "use controlNet({ … }) for a ControlNet",
    });
  }
  const features = outputs.filter(({ dims }) => dims.length === 4 || dims.length === 0);
  if (ports.encoder.length === 0) {
    throw invalid({
      code: "model-unsupported",
      what: `the network of ${model.id} cannot be given a T2I-Adapter's features: its blocks were not found`,
      remedy: "use a plain export of the network",
    });
  }
  const fits =
    features.length > 0 &&
    features.length <= ports.encoder.length &&
    features.every((spec, i) => fitsChannels(spec, ports.encoder[i]!));
  if (!fits) throw misfit(label, "features", features, ports.encoder);
  return {
    hint,
    network: undefined,
    down: [],
    mid: undefined,
    encoder: features.map(({ name }) => name),
  };
}

function hintOf(inputs: readonly TensorSpec[], label: string): TensorSpec {
  const pictures = inputs.filter(({ dims }) => dims.length === 4);
  const named = pictures.find(({ name }) => hintNames.includes(name));
  const coloured = pictures.filter((spec) => fixed(spec, 1) === 3);
  const found = named ?? (coloured.length === 1 ? coloured[0] : undefined);
  if (found) return found;
  if (pictures.length === 1 && inputs.length === 1) return pictures[0]!;
  throw invalid({
    code: "model-invalid",
    what: `${label} has no input that is known for its hint; it has ${inputs.map(describeSpec).join(", ") || "none"}`,
    allowed: "controlnet_cond: float [batch, 3, height, width]",
  });
}

function residualOutputs(
  outputs: readonly TensorSpec[],
  label: string,
  { ports }: ControlRun,
): { down: readonly string[]; mid: string } {
  const residuals = outputs.filter(({ dims }) => dims.length === 4 || dims.length === 0);
  const named = residuals.find(({ name }) => name.startsWith("mid"));
  const others = residuals.filter((spec) => spec !== named);
  // Without a name for it the middle's is the last, as diffusers returns them; some put it first.
  const orders = named
    ? [[...inOrder(others), named]]
    : [residuals, [...residuals.slice(1), ...residuals.slice(0, 1)]];
  const expected = [...ports.down, ports.mid];
  const order = orders.find(
    (specs) =>
      specs.length === expected.length &&
      specs.every((spec, i) => fitsChannels(spec, expected[i]!)),
  );
  if (!order) throw misfit(label, "residuals", orders[0]!, expected);
  return { down: order.slice(0, -1).map(({ name }) => name), mid: order.at(-1)!.name };
}

/** By the numbers in their names where all have one; else as the graph has them. */
function inOrder(specs: readonly TensorSpec[]): readonly TensorSpec[] {
  const indices = specs.map(({ name }) => /^down_block_(?:res_sample_)?(\d+)/.exec(name)?.[1]);
  if (indices.some((index) => index === undefined)) return specs;
  const places = new Map(specs.map((spec, i) => [spec, Number(indices[i])]));
  return [...specs].sort((a, b) => places.get(a)! - places.get(b)!);
}

function fitsChannels(spec: TensorSpec, port: ResidualPort): boolean {
  const channels = fixed(spec, 1);
  return channels === undefined || channels === port.channels;
}

/** An axis's size where the graph fixes it. */
export function fixed(spec: TensorSpec | undefined, axis: number): number | undefined {
  const size = spec?.dims[axis];
  return typeof size === "number" ? size : undefined;
}

function misfit(
  label: string,
  what: string,
  found: readonly TensorSpec[],
  expected: readonly ResidualPort[],
): Error {
  const channels = found.map((spec) => fixed(spec, 1) ?? "?").join(", ");
  return invalid({
    code: "model-unsupported",
    what: `the ${what} of ${label} fit nowhere in this model: their channels are ${channels || "none"}`,
    allowed: describePorts(expected),
    remedy: "use a control that was trained for the model",
  });
}
