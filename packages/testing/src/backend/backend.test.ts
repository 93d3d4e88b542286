import {
  type DeviceTensor,
  type InferenceBackend,
  type InferenceSession,
  isUnderpaintError,
  type NamedTensors,
  type Tensor,
  UnderpaintError,
} from "@underpaint/core";
import { beforeAll, describe, expect, it } from "vitest";
import { createNodeBackend } from "../../../node/src/devices/backend.js";
import { failures } from "../check.js";
import { backendChecks } from "./backend-checks.js";

let sound: InferenceBackend;
beforeAll(async () => {
  sound = await createNodeBackend({ device: "cpu", threads: 1 });
});

describe("onnxruntime-node", () => {
  for (const check of backendChecks(() => sound)) it(check.name, check.run);
});

type Breach = (backend: InferenceBackend) => Partial<InferenceBackend>;

/** Breaks the sessions that a backend makes. */
function withSession(change: (session: InferenceSession) => Partial<InferenceSession>): Breach {
  return (backend) => ({
    async createSession(...given) {
      const session = await backend.createSession(...given);
      return { ...session, ...change(session) };
    },
  });
}

/** Breaks errors of some codes, of loading and of running alike. */
function withErrors(change: (error: UnderpaintError) => unknown): Breach {
  const changed = (error: unknown): never => {
    throw isUnderpaintError(error) ? change(error) : error;
  };
  return (backend) => ({
    async createSession(...given) {
      const session = await backend.createSession(...given).catch(changed);
      return { ...session, run: (...asked) => session.run(...asked).catch(changed) };
    },
  });
}

const plain = (code: string) =>
  withErrors((error) => (error.code === code ? new Error(error.message) : error));

/** Changes sums of one type, which other clauses do not compute. */
function withSums(type: Tensor["type"], change: (sum: Tensor) => void): Breach {
  return withSession((session) => ({
    async run(...given) {
      const results = await session.run(...given);
      if (results.sum?.type === type) change(results.sum as Tensor);
      return results;
    },
  }));
}

/** Keeps the outputs "on the device", which is where it likes. */
function withDevice(download: (value: Tensor) => Tensor, forgets = true): Breach {
  return (backend) => ({
    async createSession(model, options) {
      const session = await backend.createSession(model, options);
      if (!options?.deviceOutputs?.length) return session;
      const kept = new Map<DeviceTensor, Tensor>();
      const fed = (value: Tensor | DeviceTensor): Tensor => {
        if (!("location" in value)) return value;
        const tensor = kept.get(value);
        if (tensor) return tensor;
        throw new UnderpaintError({ code: "invalid-request", what: "it was disposed of" });
      };
      return {
        ...session,
        async run(feeds, asked) {
          const own = Object.entries(feeds).map(([name, value]) => [name, fed(value)] as const);
          const results = await session.run(Object.fromEntries(own), asked);
          const there = Object.entries(results).map(([name, value]) => {
            const { type, dims } = value;
            const device: DeviceTensor = {
              location: "device",
              type,
              dims,
              download: async () => download(value as Tensor),
              dispose: () => void (forgets && kept.delete(device)),
            };
            kept.set(device, value as Tensor);
            return [name, device] as const;
          });
          return Object.fromEntries(there);
        },
      };
    },
  });
}

const specs = "tells names, types and dims as the graph has them";
const device = "gives outputs that may stay on the device, and can be fed and downloaded";
const noGraph = "tells of a file that is no graph";
const operator = "names an operator that it lacks";
const misfit = "tells of inputs that do not fit, and runs on";
const disposal = "finishes what runs before it is disposed of, and is so once";

