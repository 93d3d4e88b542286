import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isUnderpaintError } from "../errors.js";
import { floatTensor, type Tensor, tensor } from "../tensor/tensor.js";
import type { DeviceTensor, InferenceBackend, ModelFile } from "./contract.js";
import { type GraphText, onnxGraph, type Port } from "./fakes/onnx-graph.js";
import { createOrtBackend, type OrtModule } from "./ort.js";

const quiet = { logSeverityLevel: 4 } as const;
const backend = createOrtBackend({ ort, name: "onnxruntime-node/cpu", sessionOptions: quiet });

const x: Port = { name: "x", type: "float32", dims: ["n", 4] };
const y: Port = { ...x, name: "y" };

/** y = x · w, with w the 4 × 4 numbers 0, 1, …, in the graph or in a file beside it. */
function product(location?: string): GraphText {
  const values = Float32Array.from({ length: 16 }, (_, i) => i);
  const w = { name: "w", dims: [4, 4] };
  return {
    inputs: [x],
    outputs: [y],
    nodes: [{ op: "MatMul", inputs: ["x", "w"], outputs: ["y"] }],
    constants: [location ? { ...w, external: { location, length: 64 } } : { ...w, values }],
  };
}

const weights = new Uint8Array(Float32Array.from({ length: 16 }, (_, i) => i).buffer);

async function run(model: ModelFile, on: InferenceBackend = backend): Promise<number[]> {
  const session = await on.createSession(model);
  const feeds = { x: floatTensor([1, 4], new Float32Array([1, 10, 100, 1000])) };
  const result = (await session.run(feeds)).y as Tensor<"float32">;
  await session.dispose();
  expect(result.dims).toEqual([1, 4]);
  return [...result.data];
}

const answer = [12840, 13951, 15062, 16173];

async function failure(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isUnderpaintError(error)) throw error ?? new Error("nothing was thrown");
  return error;
}

