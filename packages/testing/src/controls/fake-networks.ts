import {
  type ControlPorts,
  type ControlRun,
  type FloatTensor,
  floatTensor,
  type NamedTensors,
  type TensorSpec,
} from "@underpaint/core";
import { type FakeGraph, type FakeSession, fakeSession } from "../fakes/backend.js";
import { smallPorts } from "./control-run.js";

/** A ControlNet, or a T2I-Adapter, that is a function. */
export interface FakeNetwork {
  /** What {@link ControlRun.openGraph} gives, whatever graph is asked for. */
  readonly openGraph: ControlRun["openGraph"];
  /** The graphs that were asked for, and the sessions that were made, one for each. */
  readonly asked: readonly Parameters<ControlRun["openGraph"]>[0][];
  readonly sessions: readonly FakeSession[];
}

/**
 * A ControlNet for the ports given (those of the suite when left out): residuals that depend on
 * hint, latents, text states and timestep, in the names of diffusers' exports.
 */
export function fakeControlNet(ports: ControlPorts = smallPorts): FakeNetwork {
  const specs = [...ports.down, ports.mid];
  const names = specs.map((_, i) =>
    i < ports.down.length ? `down_block_res_sample_${i}` : "mid_block_res_sample",
  );
  return network({
    inputs: [
      spec("sample", ["batch", "channels", "height", "width"]),
      spec("timestep", []),
      spec("encoder_hidden_states", ["batch", "tokens", "states"]),
      spec("controlnet_cond", ["batch", 3, "hint_height", "hint_width"]),
    ],
    outputs: specs.map(({ channels }, i) => spec(names[i]!, ["batch", channels, `h${i}`, `w${i}`])),
    run(feeds) {
      const latents = feeds.sample as FloatTensor;
      const told = (feeds.timestep as FloatTensor).data[0]! / 1000;
      const text = (feeds.encoder_hidden_states as FloatTensor).data;
      const [n = 1, , height = 1, width = 1] = latents.dims;
      return residuals(
        specs,
        names,
        n,
        [height, width],
        feeds.controlnet_cond as FloatTensor,
        (i) => {
          return told + 0.1 * latents.data[i % latents.data.length]! + 0.1 * text[i % text.length]!;
        },
      );
    },
  });
}

/** A T2I-Adapter for the ports given: features that depend on the hint alone. */
export function fakeAdapter(ports: ControlPorts = smallPorts): FakeNetwork {
  const specs = ports.encoder;
  const names = specs.map((_, i) => `feature_${i}`);
  return network({
    inputs: [spec("image", ["batch", 3, "height", "width"])],
    outputs: specs.map(({ channels }, i) => spec(names[i]!, ["batch", channels, `h${i}`, `w${i}`])),
    run(feeds) {
      const hint = feeds.image as FloatTensor;
      const [n = 1, , height = 8, width = 8] = hint.dims;
      return residuals(specs, names, n, [height / 8, width / 8], hint, () => 0);
    },
  });
}

function residuals(
  ports: readonly { readonly channels: number; readonly downscale: number }[],
  names: readonly string[],
  entries: number,
  [height, width]: readonly [number, number],
  { data: hint }: FloatTensor,
  offset: (index: number) => number,
): NamedTensors {
  const given: Record<string, FloatTensor> = {};
  ports.forEach(({ channels, downscale }, k) => {
    const dims = [entries, channels, Math.ceil(height / downscale), Math.ceil(width / downscale)];
    const count = dims.reduce((product, size) => product * size, 1);
    const values = new Float32Array(count);
    for (let i = 0; i < count; i++) {
      values[i] = hint[Math.floor((i / count) * hint.length)]! * (k + 1) + offset(i);
    }
    given[names[k]!] = floatTensor(dims, values);
  });
  return given;
}

function spec(name: string, dims: readonly (number | string)[]): TensorSpec {
  return { name, type: "float32", dims };
}

function network(graph: FakeGraph): FakeNetwork {
  const asked: Parameters<ControlRun["openGraph"]>[0][] = [];
  const sessions: FakeSession[] = [];
  return {
    asked,
    sessions,
    async openGraph(wanted) {
      asked.push(wanted);
      const session = fakeSession(graph, "a fake network");
      sessions.push(session);
      return { session, label: "a fake network" };
    },
  };
}
