import { isUnderpaintError, type OrtModule, type PipelineWarning } from "@underpaint/core";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { createNodeBackend, type NodeRuntime } from "./backend.js";
import { type Machine, missingHardware, missingLibrary } from "./presence.js";
import { cpuQuota, threadSettings } from "./threads.js";
import { convolutionGraph } from "./trial-graph.js";

type SessionOptions = Parameters<OrtModule["InferenceSession"]["create"]>[1];

/**
 * A runtime that claims to have devices, and gives sessions of the trial's graph which answer
 * after `runMs`. `behave` is asked before each session, and may throw.
 */
function runtimeWith(
  names: readonly string[],
  behave: (device: string) => void = () => {},
  runMs: (device: string) => number = () => 0,
): NodeRuntime & { readonly created: string[] } {
  const created: string[] = [];
  const metadata = (name: string) => ({ name, isTensor: true, type: "float32", shape: [] });
  const create = async (graph: Uint8Array, options: SessionOptions) => {
    const [device] = (options?.executionProviders ?? []) as string[];
    behave(device!);
    if (graph.length < whole.length) throw new Error("Load model failed:Protobuf parsing failed.");
    created.push(device!);
    return {
      inputMetadata: [metadata("x"), metadata("w")],
      outputMetadata: [metadata("y")],
      outputNames: ["y"],
      async run({ x }: { x: ort.Tensor }) {
        await new Promise((resolve) => setTimeout(resolve, runMs(device!)));
        return { y: new ort.Tensor("float32", new Float32Array(x.data.length).fill(576), x.dims) };
      },
      release: async () => {},
    };
  };
  return {
    Tensor: ort.Tensor,
    InferenceSession: { create } as unknown as OrtModule["InferenceSession"],
    listSupportedBackends: () => names.map((name) => ({ name, bundled: true })),
    created,
  };
}

/** A machine with these files. */
const machineWith = (
  folders: Record<string, string[]>,
  platform: NodeJS.Platform = "linux",
): Machine => ({
  platform,
  list: (folder) => folders[folder] ?? [],
  libraries: () => "/libraries",
});
const bare = machineWith({});
const full = machineWith({
  "/libraries": ["libonnxruntime_providers_cuda.so"],
  "/dev/dri": ["card0", "renderD128"],
});
const whole = convolutionGraph();
const graph = { bytes: whole };

async function failure(work: Promise<unknown>): Promise<{ code: string; message: string }> {
  const error = await work.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (!isUnderpaintError(error)) throw new Error(`no typed error: ${error}`);
  return error;
}

