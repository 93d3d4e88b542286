import {
  type InferenceBackend,
  type InferenceSession,
  type ModelFile,
  type NamedTensors,
  type SessionOptions,
  type TensorSpec,
  UnderpaintError,
} from "@underpaint/core";

/** A graph that is a function. */
export interface FakeGraph {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** The graph's outputs, all of them, from its inputs; `call` counts the session's runs from 0. */
  run(feeds: NamedTensors, call: number): NamedTensors | Promise<NamedTensors>;
}

/** A session that remembers what it was asked. */
export interface FakeSession extends InferenceSession {
  /** What each run was fed, in order. */
  readonly runs: readonly NamedTensors[];
  readonly isDisposed: boolean;
}

/**
 * A session over a {@link FakeGraph}. Like a runtime it refuses feeds that do not fit the graph's
 * inputs, runs no more once it is disposed, and waits for running calls before that is done.
 *
 * @param label what errors call the graph.
 */
export function fakeSession(graph: FakeGraph, label = "a fake graph"): FakeSession {
  const runs: NamedTensors[] = [];
  const running = new Set<Promise<unknown>>();
  let disposal: Promise<void> | undefined;

  async function compute(feeds: NamedTensors, wanted: readonly string[]): Promise<NamedTensors> {
    const sizes = new Map<string, number>();
    for (const spec of graph.inputs) checkFeed(spec, feeds, sizes, label);
    for (const name of Object.keys(feeds)) {
      if (!graph.inputs.some((spec) => spec.name === name)) {
        throw misfit(label, `it has no input ${JSON.stringify(name)}`);
      }
    }
    const results = await graph.run(feeds, runs.push({ ...feeds }) - 1);
    return Object.fromEntries(
      wanted.map((name) => {
        const result = results[name];
        if (!result) throw misfit(label, `it gives no output ${JSON.stringify(name)}`);
        return [name, result];
      }),
    );
  }

  return {
    inputs: graph.inputs,
    outputs: graph.outputs,
    runs,
    get isDisposed() {
      return disposal !== undefined;
    },
    run(feeds, { outputs = graph.outputs.map(({ name }) => name) } = {}) {
      if (disposal) {
        const what = `${label} was unloaded`;
        return Promise.reject(new UnderpaintError({ code: "disposed", what }));
      }
      const work = compute(feeds, outputs);
      running.add(work);
      const done = () => void running.delete(work);
      work.then(done, done);
      return work;
    },
    dispose() {
      disposal ??= Promise.allSettled(running).then(() => {});
      return disposal;
    },
  };
}

/** A backend that remembers the sessions it has made. */
export interface FakeBackend extends InferenceBackend {
  /** In the order of their creation. */
  readonly sessions: readonly {
    readonly label: string;
    readonly model: ModelFile;
    readonly options: SessionOptions;
    readonly session: FakeSession;
  }[];
}

/**
 * A backend whose graphs are functions, by their labels: a pipeline calls a graph by its path in
 * the model, "unet/model.onnx". The files' content is not looked at.
 */
export function fakeBackend(
  graphs: Readonly<Record<string, FakeGraph>>,
  name = "fake/cpu",
): FakeBackend {
  const sessions: FakeBackend["sessions"][number][] = [];
  return {
    name,
    sessions,
    async createSession(model, options = {}) {
      const { label = "", signal } = options;
      signal?.throwIfAborted();
      if (!Object.hasOwn(graphs, label)) {
        throw new UnderpaintError({
          code: "model-invalid",
          what: "the fake backend has no graph of that label",
          value: label,
          allowed: Object.keys(graphs).join(", "),
        });
      }
      const session = fakeSession(graphs[label]!, label);
      sessions.push({ label, model, options, session });
      return session;
    },
  };
}

function checkFeed(
  spec: TensorSpec,
  feeds: NamedTensors,
  sizes: Map<string, number>,
  label: string,
): void {
  const fed = feeds[spec.name];
  if (!fed) throw misfit(label, `its input ${JSON.stringify(spec.name)} is missing`);
  const told = `its input ${JSON.stringify(spec.name)} is ${spec.type} [${spec.dims.join(", ")}]`;
  const fits = spec.dims.every((dim, axis) => {
    const size = fed.dims[axis]!;
    if (typeof dim === "number") return dim === size;
    // An axis of a name has one size throughout a run.
    const known = sizes.get(dim) ?? size;
    sizes.set(dim, known);
    return known === size;
  });
  if (fed.type !== spec.type || fed.dims.length !== spec.dims.length || !fits) {
    throw misfit(label, `${told}, and it was fed ${fed.type} [${fed.dims.join(", ")}]`);
  }
}

function misfit(label: string, what: string): UnderpaintError {
  return new UnderpaintError({ code: "inference-failed", what: `${label} failed: ${what}` });
}
