import type { InferenceSession as OrtSession, Tensor as OrtTensor } from "onnxruntime-common";
import { UnderpaintError } from "../errors.js";
import { externalLocations } from "../graph/external-locations.js";
import type { Tensor, TensorType } from "../tensor/tensor.js";
import type {
  DeviceTensor,
  InferenceBackend,
  InferenceSession,
  ModelFile,
  NamedTensors,
  RunOptions,
  SessionOptions,
  TensorSpec,
} from "./contract.js";
import { loadError, runError } from "./ort-errors.js";
import { createQueue, type Queue, untilAborted } from "./queue.js";

/** What is used of ONNX Runtime's module, `onnxruntime-node` and `onnxruntime-web` alike. */
export type OrtModule = Pick<typeof import("onnxruntime-common"), "InferenceSession" | "Tensor">;

/** Options of {@link createOrtBackend}. */
export interface OrtBackendOptions {
  /**
   * The runtime, imported by the caller. Tensors are made with its own `Tensor` class: the one
   * that `onnxruntime-common` exports to ES modules is another than onnxruntime-node's.
   */
  readonly ort: OrtModule;
  /** The runtime and device, as in "onnxruntime-node/cpu". */
  readonly name: string;
  /** Handed to the runtime with every graph: `executionProviders`, `intraOpNumThreads`, …. */
  readonly sessionOptions?: OrtSession.SessionOptions;
  /**
   * Where outputs named in {@link SessionOptions.deviceOutputs} stay. Left out, they come to the
   * CPU: right for onnxruntime-node, whose GPU tensors cannot be downloaded (1.30 ends the process).
   */
  readonly deviceLocation?: "gpu-buffer" | "ml-tensor";
  /**
   * Where the backend's calls wait for each other; one of its own when left out. Backends of one
   * runtime whose calls must not overlap at all share one.
   */
  readonly queue?: Queue;
}

/**
 * An {@link InferenceBackend} over an ONNX Runtime module.
 *
 * Sessions are loaded and run one after the other, in the order of the calls: the runtime computes
 * on the calling thread in Node, and its WebGPU build forbids overlapping calls in browsers.
 * External weights are found beside a graph given by its path, in the same folder alone; a graph
 * given as bytes has only those that are given with it (docs/decisions/external-weights.md).
 */
export function createOrtBackend(options: OrtBackendOptions): InferenceBackend {
  const { ort, name, sessionOptions, deviceLocation, queue = createQueue() } = options;
  const onDevice = new WeakMap<DeviceTensor, OrtTensor>();

  async function createSession(
    model: ModelFile,
    { deviceOutputs = [], signal, label = labelOf(model) }: SessionOptions = {},
  ): Promise<InferenceSession> {
    signal?.throwIfAborted();
    const { externalData, folder } = checkedExternalData(model, label);
    const create = async (): Promise<OrtSession> => {
      signal?.throwIfAborted();
      const all: OrtSession.SessionOptions = {
        ...sessionOptions,
        ...(externalData.length > 0 && { externalData }),
        ...(folder !== undefined && { extra: withFolder(sessionOptions?.extra, folder) }),
        ...(deviceLocation &&
          deviceOutputs.length > 0 && {
            preferredOutputLocation:
              deviceOutputs === "all"
                ? deviceLocation
                : Object.fromEntries(deviceOutputs.map((output) => [output, deviceLocation])),
          }),
      };
      try {
        return "path" in model
          ? await ort.InferenceSession.create(model.path, all)
          : await ort.InferenceSession.create(model.bytes, all);
      } catch (cause) {
        throw loadError(cause, { graph: label, backend: name });
      }
    };
    const loading = queue(create);
    const session = await untilAborted(loading, signal, (late) => void queue(() => late.release()));
    return wrap(session, label);
  }

  function wrap(session: OrtSession, label: string): InferenceSession {
    let disposal: Promise<void> | undefined;
    return {
      inputs: session.inputMetadata.map(toSpec),
      outputs: session.outputMetadata.map(toSpec),
      async run(feeds: NamedTensors, { outputs = session.outputNames }: RunOptions = {}) {
        if (disposal) {
          throw new UnderpaintError({ code: "disposed", what: `${label} was unloaded` });
        }
        return queue(async () => {
          try {
            const fed = Object.fromEntries(
              Object.entries(feeds).map(([key, value]) => [key, toOrt(value)]),
            );
            const results = await session.run(fed, [...outputs]);
            return Object.fromEntries(
              outputs.map((output) => [output, fromOrt(results[output] as OrtTensor, output)]),
            );
          } catch (cause) {
            throw runError(cause, { graph: label, backend: name });
          }
        });
      },
      dispose() {
        disposal ??= queue(() => session.release());
        return disposal;
      },
    };
  }

  function toOrt(value: Tensor | DeviceTensor): OrtTensor {
    if (!("location" in value)) return new ort.Tensor(value.type, value.data, value.dims);
    const tensor = onDevice.get(value);
    if (!tensor) {
      throw new UnderpaintError({
        code: "invalid-request",
        what: "a device tensor was disposed, or belongs to another backend",
      });
    }
    return tensor;
  }

  function fromOrt(tensor: OrtTensor, output: string): Tensor | DeviceTensor {
    const { type, dims } = tensor;
    if (!isTensorType(type)) {
      throw new UnderpaintError({
        code: "inference-failed",
        what: `output ${JSON.stringify(output)} has elements that are not read`,
        value: type,
        allowed: tensorTypes.join(", "),
      });
    }
    if (tensor.location === "cpu" || tensor.location === "cpu-pinned") {
      return { type, dims: [...dims], data: cpuData(tensor.data) } as Tensor;
    }
    const wrapped: DeviceTensor = {
      location: "device",
      type,
      dims: [...dims],
      download: async () => {
        toOrt(wrapped);
        return { type, dims: [...dims], data: cpuData(await tensor.getData()) } as Tensor;
      },
      dispose() {
        if (onDevice.delete(wrapped)) tensor.dispose();
      },
    };
    onDevice.set(wrapped, tensor);
    return wrapped;
  }

  return { name, createSession };
}

