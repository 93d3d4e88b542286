import {
  type ControlCall,
  type ControlContribution,
  type ControlRun,
  type ControlStep,
  type DeviceTensor,
  floatFeed,
  floatTensor,
  type InferenceSession,
  type ModelSource,
  type NamedTensors,
  type RgbaImage,
  type Tensor,
  timestepFeed,
} from "@underpaint/core";
import { fitHint } from "../hints/fit-hint.js";
import { invalid } from "../hints/options.js";
import { bindAdapter, bindControlNet, type ControlGraphPorts, fixed } from "./control-graph.js";
import { hintTensor } from "./hint-tensor.js";
import { inEntries } from "./in-entries.js";

/** What a control's graph is: it decides where in the network what it gives is added. */
export type NetworkKind = "controlnet" | "t2i-adapter";

/** Which graph steers, and by which hint. */
export interface NetworkOptions {
  /** What warnings and errors call the control. */
  readonly name: string;
  /** A ControlNet when left out. */
  readonly kind?: NetworkKind | undefined;
  /** A name, as the platform's `createPipeline` takes it, or a source. */
  readonly model?: ModelSource | string | undefined;
  /** In place of `model`, names of controls that the pipeline's model may have; the best first. */
  readonly own?: readonly string[] | undefined;
  /** The graph's path inside the source; where it mostly is when left out. */
  readonly file?: string | undefined;
  /** Brought to the picture's size where it has another. */
  readonly hint: RgbaImage;
}

/** Where a graph is in its source, the most usual first. */
const files = {
  controlnet: ["model.onnx", "controlnet/model.onnx", "controlnet.onnx"],
  "t2i-adapter": ["model.onnx", "adapter/model.onnx", "t2i_adapter/model.onnx"],
} as const;

/**
 * Starts a control that runs a ControlNet's or a T2I-Adapter's graph: opens it, and finds out what
 * it takes and where what it gives belongs. A graph that sees the hint alone is run once.
 *
 * @throws UnderpaintError `model-not-found`, `model-unsupported`, `model-invalid`: see
 * {@link bindControlNet}; `invalid-request` for an own control that the model does not have.
 */
export async function startNetwork(options: NetworkOptions, run: ControlRun): Promise<ControlStep> {
  const { kind = "controlnet", model, file } = options;
  const { session, label } = await run.openGraph(
    model === undefined
      ? { file: ownFile(options, run) }
      : { source: model, file: file ?? files[kind] },
  );
  const bind = kind === "controlnet" ? bindControlNet : bindAdapter;
  const ports = bind(session, label, run);
  const hint = fitted(options, run);
  return ports.network
    ? stepsOf(session, ports, hint, label)
    : onceOf(session, ports, hintTensor(hint, ports.hint, fixed(ports.hint, 0) ?? 1));
}

/** The graph of the first of the wanted controls that the pipeline's model has. */
function ownFile({ name, own = [] }: NetworkOptions, { model }: ControlRun): string {
  const found = own.find((wanted) => Object.hasOwn(model.controls, wanted));
  if (found !== undefined) return `${model.controls[found]}/model.onnx`;
  const offered = Object.keys(model.controls);
  throw invalid({
    what: `${name} has no model, and ${model.id} brings no such control along`,
    value: own.join(" or ") || undefined,
    allowed: offered.length > 0 ? `its own: ${offered.join(", ")}` : "it has none of its own",
    remedy: 'give one: { model: "hub:owner/name" }, a folder or a source',
  });
}

/** The hint at the picture's size; says so where that is not its own. */
function fitted({ name, hint }: NetworkOptions, run: ControlRun): RgbaImage {
  const seen = run.view(hint);
  const { width, height } = run;
  if (seen.width === width && seen.height === height) return seen;
  run.warn({
    code: "hint-resized",
    message: `${name}: the hint is ${seen.width} × ${seen.height} and was resized to ${width} × ${height}.`,
  });
  return fitHint(seen, { width, height });
}