describe("createNodeBackend", () => {
  test("takes the fastest device that is listed and works, without a word", async () => {
    const warnings: PipelineWarning[] = [];
    const runtime = runtimeWith(["cpu", "webgpu", "cuda"]);
    const backend = await createNodeBackend({
      runtime,
      machine: full,
      onWarning: (warning) => warnings.push(warning),
    });
    expect([backend.device, backend.name]).toEqual(["cuda", "onnxruntime-node/cuda"]);
    await backend.createSession(graph);
    expect(runtime.created.at(-1)).toBe("cuda");
    expect(warnings).toEqual([]);
  });

  test("falls back where a device does not work, and says why, once", async () => {
    const warnings: PipelineWarning[] = [];
    const runtime = runtimeWith(["cpu", "webgpu", "cuda"], (device) => {
      if (device === "cuda") throw new Error("libcudnn.so.9: cannot open shared object file\nmore");
      if (device === "webgpu") throw new Error("webgpu_context.cc:136 x was false. No adapters\n");
    });
    const backend = await createNodeBackend({
      runtime,
      machine: full,
      onWarning: (warning) => warnings.push(warning),
    });
    expect(backend.device).toBe("cpu");
    await backend.createSession(graph);
    await backend.createSession(graph);
    expect(warnings).toEqual([
      {
        code: "device-fallback",
        message:
          "running on the processor (cuda: libcudnn.so.9: cannot open shared object file; " +
          "webgpu: No adapters)",
      },
    ]);
  });

  test("does not try a device that cannot be there, and tells", async () => {
    const warnings: PipelineWarning[] = [];
    const runtime = runtimeWith(["cpu", "webgpu"]);
    await createNodeBackend({
      runtime,
      machine: bare,
      onWarning: (warning) => warnings.push(warning),
    });
    expect(runtime.created).toEqual([]);
    expect(warnings.map(({ message }) => message)).toEqual([
      "running on the processor (webgpu: no GPU in /dev/dri)",
    ]);
  });

  test("passes over a GPU that is computed in software", async () => {
    const warnings: PipelineWarning[] = [];
    const backend = await createNodeBackend({
      runtime: runtimeWith(["cpu", "webgpu"], undefined, (name) => (name === "cpu" ? 0 : 60)),
      machine: full,
      onWarning: (warning) => warnings.push(warning),
    });
    expect(backend.device).toBe("cpu");
    expect(warnings[0]!.message).toMatch(
      /webgpu: it is slower than the processor, as a GPU in software is: \d+ ms against/,
    );
  });

  test("a graph that only a slower device takes moves everything there", async () => {
    const warnings: PipelineWarning[] = [];
    let failing = false;
    const runtime = runtimeWith(["cpu", "cuda"], (device) => {
      if (failing && device === "cuda") throw new Error("CUDA failure 2: out of memory");
    });
    const backend = await createNodeBackend({
      runtime,
      machine: full,
      onWarning: (warning) => warnings.push(warning),
    });
    await backend.createSession(graph);
    failing = true;
    const session = await backend.createSession(graph);
    await backend.createSession(graph);
    expect(session.inputs.map(({ name }) => name)).toEqual(["x", "w"]);
    expect([backend.device, backend.name]).toEqual(["cpu", "onnxruntime-node/cpu"]);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]!.message).toMatch(/^running on the processor \(cuda: .*memory/);
  });

  test("a broken model is no device's fault", async () => {
    const warnings: PipelineWarning[] = [];
    const backend = await createNodeBackend({
      runtime: runtimeWith(["cpu", "cuda"]),
      machine: full,
      onWarning: (warning) => warnings.push(warning),
    });
    const broken = { bytes: whole.subarray(0, 60) };
    expect((await failure(backend.createSession(broken))).code).toBe("model-invalid");
    expect(backend.device).toBe("cuda");
    expect(warnings).toEqual([]);
  });

  test("an abort is no device's fault either", async () => {
    const backend = await createNodeBackend({
      runtime: runtimeWith(["cpu", "cuda"]),
      machine: full,
    });
    const signal = AbortSignal.abort();
    await expect(backend.createSession(graph, { signal })).rejects.toBe(signal.reason);
    expect(backend.device).toBe("cuda");
  });

  test("a device asked for by name is used or refused, with those that are there", async () => {
    const runtime = runtimeWith(["cpu", "webgpu"], (device) => {
      if (device === "webgpu") throw new Error("no adapter");
    });
    expect(await failure(createNodeBackend({ runtime, device: "dml" }))).toMatchObject({
      code: "device-unavailable",
      message: expect.stringContaining("the device dml cannot be used"),
    });
    const refused = await failure(createNodeBackend({ runtime, device: "webgpu", machine: full }));
    expect(refused.code).toBe("device-unavailable");
    expect(refused.message).toBe(
      "the device webgpu cannot be used: no adapter; allowed: auto, cpu; " +
        "leave device out for the fastest that works here.",
    );
    const cuda = runtimeWith(["cpu", "cuda"]);
    const absent = await failure(
      createNodeBackend({ runtime: cuda, device: "cuda", machine: bare }),
    );
    expect(absent.message).toContain("its libraries are not installed");
    expect(cuda.created).toEqual([]);
    // No GPU in sight is no reason to refuse one that was asked for by name.
    const asked = runtimeWith(["cpu", "webgpu"]);
    expect(
      (await createNodeBackend({ runtime: asked, device: "webgpu", machine: bare })).device,
    ).toBe("webgpu");
    expect((await createNodeBackend({ runtime, device: "cpu" })).device).toBe("cpu");
  });

  test("refuses what is no device or number of threads", async () => {
    expect(await failure(createNodeBackend({ device: "wegbpu" as "webgpu" }))).toMatchObject({
      code: "invalid-request",
      message: expect.stringContaining("did you mean webgpu?"),
    });
    for (const threads of [0, -1, 1.5, Number.NaN, 513]) {
      expect((await failure(createNodeBackend({ threads }))).code).toBe("invalid-request");
    }
  });

  test("runs a graph with the real runtime", async () => {
    const backend = await createNodeBackend({ device: "cpu", threads: 1 });
    const session = await backend.createSession(graph);
    const [size, channels] = [4, 64];
    const { y } = await session.run({
      x: {
        type: "float32",
        dims: [1, channels, size, size],
        data: new Float32Array(channels * size * size).fill(0.5),
      },
      w: {
        type: "float32",
        dims: [channels, channels, 3, 3],
        data: new Float32Array(channels * channels * 9).fill(2),
      },
    });
    if (!y || "location" in y) throw new Error("no output here");
    // A corner has four neighbours under the kernel, an edge six, the middle nine.
    expect([...y.data.slice(0, 6)]).toEqual([256, 384, 384, 256, 384, 576]);
    await session.dispose();
  });
});

