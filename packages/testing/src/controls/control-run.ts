import {
  type Branch,
  type ControlCall,
  type ControlContribution,
  type ControlPorts,
  type ControlRun,
  type ControlStep,
  type ControlWarning,
  copy,
  createNoiseSource,
  type DeviceTensor,
  type FloatTensor,
  floatTensor,
  halfToFloat,
  type InferenceSession,
  type NamedTensors,
  type OpenedGraph,
  type Tensor,
} from "@underpaint/core";

/** What a control is checked with, in place of a pipeline. */
export interface ControlSetting {
  /** Loads the graphs that the control asks for; needed by controls that ask for some. */
  readonly openGraph?: ControlRun["openGraph"];
  /** The network's inputs; those of a small UNet of 8 and 16 channels when left out. */
  readonly ports?: ControlPorts;
  /** The model; a Stable Diffusion with text states 16 wide when left out. */
  readonly model?: Partial<ControlRun["model"]>;
}

/** A request to which a control is put. */
export interface Trial {
  readonly width?: number;
  readonly height?: number;
  readonly seed?: number;
  readonly branches?: readonly Branch[];
  readonly signal?: AbortSignal;
}

/** All that passed while a control was tried. */
export interface Tried {
  readonly width: number;
  readonly height: number;
  /** What it gave in each call, on the CPU; a contribution for the whole run is there once. */
  readonly given: readonly (Given | undefined)[];
  readonly warnings: readonly ControlWarning[];
  /** What graphs were fed. */
  readonly feeds: readonly NamedTensors[];
  /** Which graphs were disposed by the control. */
  readonly disposed: readonly string[];
  /** What it was handed, and the same before it was. */
  readonly handed: readonly FloatTensor[];
  readonly copies: readonly FloatTensor[];
  readonly ports: ControlPorts;
  readonly latentDims: readonly number[];
  readonly entries: number;
}

/** A contribution whose values have come to the CPU. */
export interface Given {
  readonly down: readonly (FloatTensor | undefined)[];
  readonly mid: FloatTensor | undefined;
  readonly encoder: readonly (FloatTensor | undefined)[];
  readonly scope: "call" | "run";
}

const channels = 4;
const tokens = 5;
export const trialSteps = 3;

/** The inputs that the suite's network takes: those of a UNet with two levels, of 8 and 16 channels. */
export const smallPorts: ControlPorts = {
  down: [port("down_0", 8, 1), port("down_1", 8, 1), port("down_2", 8, 2), port("down_3", 16, 2)],
  mid: port("mid", 16, 2),
  encoder: [port("encoder_0", 8, 1), port("encoder_1", 16, 2)],
};

function port(name: string, count: number, downscale: number): ControlPorts["mid"] {
  const dims = ["batch", count, `height_${downscale}`, `width_${downscale}`];
  return { name, type: "float32", dims, channels: count, downscale };
}

/** A control at work in a made-up request of a few steps, asked as a pipeline asks. */
export function createTrial(
  { openGraph, ports = smallPorts, model }: ControlSetting,
  { width = 64, height = 64, seed = 1, branches = ["negative", "positive"], signal }: Trial,
) {
  const latentDims = [channels, height / 8, width / 8];
  const textWidth = model?.textWidth ?? 16;
  const [feeds, handed, copies]: [NamedTensors[], FloatTensor[], FloatTensor[]] = [[], [], []];
  const warnings: ControlWarning[] = [];
  const disposed: string[] = [];

  const run: ControlRun = {
    width,
    height,
    latentDims,
    view: (picture) => picture,
    steps: trialSteps,
    begin: 0,
    count: 1,
    branches,
    model: { id: "memory:checked", family: "stable-diffusion", textWidth, controls: {}, ...model },
    ports,
    async openGraph(graph) {
      signal?.throwIfAborted();
      if (!openGraph) throw new Error("the control asks for a graph: give the suite an openGraph");
      return watched(await openGraph(graph), feeds, disposed);
    },
    warn: (warning) => warnings.push(warning),
    signal,
  };

  function hand(tensor: FloatTensor): FloatTensor {
    handed.push(tensor);
    copies.push(copy(tensor));
    return tensor;
  }

  function call(index: number): ControlCall {
    const noise = createNoiseSource(1000 * seed + index);
    const random = (dims: readonly number[]) =>
      hand(floatTensor(dims, noise.normal(dims.reduce((a, b) => a * b, 1))));
    return {
      latents: random([branches.length, ...latentDims]),
      states: random([branches.length, tokens, textWidth]),
      timestep: 900 - 300 * index,
      branches,
      at: { index, steps: trialSteps, timestep: 900 - 300 * index },
      picture: 0,
    };
  }

  async function ask(step: ControlStep): Promise<Tried> {
    const given: (Given | undefined)[] = [];
    for (let index = 0; index < trialSteps; index++) {
      const contribution = await step(call(index));
      given.push(contribution && (await onCpu(contribution)));
      if (contribution?.scope === "run") break;
    }
    const entries = branches.length;
    const seen = { given, warnings, feeds, disposed, handed, copies };
    return { width, height, ...seen, ports, latentDims, entries };
  }

  return { run, ask };
}

/** A graph that tells what it is fed, and whether it is disposed. */
function watched(
  { session, label }: OpenedGraph,
  feeds: NamedTensors[],
  disposed: string[],
): OpenedGraph {
  const seen: InferenceSession = {
    inputs: session.inputs,
    outputs: session.outputs,
    run(fed, options) {
      feeds.push({ ...fed });
      return session.run(fed, options);
    },
    async dispose() {
      disposed.push(label);
    },
  };
  return { session: seen, label };
}

async function onCpu(contribution: ControlContribution): Promise<Given> {
  const { down = [], mid, encoder = [], scope = "call" } = contribution;
  return {
    down: await Promise.all(down.map(download)),
    mid: await download(mid),
    encoder: await Promise.all(encoder.map(download)),
    scope,
  };
}

async function download(
  value: Tensor | DeviceTensor | undefined,
): Promise<FloatTensor | undefined> {
  if (!value) return undefined;
  const here = "data" in value ? value : await value.download();
  if (here.type === "float32") return copy(here as FloatTensor);
  if (here.type === "float16") {
    return floatTensor(here.dims, halfToFloat(here.data as Uint16Array));
  }
  throw new Error(`a contribution's element type is ${here.type}; allowed: float32, float16`);
}

/** The values of all that was given, in one order. */
export function valuesOf({ given }: Tried): FloatTensor[] {
  return given.flatMap((each) =>
    each ? [...each.down, each.mid, ...each.encoder].filter((value) => value !== undefined) : [],
  );
}
