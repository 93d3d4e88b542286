import type { DeviceTensor, InferenceBackend, InferenceSession } from "../backend/contract.js";
import type { ResidualPort } from "../graph/controllable.js";
import type { NewNode } from "../graph/encode.js";
import type { GraphPort } from "../graph/graph.js";
import { newGraph } from "../graph/new-graph.js";
import type { FloatTensor, Tensor } from "../tensor/tensor.js";

/** What a control gives for one port, and how much of it counts. */
export interface MixTerm {
  readonly value: Tensor | DeviceTensor;
  /** [1 or n, 1, 1 or height, 1 or width]: by branch, and by place where there is a mask. */
  readonly weight: FloatTensor;
}

/** The weighted sum that one port is fed. */
export interface MixedPort {
  readonly port: ResidualPort;
  readonly terms: readonly MixTerm[];
}

/** Adds up what several controls give. */
export interface Mixer {
  /**
   * The sums Σ weight · value, by the ports' names and in their element types. A single value that
   * counts as it is goes through, not copied.
   */
  mix(ports: readonly MixedPort[]): Promise<Mix>;
  dispose(): Promise<void>;
}

/** What {@link Mixer.mix} gives. */
export interface Mix {
  readonly values: Readonly<Record<string, Tensor | DeviceTensor>>;
  /** Gives back what was computed; what went through is left to its owner. */
  release(): void;
}

/**
 * A {@link Mixer} that computes in a graph of its own, on the device where the values are: weights,
 * masks, branches and sums are two operators a value, made for whichever ports and element types
 * come together, and kept.
 */
export function createMixer(backend: InferenceBackend): Mixer {
  const sessions = new Map<string, Promise<InferenceSession>>();

  function sessionFor(ports: readonly MixedPort[]): Promise<InferenceSession> {
    const kinds = ports.map(
      ({ port, terms }) => `${port.type}<${terms.map(({ value }) => value.type).join()}`,
    );
    const key = kinds.join(";");
    let session = sessions.get(key);
    if (!session) {
      session = backend.createSession(
        { bytes: mixingGraph(ports) },
        { label: "the graph that mixes controls", deviceOutputs: ports.map((_, p) => sumName(p)) },
      );
      session.catch(() => sessions.delete(key));
      sessions.set(key, session);
    }
    return session;
  }

  return {
    async mix(ports) {
      const values: Record<string, Tensor | DeviceTensor> = {};
      const open: MixedPort[] = [];
      for (const mixed of ports) {
        const [first] = mixed.terms;
        if (mixed.terms.length === 1 && first && isWhole(first, mixed.port)) {
          values[mixed.port.name] = first.value;
        } else if (first) open.push(mixed);
      }
      if (open.length === 0) return { values, release() {} };
      const feeds: Record<string, Tensor | DeviceTensor> = {};
      for (const [p, { terms }] of open.entries()) {
        for (const [k, { value, weight }] of terms.entries()) {
          feeds[valueName(p, k)] = value;
          feeds[weightName(p, k)] = weight;
        }
      }
      const session = await sessionFor(open);
      const sums = await session.run(feeds);
      for (const [p, { port }] of open.entries()) values[port.name] = sums[sumName(p)]!;
      return {
        values,
        release() {
          for (const sum of Object.values(sums)) if ("location" in sum) sum.dispose();
        },
      };
    },
    async dispose() {
      const all = [...sessions.values()];
      sessions.clear();
      await Promise.all(
        all.map(async (session) => (await session.catch(() => undefined))?.dispose()),
      );
    },
  };
}

/** Whether a value counts as it is, in every branch. */
function isWhole({ value, weight }: MixTerm, port: ResidualPort): boolean {
  const [branches, , height, width] = weight.dims;
  return (
    value.type === port.type &&
    height === 1 &&
    width === 1 &&
    (branches === 1 || branches === value.dims[0]) &&
    weight.data.every((factor) => factor === 1)
  );
}

const valueName = (port: number, term: number): string => `value_${port}_${term}`;
const weightName = (port: number, term: number): string => `weight_${port}_${term}`;
const sumName = (port: number): string => `sum_${port}`;

function mixingGraph(ports: readonly MixedPort[]): Uint8Array {
  const nodes: NewNode[] = [];
  const inputs: GraphPort[] = [];
  const outputs: GraphPort[] = [];

  function input(name: string, type: string): string {
    // Every axis has a name of its own, so that any of them may be 1.
    inputs.push({ name, type, dims: ["n", "c", "h", "w"].map((axis) => `${name}_${axis}`) });
    return name;
  }

  function cast(name: string, from: string, to: string, wish = `${name}_${to}`): string {
    if (from === to) return name;
    const attributes = [{ name: "to", elementType: to }];
    nodes.push({ op: "Cast", inputs: [name], outputs: [wish], attributes });
    return wish;
  }

  for (const [p, { port, terms }] of ports.entries()) {
    const sum = sumName(p);
    let total = "";
    for (const [k, { value }] of terms.entries()) {
      const factors = [
        cast(input(valueName(p, k), value.type), value.type, "float32"),
        input(weightName(p, k), "float32"),
      ];
      const product = `product_${p}_${k}`;
      nodes.push({ op: "Mul", inputs: factors, outputs: [product] });
      if (total === "") {
        total = product;
        continue;
      }
      const next = `total_${p}_${k}`;
      nodes.push({ op: "Add", inputs: [total, product], outputs: [next] });
      total = next;
    }
    if (port.type === "float32") nodes.push({ op: "Identity", inputs: [total], outputs: [sum] });
    else cast(total, "float32", port.type, sum);
    const dims = ["n", "c", "h", "w"].map((axis) => `${sum}_${axis}`);
    outputs.push({ name: sum, type: port.type, dims });
  }
  return newGraph({ inputs, outputs, nodes });
}