const mutants: readonly [told: string, clause: string, breach: Breach][] = [
  ["has none", "has a name", () => ({ name: "" })],
  [
    "tells −1 of a dynamic axis",
    specs,
    withSession(({ inputs }) => ({
      inputs: inputs.map((spec) => ({
        ...spec,
        dims: spec.dims.map((dim) => (typeof dim === "string" ? -1 : dim)),
      })),
    })),
  ],
  [
    "takes a scalar for a list of one",
    specs,
    withSession(({ outputs }) => ({
      outputs: outputs.map((spec) => ({ ...spec, dims: spec.dims.length ? spec.dims : [1] })),
    })),
  ],
  [
    "takes halves for float32",
    specs,
    withSession(({ inputs }) => ({
      inputs: inputs.map((spec) => ({ ...spec, type: spec.type.replace("16", "32") })),
    })),
  ],
  [
    "is a bit off",
    "computes with float32",
    withSums("float32", ({ data }) => {
      data[1] = 1 + 2 ** -23;
    }),
  ],
  [
    "rounds up",
    "computes with float16",
    withSums("float16", ({ data }) => {
      data[1] = 0x6801;
    }),
  ],
  [
    "goes by way of float32",
    "computes with int32",
    withSums("int32", ({ data }) => {
      data[1] = Math.fround(Number(data[1])) | 0;
    }),
  ],
  [
    "goes by way of doubles",
    "computes with int64",
    withSums("int64", ({ data }) => {
      data[1] = BigInt(Number(data[1]));
    }),
  ],
  [
    "takes the whole array of a part",
    "computes with float32",
    withSession((session) => ({
      run({ a, b, ...others }, options) {
        if (a?.type !== "float32" || !b)
          return session.run({ ...others, ...(a && b && { a, b }) }, options);
        const { buffer } = (a as Tensor<"float32">).data;
        return session.run(
          { a: { ...(a as Tensor<"float32">), data: new Float32Array(buffer, 0, 3) }, b },
          options,
        );
      },
    })),
  ],
  [
    "gives all",
    "gives only the outputs that are asked for",
    withSession((session) => ({ run: (feeds) => session.run(feeds) })),
  ],
  [
    "uses its input as scratch",
    "leaves what it is fed as it is",
    withSession((session) => ({
      async run(feeds, options) {
        const results = await session.run(feeds, options);
        if (feeds.x && !("location" in feeds.x)) feeds.x.data.fill(0 as never);
        return results;
      },
    })),
  ],
  [
    "writes into one buffer, run after run",
    "leaves what it has given as it is",
    withSession((session) => {
      let buffer: Float32Array | undefined;
      let running = 0;
      return {
        async run(feeds, options) {
          // It knows of overlapping runs, but not that results are kept.
          const alone = running++ === 0;
          const results = await session.run(feeds, options).finally(() => running--);
          const { y } = results as Record<string, Tensor<"float32">>;
          if (!alone || running > 0 || !y || "location" in feeds.x!) return results;
          buffer ??= new Float32Array(y.data.length);
          buffer.set(y.data);
          return { ...results, y: { ...y, data: buffer } };
        },
      };
    }),
  ],
  [
    "takes the last feeds for all",
    "keeps runs that overlap apart",
    withSession((session) => {
      const fed: NamedTensors[] = [];
      return {
        async run(feeds, options) {
          fed.push(feeds);
          // Two at once it can keep apart.
          const later = fed.length > 4;
          const results = await session.run(later ? fed.at(-1)! : feeds, options);
          return later && fed.length > 7 ? session.run(fed.at(-1)!, options) : results;
        },
      };
    }),
  ],
  [
    "disposes of all",
    "keeps sessions apart",
    (backend) => {
      const others: InferenceSession[] = [];
      return {
        async createSession(...given) {
          const session = await backend.createSession(...given);
          others.push(session);
          return {
            ...session,
            async dispose() {
              await Promise.all(others.map((other) => other.dispose()));
            },
          };
        },
      };
    },
  ],
  [
    "loses them",
    "takes external weights as bytes",
    (backend) => ({
      createSession: ({ externalData, ...model }, options) => backend.createSession(model, options),
    }),
  ],
  [
    "downloads zeros",
    device,
    withDevice((value) => ({ ...value, data: new Float32Array(8) }) as Tensor),
  ],
  ["feeds what was disposed of", device, withDevice((value) => value, false)],
  ["throws what is not typed", noGraph, plain("model-invalid")],
  ["throws what is not typed", operator, plain("operator-unsupported")],
  [
    "does not say which",
    operator,
    withErrors((error) =>
      error.code === "operator-unsupported"
        ? new UnderpaintError({ code: error.code, what: "it lacks one" })
        : error,
    ),
  ],
  ["throws what is not typed", misfit, plain("inference-failed")],
  [
    "is broken by a run that fails",
    misfit,
    withSession((session) => {
      let failure: unknown;
      return {
        async run(...given) {
          if (failure) throw failure;
          return session.run(...given).catch((error: unknown) => {
            if (isUnderpaintError(error, "inference-failed")) failure = error;
            throw error;
          });
        },
      };
    }),
  ],
  [
    "calls every graph model.onnx",
    "names the graph in its errors",
    withErrors(({ code, message }) => {
      return new UnderpaintError({ code, what: message.replaceAll("unet/", "") });
    }),
  ],
  [
    "does not look at it",
    "makes no session for a signal that is aborted",
    (backend) => ({
      createSession: (model, { signal, ...options } = {}) => backend.createSession(model, options),
    }),
  ],
  [
    "throws at the second time",
    disposal,
    withSession((session) => {
      let calls = 0;
      return {
        async dispose() {
          if (calls++ === 2) throw new Error("disposed of already");
          return session.dispose();
        },
      };
    }),
  ],
  [
    "does not wait",
    disposal,
    withSession((session) => ({
      async dispose() {
        void session.dispose();
      },
    })),
  ],
  [
    "only pretends",
    "runs nothing after its disposal",
    withSession((session) => {
      const running = new Set<Promise<unknown>>();
      return {
        async run(...given) {
          const work = session.run(...given);
          running.add(work);
          return work;
        },
        async dispose() {
          await Promise.allSettled(running);
          await undefined;
        },
      };
    }),
  ],
];

describe("a backend that breaks one clause fails that one alone", () => {
  const broken = (breach: Breach) => {
    return backendChecks(() => ({ ...sound, name: sound.name, ...breach(sound) }));
  };

  it.each(mutants)("%s: %s", async (_, clause, breach) => {
    expect((await failures(broken(breach))).map(({ name }) => name)).toEqual([clause]);
  });

  it("passes with a device, sound", async () => {
    expect(await failures(broken(withDevice((value) => value)))).toEqual([]);
  });

  it("and there is one for every clause", () => {
    const clauses = backendChecks(() => sound).map(({ name }) => name);
    expect(clauses.filter((name) => !mutants.some(([, clause]) => clause === name))).toEqual([]);
  });
});