/** A graph that sees the hint alone says the same in every step. */
function onceOf(session: InferenceSession, ports: ControlGraphPorts, hint: Tensor): ControlStep {
  return async () => {
    const results = await session.run({ [ports.hint.name]: hint }, { outputs: outputsOf(ports) });
    const entries = hint.dims[0] ?? 1;
    const firsts = entries === 1 ? results : await inEntries(1, entries, async () => results);
    return { ...contributionOf(ports, firsts), scope: "run" };
  };
}

function stepsOf(
  session: InferenceSession,
  ports: ControlGraphPorts,
  hint: RgbaImage,
  label: string,
): ControlStep {
  const inputs = ports.network!;
  const batchAxis = inputs.latents.dims[0];
  const fixedBatch = fixed(inputs.latents, 0) ?? fixed(ports.hint, 0) ?? fixed(inputs.states, 0);
  const hints = new Map<number, Tensor>();
  const scale =
    inputs.scale &&
    floatFeed(
      label,
      inputs.scale,
      ones(inputs.scale.dims.map((size) => (typeof size === "number" ? size : 1))),
    );

  function feedsOf(call: ControlCall): NamedTensors {
    const n = call.latents.dims[0]!;
    let fed = hints.get(n);
    if (!fed) {
      fed = hintTensor(hint, ports.hint, n);
      hints.set(n, fed);
    }
    const { textEmbeds, timeIds } = call.added ?? {};
    if ((inputs.textEmbeds && !textEmbeds) || (inputs.timeIds && !timeIds)) {
      throw invalid({
        code: "model-unsupported",
        what: `${label} needs what the networks of Stable Diffusion XL are told of sizes and prompt, which this pipeline has not`,
      });
    }
    return {
      [inputs.latents.name]: floatFeed(label, inputs.latents, call.latents),
      [inputs.timestep.name]: timestepFeed(inputs.timestep, call.timestep, n, batchAxis),
      [inputs.states.name]: floatFeed(label, inputs.states, call.states),
      [ports.hint.name]: fed,
      ...(inputs.scale && scale && { [inputs.scale.name]: scale }),
      ...(inputs.textEmbeds && {
        [inputs.textEmbeds.name]: floatFeed(label, inputs.textEmbeds, textEmbeds!),
      }),
      ...(inputs.timeIds && { [inputs.timeIds.name]: floatFeed(label, inputs.timeIds, timeIds!) }),
    };
  }

  return async (call) => {
    const n = call.latents.dims[0]!;
    const outputs = outputsOf(ports);
    const results =
      fixedBatch === undefined || fixedBatch === n
        ? await session.run(feedsOf(call), { outputs })
        : await inEntries(n, fixedBatch, (from, count) =>
            session.run(feedsOf(sliced(call, from, count)), { outputs }),
          );
    return contributionOf(ports, results);
  };
}

/** `count` entries from `from` on; beyond the end the last is repeated. */
function sliced(call: ControlCall, from: number, count: number): ControlCall {
  const part = ({ dims, data }: ControlCall["latents"]): ControlCall["latents"] => {
    const [n = 0, ...rest] = dims;
    const size = data.length / n;
    const out = new Float32Array(count * size);
    for (let k = 0; k < count; k++) {
      const entry = Math.min(from + k, n - 1);
      out.set(data.subarray(entry * size, (entry + 1) * size), k * size);
    }
    return floatTensor([count, ...rest], out);
  };
  const { textEmbeds, timeIds } = call.added ?? {};
  return {
    ...call,
    latents: part(call.latents),
    states: part(call.states),
    ...(textEmbeds &&
      timeIds && { added: { textEmbeds: part(textEmbeds), timeIds: part(timeIds) } }),
  };
}

function ones(dims: readonly number[]) {
  const count = dims.reduce((product, size) => product * size, 1);
  return floatTensor(dims, new Float32Array(count).fill(1));
}

function outputsOf({ down, mid, encoder }: ControlGraphPorts): readonly string[] {
  return [...down, ...(mid === undefined ? [] : [mid]), ...encoder];
}

function contributionOf(
  { down, mid, encoder }: ControlGraphPorts,
  results: Readonly<Record<string, Tensor | DeviceTensor>>,
): ControlContribution {
  return {
    down: down.map((name) => results[name]),
    ...(mid !== undefined && { mid: results[mid]! }),
    encoder: encoder.map((name) => results[name]),
  };
}
