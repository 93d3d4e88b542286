import {
  createOrtBackend,
  type InferenceBackend,
  isAbortError,
  isUnderpaintError,
  type ModelFile,
  type OrtModule,
  type PipelineWarning,
  type SessionOptions,
  UnderpaintError,
} from "@underpaint/core";
import { checkDevice, type Device, devices, executionProviders } from "./device.js";
import { type Machine, missingHardware, missingLibrary, thisMachine } from "./presence.js";
import { threadSettings } from "./threads.js";
import { checkDeviceWorks, tryDevice } from "./trial.js";

/** What is used of onnxruntime-node. */
export type NodeRuntime = OrtModule &
  Pick<typeof import("onnxruntime-node"), "listSupportedBackends">;

/** Options of {@link createNodeBackend}. */
export interface NodeBackendOptions {
  /** Where graphs run; `auto`, the fastest that works here, when left out. */
  readonly device?: Device | "auto";
  /** Threads a graph uses on the processor, 1 to 512; the runtime's choice when left out. */
  readonly threads?: number;
  /** Told once when another device is used than the fastest that the runtime lists. */
  readonly onWarning?: (warning: PipelineWarning) => void;
  /** The runtime; onnxruntime-node when left out. */
  readonly runtime?: NodeRuntime;
  /** @internal What files tell of the machine. */
  readonly machine?: Machine;
}

/** An {@link InferenceBackend} of Node. */
export interface NodeBackend extends InferenceBackend {
  /** The device in use. `auto` may still take a slower one when a graph does not load on it. */
  readonly device: Device;
}

interface Failure {
  readonly device: Device;
  readonly reason: string;
}

/**
 * ONNX Runtime in Node, on a device.
 *
 * `auto` takes the first of CUDA, WebGPU, DirectML, Core ML and the processor that the runtime
 * lists, that may be there by the machine's files, and that runs a small graph at a GPU's speed. A
 * graph that later does not load on it goes to the processor, and so do all after it. Each time a
 * slower device is taken, a `device-fallback` warning says why.
 *
 * A device that is asked for by name is used or refused, never replaced.
 *
 * @throws UnderpaintError `invalid-request` for an unknown device or number of threads,
 * `device-unavailable` when the device, or the runtime, cannot be used here.
 */
export async function createNodeBackend(options: NodeBackendOptions = {}): Promise<NodeBackend> {
  const wanted = checkDevice(options.device ?? "auto");
  const threads = checkThreads(options.threads);
  const ort = options.runtime ?? (await loadRuntime());
  const machine = options.machine ?? thisMachine;
  const listed = devices.filter((device) =>
    ort.listSupportedBackends().some(({ name }) => name === device),
  );

  const backendOf = (device: Device): InferenceBackend =>
    createOrtBackend({
      ort,
      name: `onnxruntime-node/${device}`,
      sessionOptions: {
        executionProviders: executionProviders(device),
        logSeverityLevel: 3,
        ...threadSettings(threads),
      },
    });

  if (wanted !== "auto") {
    const others = listed.filter(
      (name) =>
        name !== wanted && !missingLibrary(name, machine) && !missingHardware(name, machine),
    );
    const reason = listed.includes(wanted)
      ? missingLibrary(wanted, machine)
      : "onnxruntime-node has no such device on this system";
    if (reason) throw unavailable(wanted, reason, others);
    if (wanted !== "cpu") {
      await checkDeviceWorks(ort, wanted).catch((cause: unknown) => {
        throw unavailable(wanted, reasonOf(cause), others, cause);
      });
    }
    return { device: wanted, ...backendOf(wanted) };
  }

  const failures: Failure[] = [];
  for (const device of listed) {
    const reason =
      missingLibrary(device, machine) ??
      missingHardware(device, machine) ??
      (await trialOf(ort, device));
    if (reason !== undefined) {
      failures.push({ device, reason });
      continue;
    }
    if (failures.length > 0) options.onWarning?.(fallback(device, failures));
    const candidates: Device[] = device === "cpu" ? ["cpu"] : [device, "cpu"];
    return withFallback(candidates, backendOf, options.onWarning);
  }
  throw unavailable("cpu", "the runtime lists no device that works", []);
}

