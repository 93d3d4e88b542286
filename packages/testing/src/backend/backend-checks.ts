import {
  type DeviceTensor,
  type FloatTensor,
  type InferenceBackend,
  type InferenceSession,
  type ModelFile,
  type SessionOptions,
  type Tensor,
  type TensorType,
  tensor,
} from "@underpaint/core";
import { type Check, caught, check, fail, need, refusal } from "../check.js";
import { sameJson } from "../compare.js";
import {
  identityGraph,
  productFeed,
  productGraph,
  productOf,
  productWeights,
  specs,
  sumGraph,
  sums,
  twoOutputsGraph,
  unknownOperatorGraph,
} from "./graphs.js";

/** What the suite must be told of a backend. */
export interface BackendCheckOptions {
  /** The element types that its graphs may compute with; all that tensors have when left out. */
  readonly types?: readonly TensorType[];
  /** Turns a graph's bytes into what the backend loads, when that is not the bytes themselves. */
  readonly load?: (graph: Uint8Array) => ModelFile | Promise<ModelFile>;
  /** Whether graphs given as bytes may have external weights given as bytes: true. */
  readonly externalWeights?: boolean;
}

const label = "unet/model.onnx";

/**
 * The conformance suite for inference backends, over ONNX graphs of a few operators (Add, Identity,
 * MatMul, Neg), which it brings with it.
 *
 * @param create makes the backend, or gives the same one each time.
 */
export function backendChecks(
  create: () => InferenceBackend | Promise<InferenceBackend>,
  options: BackendCheckOptions = {},
): readonly Check[] {
  const { types = ["float32", "float16", "int32", "int64"], externalWeights = true } = options;
  const load = options.load ?? ((bytes: Uint8Array) => ({ bytes }));

  async function open(graph: Uint8Array, given: SessionOptions = {}): Promise<InferenceSession> {
    const backend = await create();
    return backend.createSession(await load(graph), { label, ...given });
  }

  /** Hands a session to `use`, and disposes of it afterwards. */
  async function using(
    graph: Uint8Array,
    use: (session: InferenceSession) => Promise<void>,
    given?: SessionOptions,
  ): Promise<void> {
    const session = await open(graph, given);
    try {
      await use(session);
    } finally {
      await session.dispose();
    }
  }

  return [
    check("has a name", async () => {
      const { name } = await create();
      need(typeof name === "string" && name !== "", `name is ${JSON.stringify(name)}`);
    }),

    check("tells names, types and dims as the graph has them", async () => {
      const typed = types.map((type) => ({ name: `of_${type}`, type, dims: [2, "n"] }));
      const ports = [...specs, ...typed];
      await using(identityGraph(ports), async ({ inputs, outputs }) => {
        const out = ports.map((port) => ({ ...port, name: `out_${port.name}` }));
        for (const [what, found, right] of [
          ["inputs", inputs, ports],
          ["outputs", outputs, out],
        ] as const) {
          const plain = found.map(({ name, type, dims }) => ({ name, type, dims: [...dims] }));
          need(sameJson(plain, right), () => {
            return `${what} are ${JSON.stringify(plain)}, expected ${JSON.stringify(right)}`;
          });
        }
      });
    }),

    ...types.map((type) =>
      check(`computes with ${type}`, () =>
        using(sumGraph(type), async (session) => {
          const [a, b, right] = sums[type];
          const { sum } = await session.run({ a, b });
          needSame(await values(sum), right, `the sum of ${type}`);
          // As a part of a larger array, as the picture of a batch is.
          const { sum: ofPart } = await session.run({ a: partOfMore(a), b });
          needSame(await values(ofPart), right, `the sum of ${type}, part of a larger array,`);
        }),
      ),
    ),

    check("gives only the outputs that are asked for", () =>
      using(twoOutputsGraph(), async (session) => {
        const feeds = { x: productFeed() };
        for (const outputs of [["y", "z"], ["z"], ["y"]]) {
          const found = Object.keys(await session.run(feeds, { outputs })).sort();
          need(sameJson(found, outputs), `asked for ${outputs}, it gives ${found}`);
        }
        const all = Object.keys(await session.run(feeds)).sort();
        need(sameJson(all, ["y", "z"]), `asked for all of y, z, it gives ${all}`);
      }),
    ),

    check("leaves what it is fed as it is", () =>
      using(productGraph(), async (session) => {
        const x = productFeed();
        await session.run({ x });
        needSame(x, productFeed(), "x, fed,");
      }),
    ),

    check("leaves what it has given as it is", () =>
      using(productGraph(), async (session) => {
        const { y } = await session.run({ x: productFeed(1) });
        await session.run({ x: productFeed(2) });
        await needProduct(y, productFeed(1), "y, after another run,");
      }),
    ),

    check("keeps runs that overlap apart", () =>
      using(productGraph(), async (session) => {
        const runs = Array.from({ length: 8 }, (_, k) => session.run({ x: productFeed(k) }));
        for (const [k, { y }] of (await Promise.all(runs)).entries()) {
          await needProduct(y, productFeed(k), `y of run ${k} of 8 that overlap`);
        }
      }),
    ),

    check("keeps sessions apart", async () => {
      const backend = await create();
      const make = async () => backend.createSession(await load(productGraph()));
      const [one, other] = await Promise.all([make(), make()]);
      await other.dispose();
      const { y } = await one.run({ x: productFeed() });
      await one.dispose();
      await needProduct(y, productFeed(), "y, after another session was disposed of,");
    }),

    ...(externalWeights
      ? [
          check("takes external weights as bytes", async () => {
            const backend = await create();
            const data = new Uint8Array(productWeights.slice().buffer);
            const session = await backend.createSession({
              bytes: productGraph("model.onnx_data"),
              externalData: [{ path: "model.onnx_data", data }],
            });
            const { y } = await session.run({ x: productFeed() });
            await session.dispose();
            await needProduct(y, productFeed(), "y, with external weights,");
          }),
        ]
      : []),

    check("gives outputs that may stay on the device, and can be fed and downloaded", () =>
      using(
        productGraph(),
        async (session) => {
          const { y } = await session.run({ x: productFeed() });
          await needProduct(y, productFeed(), "y, which might stay on the device,");
          // The product of a product: y has the shape of x.
          const twice = await session.run({ x: y! });
          await needProduct(twice.y, productOf(productFeed()), "y, of a y that was fed,");
          if (!isOnDevice(y)) return;
          y.dispose();
          y.dispose();
          await refusal("feeding a device tensor after its disposal", "invalid-request", () =>
            session.run({ x: y }),
          );
        },
        { deviceOutputs: ["y"] },
      ),
    ),

    check("tells of a file that is no graph", async () => {
      const whole = productGraph();
      const files = {
        "an empty file": new Uint8Array(),
        "a page of HTML": new TextEncoder().encode("<!doctype html><title>404</title>"),
        "half a graph": whole.slice(0, whole.length / 2),
      };
      for (const [what, bytes] of Object.entries(files)) {
        await refusal(what, "model-invalid", () => open(bytes));
      }
    }),

    check("names an operator that it lacks", async () => {
      const { message } = await refusal("the operator Frobnicate", "operator-unsupported", () =>
        open(unknownOperatorGraph()),
      );
      need(message.includes("Frobnicate"), `the error does not name Frobnicate: ${message}`);
    }),

    check("tells of inputs that do not fit, and runs on", () =>
      using(productGraph(), async (session) => {
        const feeds = {
          "a missing input": {},
          "a wrong size": { x: tensor("float32", [1, 3], new Float32Array(3)) },
          "a wrong type": { x: tensor("int32", [2, 4], new Int32Array(8)) },
        };
        for (const [what, fed] of Object.entries(feeds)) {
          await refusal(what, "inference-failed", () => session.run(fed));
        }
        const { y } = await session.run({ x: productFeed() });
        await needProduct(y, productFeed(), "y, after runs that failed,");
      }),
    ),

    check("names the graph in its errors", async () => {
      const ofLoading = await caught("a file that is no graph", () => open(Uint8Array.of(1, 2, 3)));
      needLabel(ofLoading);
      await using(productGraph(), async (session) => {
        needLabel(await caught("a missing input", () => session.run({})));
      });
    }),

    check("makes no session for a signal that is aborted", async () => {
      const reason = new Error("enough");
      const error = await caught("a session for an aborted signal", () =>
        open(productGraph(), { signal: AbortSignal.abort(reason) }),
      );
      need(error === reason, `it rejects with ${error}, not with the signal's reason`);
    }),

    check("finishes what runs before it is disposed of, and is so once", async () => {
      const session = await open(productGraph());
      let running = 2;
      const runs = [1, 2].map(async (k) => {
        const { y } = await session.run({ x: productFeed(k) });
        running--;
        await needProduct(y, productFeed(k), `y of run ${k}, disposed of meanwhile,`);
      });
      await Promise.all([session.dispose(), session.dispose()]);
      // Results that are there may still be on their way through promises; a graph needs longer.
      for (let turn = 0; turn < 20; turn++) await undefined;
      const left = running;
      await Promise.all(runs);
      need(left === 0, `dispose() is done while ${left} of 2 runs are not`);
      await session.dispose();
    }),

    check("runs nothing after its disposal", async () => {
      const session = await open(productGraph());
      await session.dispose();
      await refusal("a run after dispose()", "disposed", () => session.run({ x: productFeed() }));
    }),
  ];
}