describe("a session", () => {
  it("runs a graph", async () => {
    expect(await run({ bytes: onnxGraph(product()) })).toEqual(answer);
  });

  it("tells names, types and dims", async () => {
    const session = await backend.createSession({
      bytes: onnxGraph({
        inputs: [
          { name: "a", type: "float16", dims: ["n", 4, "height"] },
          { name: "b", type: "int64", dims: [] },
        ],
        outputs: [
          { name: "c", type: "float16", dims: ["n", 4, "height"] },
          { name: "d", type: "int64", dims: [] },
        ],
        nodes: [
          { op: "Identity", inputs: ["a"], outputs: ["c"] },
          { op: "Identity", inputs: ["b"], outputs: ["d"] },
        ],
      }),
    });
    expect(session.inputs).toEqual([
      { name: "a", type: "float16", dims: ["n", 4, "height"] },
      { name: "b", type: "int64", dims: [] },
    ]);
    expect(session.outputs.map(({ name }) => name)).toEqual(["c", "d"]);
  });

  it.each([
    tensor("float16", [2], Uint16Array.of(0x3c00, 0xc000)),
    tensor("float32", [2], Float32Array.of(1.5, -2)),
    tensor("int32", [2], Int32Array.of(7, -(2 ** 31))),
    tensor("int64", [2], BigInt64Array.of(7n, -(2n ** 63n))),
  ])("takes and gives $type", async (value) => {
    const port: Port = { name: "x", type: value.type, dims: ["n"] };
    const session = await backend.createSession({
      bytes: onnxGraph({
        inputs: [port],
        outputs: [{ ...port, name: "y" }],
        nodes: [{ op: "Identity", inputs: ["x"], outputs: ["y"] }],
      }),
    });
    expect((await session.run({ x: value })).y).toEqual(value);
  });

  it("fetches only the outputs that are asked for", async () => {
    const session = await backend.createSession({
      bytes: onnxGraph({
        ...product(),
        outputs: [y, { ...y, name: "z" }],
        nodes: [
          { op: "MatMul", inputs: ["x", "w"], outputs: ["y"] },
          { op: "Neg", inputs: ["y"], outputs: ["z"] },
        ],
      }),
    });
    const feeds = { x: floatTensor([1, 4], new Float32Array(4)) };
    expect(Object.keys(await session.run(feeds))).toEqual(["y", "z"]);
    expect(Object.keys(await session.run(feeds, { outputs: ["z"] }))).toEqual(["z"]);
  });

  it("gives the same bits for the same input, alone and in overlapping runs", async () => {
    const size = 64;
    const noise = Float32Array.from({ length: size * size }, (_, i) => Math.sin(i * i));
    const session = await backend.createSession({
      bytes: onnxGraph({
        inputs: [{ ...x, dims: ["n", size] }],
        outputs: [{ ...y, dims: ["n", size] }],
        nodes: [
          { op: "MatMul", inputs: ["x", "w"], outputs: ["h"] },
          { op: "Softmax", inputs: ["h"], outputs: ["y"] },
        ],
        constants: [{ name: "w", dims: [size, size], values: noise }],
      }),
    });
    const feed = (k: number) => ({
      x: floatTensor(
        [size, size],
        noise.map((value) => value * (1 + k / 16)),
      ),
    });
    const alone = [];
    for (let k = 0; k < 8; k++) alone.push((await session.run(feed(k))).y);
    const together = await Promise.all(alone.map((_, k) => session.run(feed(k))));
    expect(together.map((result) => result.y)).toEqual(alone);
    expect(alone[0]).not.toEqual(alone[1]);
  });

  it("finishes what runs before it is disposed, and runs nothing after", async () => {
    const session = await backend.createSession({ bytes: onnxGraph(product()) });
    const feeds = { x: floatTensor([1, 4], new Float32Array([1, 10, 100, 1000])) };
    const running = [session.run(feeds), session.run(feeds)];
    await Promise.all([session.dispose(), session.dispose()]);
    for (const { y } of await Promise.all(running)) expect([...(y as Tensor).data]).toEqual(answer);
    expect((await failure(session.run(feeds))).code).toBe("disposed");
  });

  it("is not made for a signal that is aborted, before or meanwhile", async () => {
    const model = { bytes: onnxGraph(product()) };
    const reason = new Error("enough");
    await expect(backend.createSession(model, { signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
    const controller = new AbortController();
    const loading = backend.createSession(model, { signal: controller.signal });
    controller.abort(reason);
    await expect(loading).rejects.toBe(reason);
    expect(await run(model)).toEqual(answer);
  });

  it("passes the caller's options to the runtime", async () => {
    const options = { ...quiet, executionProviders: ["no-such-provider"] };
    const other = createOrtBackend({ ort, name: "other", sessionOptions: options });
    const error = await failure(other.createSession({ bytes: onnxGraph(product()) }));
    expect(error.code).toBe("device-unavailable");
    expect(error.message).toContain("no-such-provider");
  });
});

describe("a run that fails", () => {
  it.each([
    ["a missing input", {}, "'x' is missing"],
    ["dims that do not fit", { x: floatTensor([1, 3], new Float32Array(3)) }, "Got: 3 Expected: 4"],
    ["a wrong type", { x: tensor("int32", [1, 4], new Int32Array(4)) }, "tensor(int32)"],
  ])("tells of %s", async (_, feeds, part) => {
    const session = await backend.createSession(
      { bytes: onnxGraph(product()) },
      { label: "unet/model.onnx" },
    );
    const error = await failure(session.run(feeds as Record<string, Tensor>));
    expect(error.code).toBe("inference-failed");
    expect(error.message).toMatch(/^unet\/model.onnx failed on onnxruntime-node\/cpu/);
    const message = ((error as { cause?: Error }).cause as Error).message;
    expect(message).toContain(part);
  });
});

describe("a graph that cannot be loaded", () => {
  const sound = onnxGraph(product());
  it.each<[string, Uint8Array, string, RegExp]>([
    ["HTML", new TextEncoder().encode("<html>404</html>"), "model-invalid", /no ONNX graph/],
    [
      "a Git LFS pointer",
      new TextEncoder().encode("version https://git-lfs.github.com/spec/v1\n"),
      "model-invalid",
      /no ONNX graph/,
    ],
    ["half a graph", sound.slice(0, sound.length / 2), "model-invalid", /cut short/],
    ["no byte", new Uint8Array(), "model-invalid", /no ONNX graph/],
    [
      "a graph whose parts do not fit",
      onnxGraph({ ...product(), nodes: [{ op: "MatMul", inputs: ["x", "v"], outputs: ["y"] }] }),
      "model-invalid",
      /no sound ONNX graph.*v/,
    ],
    [
      "an operator that is only known for GPUs",
      onnxGraph({
        inputs: [
          { ...x, dims: ["n", 4, 8] },
          { ...x, name: "b", dims: [8] },
        ],
        outputs: [{ ...y, dims: ["n", 4, 4] }],
        nodes: [
          { op: "BiasSplitGelu", inputs: ["x", "b"], outputs: ["y"], domain: "com.microsoft" },
        ],
        opsets: { "com.microsoft": 1 },
      }),
      "operator-unsupported",
      /onnxruntime-node\/cpu lacks the operator BiasSplitGelu/,
    ],
    [
      "an operator whose kernel is missing",
      onnxGraph({
        inputs: [
          { name: "x", type: "float16", dims: ["n", 4, 4, 4] },
          { name: "w", type: "float16", dims: [4, 1, 1, 4] },
        ],
        outputs: [{ name: "y", type: "float16", dims: ["n", "height", "width", "channels"] }],
        nodes: [{ op: "NhwcConv", inputs: ["x", "w"], outputs: ["y"], domain: "com.microsoft" }],
        opsets: { "com.microsoft": 1 },
      }),
      "operator-unsupported",
      /lacks the operator com.microsoft.NhwcConv/,
    ],
    [
      "an operator that nobody knows",
      onnxGraph({ ...product(), nodes: [{ op: "Frobnicate", inputs: ["x"], outputs: ["y"] }] }),
      "operator-unsupported",
      /lacks the operator Frobnicate/,
    ],
    [
      "an operator of a domain that nobody knows",
      onnxGraph({
        ...product(),
        nodes: [{ op: "Frobnicate", inputs: ["x"], outputs: ["y"], domain: "acme" }],
        opsets: { acme: 1 },
      }),
      "operator-unsupported",
      /lacks the operator acme:Frobnicate/,
    ],
    [
      "an opset of the future",
      onnxGraph({ ...product(), opsets: { "": 99 } }),
      "operator-unsupported",
      /opset 99 .*allowed: opset \d+ and older/,
    ],
  ])("is told apart: %s", async (_, bytes, code, message) => {
    for (const model of [{ bytes }, { path: written(bytes) }]) {
      const error = await failure(backend.createSession(model, { label: "unet/model.onnx" }));
      expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)]);
      expect(error.message).toContain("unet/model.onnx");
    }
  });

  it("is told apart: no file", async () => {
    const error = await failure(
      backend.createSession({ path: join(folder, "nope", "model.onnx") }),
    );
    expect([error.code, error.message]).toEqual([
      "model-invalid",
      expect.stringMatching(/^nope\/model.onnx is missing/),
    ]);
  });
});

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "underpaint-ort-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
function written(bytes: Uint8Array, path = `${files++}/model.onnx`): string {
  const file = join(folder, path);
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, bytes);
  return file;
}