/** Loads graphs on the first device that takes them. */
function withFallback(
  candidates: readonly Device[],
  backendOf: (device: Device) => InferenceBackend,
  onWarning: NodeBackendOptions["onWarning"],
): NodeBackend {
  let chosen = 0;
  const backends = new Map<Device, InferenceBackend>();
  const backendAt = (index: number): InferenceBackend => {
    const device = candidates[index]!;
    const backend = backends.get(device) ?? backendOf(device);
    backends.set(device, backend);
    return backend;
  };

  return {
    get name() {
      return backendAt(chosen).name;
    },
    get device() {
      return candidates[chosen]!;
    },
    async createSession(model: ModelFile, options?: SessionOptions) {
      const failures: Failure[] = [];
      for (let index = chosen; ; index++) {
        try {
          const session = await backendAt(index).createSession(model, options);
          // A model that loads nowhere says nothing about a device; one that loads here does.
          if (index > chosen) {
            chosen = index;
            onWarning?.(fallback(candidates[index]!, failures));
          }
          return session;
        } catch (error) {
          if (options?.signal?.aborted || isAbortError(error)) throw error;
          if (index + 1 >= candidates.length) throw error;
          failures.push({ device: candidates[index]!, reason: reasonOf(error) });
        }
      }
    },
  };
}

async function trialOf(ort: OrtModule, device: Device): Promise<string | undefined> {
  if (device === "cpu") return undefined;
  return tryDevice(ort, device).then(() => undefined, reasonOf);
}

async function loadRuntime(): Promise<NodeRuntime> {
  try {
    return await import("onnxruntime-node");
  } catch (cause) {
    throw new UnderpaintError({
      code: "device-unavailable",
      what: `ONNX Runtime cannot be loaded on ${process.platform}-${process.arch}`,
      allowed: "Linux and Windows on x64 and arm64, macOS on arm64",
      remedy: "check that onnxruntime-node is installed for this system",
      cause,
    });
  }
}

function checkThreads(threads: number | undefined): number | undefined {
  if (threads === undefined || (Number.isInteger(threads) && threads >= 1 && threads <= 512)) {
    return threads;
  }
  throw new UnderpaintError({
    code: "invalid-request",
    what: "threads is not a number of threads",
    value: threads,
    allowed: "a whole number from 1 to 512",
    remedy: "leave it out for one a core",
  });
}

function unavailable(
  device: Device,
  reason: string,
  there: readonly Device[],
  cause?: unknown,
): UnderpaintError {
  return new UnderpaintError({
    code: "device-unavailable",
    what: `the device ${device} cannot be used: ${reason}`,
    allowed: ["auto", ...there].join(", "),
    remedy: "leave device out for the fastest that works here",
    cause,
  });
}

function fallback(device: Device, failures: readonly Failure[]): PipelineWarning {
  const reasons = failures.map((failure) => `${failure.device}: ${failure.reason}`).join("; ");
  return {
    code: "device-fallback",
    message: `running on ${device === "cpu" ? "the processor" : device} (${reasons})`,
  };
}

/** The first line of a failure, without the places in C++ sources that the runtime puts there. */
function reasonOf(error: unknown): string {
  if (isUnderpaintError(error)) return error.message.replace(/\.$/, "");
  const message = error instanceof Error ? error.message : String(error);
  const line = message.trim().split("\n", 1)[0]!;
  const plain = line.replace(
    /^.*(?:was false\.|Status Message:|\[ONNXRuntimeError\] : \d+ : \w+ :)\s*/,
    "",
  );
  return plain.slice(0, 200).replace(/\.$/, "");
}