function isOnDevice(value: Tensor | DeviceTensor | undefined): value is DeviceTensor {
  return value !== undefined && "location" in value;
}

async function values(value: Tensor | DeviceTensor | undefined): Promise<Tensor> {
  if (!value) return fail("an output is missing");
  return isOnDevice(value) ? value.download() : value;
}

function needSame(found: Tensor, right: Tensor, what: string): void {
  need(found.type === right.type, `${what} is ${found.type}, not ${right.type}`);
  need(sameJson([...found.dims], [...right.dims]), `${what} has the dims [${found.dims}]`);
  const [a, b] = [found, right].map(({ data }) => Array.from(data as ArrayLike<number | bigint>));
  need(a!.length === b!.length && a!.every((value, i) => Object.is(value, b![i])), () => {
    return `${what} is ${a!.join(", ")}; expected ${b!.join(", ")}`;
  });
}

async function needProduct(
  found: Tensor | DeviceTensor | undefined,
  x: FloatTensor,
  what: string,
): Promise<void> {
  needSame(await values(found), productOf(x), what);
}

/** The same tensor, as the end of an array that has more before it. */
function partOfMore(whole: Tensor): Tensor {
  const { data } = whole;
  const larger = new (data.constructor as new (length: number) => typeof data)(data.length + 3);
  (larger as Float32Array).set(data as Float32Array, 3);
  return { ...whole, data: larger.subarray(3) } as Tensor;
}

function needLabel(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  need(message.includes(label), `the error does not name ${label}: ${message}`);
}