const tensorTypes: readonly TensorType[] = ["float32", "float16", "int32", "int64"];

function isTensorType(type: string): type is TensorType {
  return (tensorTypes as readonly string[]).includes(type);
}

/** Engines that have Float16Array get half floats as one; here they are kept as their bits. */
function cpuData(data: OrtTensor.DataType): OrtTensor.DataType {
  return Object.prototype.toString.call(data) === "[object Float16Array]"
    ? bits(data as unknown as ArrayBufferView & { length: number })
    : data;
}

function bits({ buffer, byteOffset, length }: ArrayBufferView & { length: number }): Uint16Array {
  return new Uint16Array(buffer, byteOffset, length);
}

function toSpec(metadata: OrtSession.ValueMetadata): TensorSpec {
  return metadata.isTensor
    ? { name: metadata.name, type: metadata.type, dims: metadata.shape }
    : { name: metadata.name, type: "not a tensor", dims: [] };
}

function labelOf(model: ModelFile): string {
  if ("bytes" in model) return "a graph given as bytes";
  return model.path.split(/[/\\]/).slice(-2).join("/");
}

/** Where the runtime finds a graph's external weights; throws where they cannot be the graph's. */
function checkedExternalData(
  model: ModelFile,
  label: string,
): {
  /** What it is handed. */
  readonly externalData: { path: string; data: Uint8Array }[];
  /** Where the rest is, for a graph that is not in a file itself. */
  readonly folder: string | undefined;
} {
  const externalData: { path: string; data: Uint8Array }[] = [];
  const known = new Set<string>();
  let folder = "path" in model ? slashes(model.path).replace(/[^/]*$/, "") : undefined;
  for (const { path, data } of model.externalData ?? []) {
    known.add(withoutDot(path));
    if (typeof data !== "string") {
      externalData.push({ path, data });
      continue;
    }
    const itsFolder = folderOf(path, data);
    if (itsFolder === undefined || itsFolder !== (folder ?? itsFolder)) {
      throw new UnderpaintError({
        code: "invalid-request",
        what:
          "path" in model
            ? `the external weights ${JSON.stringify(path)} of ${label} do not lie beside the graph`
            : `the external weights ${JSON.stringify(path)} of ${label} do not lie under that name in the folder of the others`,
        value: data,
        remedy: "hand their bytes, or move them into the graph's folder under that name",
      });
    }
    folder = itsFolder;
  }
  if ("path" in model) return { externalData, folder: undefined };
  for (const location of externalLocations(model.bytes, label)) {
    if (known.has(withoutDot(location))) continue;
    throw new UnderpaintError({
      code: "model-invalid",
      what: `${label} needs external weights that are not there`,
      value: location,
      remedy: "put the file beside the graph, under that name, and load the model again",
    });
  }
  return { externalData, folder };
}

function slashes(path: string): string {
  return path.replaceAll("\\", "/");
}

function withoutDot(path: string): string {
  return slashes(path).replace(/^\.\//, "");
}

/** The folder, with its last slash, in which a file has the name; undefined where it has another. */
function folderOf(name: string, file: string): string | undefined {
  const [short, long] = [withoutDot(name), slashes(file)];
  return long.endsWith(`/${short}`) ? long.slice(0, -short.length) : undefined;
}

/** The caller's settings, and where a graph in memory has its weights. */
function withFolder(
  extra: OrtSession.SessionOptions["extra"],
  folder: string,
): Record<string, unknown> {
  const session = { model_external_initializers_file_folder_path: folder };
  return { ...extra, session: { ...(extra?.session as object | undefined), ...session } };
}