describe("presence", () => {
  test("CUDA needs its libraries", () => {
    expect(missingLibrary("cuda", bare)).toContain("not installed");
    expect(missingLibrary("cuda", full)).toBeUndefined();
    expect(missingLibrary("webgpu", bare)).toBeUndefined();
  });

  test("WebGPU on Linux needs a GPU", () => {
    const on = (devices: string[]) => missingHardware("webgpu", machineWith({ "/dev": devices }));
    expect(missingHardware("webgpu", bare)).toContain("no GPU");
    expect(missingHardware("webgpu", full)).toBeUndefined();
    expect(on(["null", "nvidia0"])).toBeUndefined();
    expect(on(["nvidiactl"])).toContain("no GPU");
    expect(on(["dxg"])).toBeUndefined();
    expect(missingHardware("webgpu", machineWith({}, "darwin"))).toBeUndefined();
    expect(missingHardware("cpu", bare)).toBeUndefined();
  });
});

describe("threads", () => {
  test("a container's quota is read in both versions of control groups", () => {
    const files = (contents: Record<string, string>) => (path: string) => {
      const text = contents[path];
      if (text === undefined) throw new Error("ENOENT");
      return text;
    };
    expect(cpuQuota(files({ "/sys/fs/cgroup/cpu.max": "250000 100000\n" }))).toBe(2);
    expect(cpuQuota(files({ "/sys/fs/cgroup/cpu.max": "50000 100000\n" }))).toBe(1);
    expect(cpuQuota(files({ "/sys/fs/cgroup/cpu.max": "max 100000\n" }))).toBeUndefined();
    const old = (quota: string) =>
      files({
        "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": quota,
        "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
      });
    expect(cpuQuota(old("400000\n"))).toBe(4);
    expect(cpuQuota(old("-1\n"))).toBeUndefined();
    expect(cpuQuota(files({}))).toBeUndefined();
  });

  test("the runtime chooses unless somebody knows better", () => {
    expect(threadSettings(undefined, undefined)).not.toHaveProperty("intraOpNumThreads");
    expect(threadSettings(undefined, 2).intraOpNumThreads).toBe(2);
    expect(threadSettings(3, 2).intraOpNumThreads).toBe(3);
  });
});