describe("external weights", () => {
  const graph = onnxGraph(product("model.onnx_data"));

  it("are found beside a path", async () => {
    const path = written(graph, "plain/unet/model.onnx");
    const data = written(weights, "plain/unet/model.onnx_data");
    expect(await run({ path })).toEqual(answer);
    expect(await run({ path, externalData: [{ path: "model.onnx_data", data }] })).toEqual(answer);
  });

  it("are found in a cache whose snapshots link to blobs", async () => {
    written(graph, "hub/blobs/aaa");
    written(weights, "hub/blobs/bbb");
    const path = join(folder, "hub/snapshots/main/unet/model.onnx");
    mkdirSync(join(path, ".."), { recursive: true });
    symlinkSync("../../../blobs/aaa", path);
    symlinkSync("../../../blobs/bbb", `${path}_data`);
    const externalData = [{ path: "model.onnx_data", data: `${path}_data` }];
    expect(await run({ path, externalData })).toEqual(answer);
  });

  it("are taken as bytes, with a path and with bytes", async () => {
    const externalData = [{ path: "model.onnx_data", data: weights }];
    expect(await run({ path: written(graph), externalData })).toEqual(answer);
    expect(await run({ bytes: graph, externalData })).toEqual(answer);
  });

  it("that are missing are named", async () => {
    for (const model of [{ path: written(graph, "lone/model.onnx") }, { bytes: graph }]) {
      const error = await failure(backend.createSession(model));
      expect(error.code).toBe("model-invalid");
      expect(error.message).toMatch(/needs external weights that are not there.*"model.onnx_data"/);
    }
  });

  it("that are cut short are told of", async () => {
    const path = written(graph, "short/model.onnx");
    written(weights.slice(0, 32), "short/model.onnx_data");
    const externalData = [{ path: "model.onnx_data", data: weights.slice(0, 32) }];
    for (const model of [{ path }, { bytes: graph, externalData }]) {
      const error = await failure(backend.createSession(model));
      expect([error.code, error.message]).toEqual([
        "model-invalid",
        expect.stringMatching(/cut short/),
      ]);
    }
  });

  it.each(["../../secret", "../secret", "/etc/hostname", "sub/../../secret"])(
    "never leave the graph's folder: %s",
    async (location) => {
      written(weights, "outside/secret");
      written(weights, "outside/in/secret");
      const evil = onnxGraph(product(location));
      const path = written(evil, "outside/in/unet/model.onnx");
      const error = await failure(backend.createSession({ path }));
      expect([error.code, error.message]).toEqual([
        "model-invalid",
        expect.stringMatching(/outside its folder/),
      ]);
      expect((await failure(backend.createSession({ bytes: evil }))).code).toBe("model-invalid");
    },
  );

  it("never leave the graph's folder: a link", async () => {
    const secret = written(weights, "linked/secret");
    const path = written(graph, "linked/unet/model.onnx");
    symlinkSync(secret, `${path}_data`);
    const error = await failure(backend.createSession({ path }));
    expect([error.code, error.message]).toEqual([
      "model-invalid",
      expect.stringMatching(/outside its folder/),
    ]);
  });

  it("of a graph given as bytes are not taken from the working folder", async () => {
    const before = process.cwd();
    written(weights, "cwd/model.onnx_data");
    process.chdir(join(folder, "cwd"));
    try {
      expect((await failure(backend.createSession({ bytes: graph }))).code).toBe("model-invalid");
    } finally {
      process.chdir(before);
    }
  });

  it("elsewhere than beside their graph are refused", async () => {
    const path = written(graph);
    const data = written(weights, "elsewhere/model.onnx_data");
    const externalData = [{ path: "model.onnx_data", data }];
    const error = await failure(backend.createSession({ path, externalData }));
    expect(error.code).toBe("invalid-request");
    expect(error.message).toContain("do not lie beside the graph");
  });

  it("of a graph given as bytes are found in a folder", async () => {
    const data = written(weights, "apart/model.onnx_data");
    const externalData = [{ path: "model.onnx_data", data }];
    expect(await run({ bytes: graph, externalData })).toEqual(answer);
    const below = onnxGraph(product("apart/model.onnx_data"));
    const inFolder = [{ path: "./apart/model.onnx_data", data }];
    expect(await run({ bytes: below, externalData: inFolder })).toEqual(answer);

    const extra = { session: { intra_op: { allow_spinning: "0" } } };
    const settled = createOrtBackend({ ort, name: "o", sessionOptions: { ...quiet, extra } });
    expect(await run({ bytes: graph, externalData }, settled)).toEqual(answer);
  });

  it("of a graph given as bytes are not looked for under other names, nor in two folders", async () => {
    const data = written(weights, "renamed/weights.bin");
    const two = onnxGraph({
      ...product("a"),
      constants: ["w", "v"].map((name, i) => ({
        name,
        dims: [4, 4],
        external: { location: ["a", "b"][i]!, length: 64 },
      })),
    });
    const apart = ["a", "b"].map((name) => ({
      path: name,
      data: written(weights, `${name}s/${name}`),
    }));
    for (const model of [
      { bytes: graph, externalData: [{ path: "model.onnx_data", data }] },
      { bytes: two, externalData: apart },
    ]) {
      const error = await failure(backend.createSession(model));
      expect(error.code).toBe("invalid-request");
      expect(error.message).toContain("do not lie under that name in the folder of the others");
    }
  });

  it("of a graph given as bytes never leave the folder", async () => {
    const secret = written(weights, "vault/secret");
    written(weights, "open/other");
    const link = join(folder, "open", "model.onnx_data");
    symlinkSync(secret, link);
    const linked = { bytes: graph, externalData: [{ path: "model.onnx_data", data: link }] };
    const up = join(folder, "open", "..", "vault", "secret");
    const upwards = {
      bytes: onnxGraph(product("../vault/secret")),
      externalData: [{ path: "../vault/secret", data: up.replace("vault", "open/../vault") }],
    };
    for (const model of [linked, upwards]) {
      const error = await failure(backend.createSession(model));
      expect(["model-invalid", "invalid-request"]).toContain(error.code);
    }
  });
});

describe("outputs on the device", () => {
  /** A runtime with a device: a stand-in, as Node's cannot download (see OrtBackendOptions). */
  function deviceRuntime() {
    const seen: unknown[] = [];
    class FakeTensor {
      readonly location: string = "cpu";
      disposed = false;
      constructor(
        readonly type: string,
        readonly data: unknown,
        readonly dims: readonly number[],
      ) {}
      async getData() {
        return this.data;
      }
      dispose() {
        this.disposed = true;
      }
    }
    class OnDevice extends FakeTensor {
      override readonly location = "gpu-buffer";
    }
    const fake = {
      Tensor: FakeTensor,
      InferenceSession: {
        async create(_: unknown, options: unknown) {
          seen.push(options);
          return {
            inputMetadata: [],
            outputMetadata: [],
            outputNames: ["y"],
            async run(feeds: Record<string, FakeTensor>) {
              seen.push(feeds.x);
              return { y: new OnDevice("float16", Uint16Array.of(1, 2), [2]) };
            },
            async release() {},
          };
        },
      },
    };
    return { ort: fake as unknown as OrtModule, seen };
  }

  const model = { bytes: onnxGraph(product()) };

  it("can be fed again, downloaded and disposed", async () => {
    const { ort, seen } = deviceRuntime();
    const gpu = createOrtBackend({ ort, name: "fake/gpu", deviceLocation: "gpu-buffer" });
    const session = await gpu.createSession(model, { deviceOutputs: ["y"] });
    expect(seen[0]).toEqual({ preferredOutputLocation: { y: "gpu-buffer" } });

    const first = (await session.run({ x: floatTensor([1], new Float32Array(1)) })).y!;
    expect(first).toMatchObject({ location: "device", type: "float16", dims: [2] });
    await session.run({ x: first });
    const fed = seen[2] as { location: string; disposed: boolean };
    expect(fed.location).toBe("gpu-buffer");

    const device = first as DeviceTensor;
    expect(await device.download()).toEqual(tensor("float16", [2], Uint16Array.of(1, 2)));
    device.dispose();
    device.dispose();
    expect(fed.disposed).toBe(true);
    expect((await failure(session.run({ x: device }))).code).toBe("invalid-request");
    expect((await failure(device.download())).code).toBe("invalid-request");
  });

  it("can be all that a graph gives", async () => {
    const { ort, seen } = deviceRuntime();
    const gpu = createOrtBackend({ ort, name: "fake/gpu", deviceLocation: "ml-tensor" });
    await gpu.createSession(model, { deviceOutputs: "all" });
    expect(seen[0]).toEqual({ preferredOutputLocation: "ml-tensor" });
  });

  it("are not asked for where the backend has no device", async () => {
    const { ort, seen } = deviceRuntime();
    const cpu = createOrtBackend({ ort, name: "fake/cpu", sessionOptions: { logId: "a" } });
    await cpu.createSession(model, { deviceOutputs: ["y"] });
    expect(seen[0]).toEqual({ logId: "a" });
  });

  it("of another backend are refused", async () => {
    const [one, other] = [deviceRuntime(), deviceRuntime()].map(({ ort }) =>
      createOrtBackend({ ort, name: "fake/gpu", deviceLocation: "gpu-buffer" }),
    ) as [InferenceBackend, InferenceBackend];
    const feeds = { x: floatTensor([1], new Float32Array(1)) };
    const { y } = await (await one.createSession(model)).run(feeds);
    const session = await other.createSession(model);
    expect((await failure(session.run({ x: y! }))).code).toBe("invalid-request");
  });
});
