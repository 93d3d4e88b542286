import type { Tensor } from "../tensor/tensor.js";

/** What a graph says of one of its inputs or outputs. */
export interface TensorSpec {
  readonly name: string;
  /** ONNX's element type ("float32", "float16", "int64", "int32", "bool", …) as the graph has it. */
  readonly type: string;
  /** The axes, outermost first: a size, or the name of a dynamic axis. `[]` is a scalar. */
  readonly dims: readonly (number | string)[];
}

/**
 * A tensor that stays where a graph left it (a GPU buffer). It can be fed to another graph of the
 * same backend, and must be disposed.
 */
export interface DeviceTensor {
  readonly location: "device";
  readonly type: Tensor["type"];
  readonly dims: readonly number[];
  /** Copies the values to the CPU. */
  download(): Promise<Tensor>;
  dispose(): void;
}

/** What is fed to a graph and what comes out, by name. */
export type NamedTensors = Readonly<Record<string, Tensor | DeviceTensor>>;

/**
 * A graph's bytes, or where the backend finds them. External weights lie beside the graph under
 * the names that the graph has for them.
 */
export type ModelFile =
  | {
      /** An absolute path; external weights are in the same folder. Only Node's backends read paths. */
      readonly path: string;
      readonly externalData?: readonly ExternalData[];
    }
  | {
      readonly bytes: Uint8Array;
      /** What is given by a path lies in one folder, under the names that the graph has for it. */
      readonly externalData?: readonly ExternalData[];
    };

/** A file of weights that a graph refers to by name, relative to the graph. */
export interface ExternalData {
  readonly path: string;
  /** The content, or, for Node's backends, the absolute path of the file that holds it. */
  readonly data: Uint8Array | string;
}

/** How a session is made. */
export interface SessionOptions {
  /** Names of outputs that should stay on the device where the backend has one, or all of them. */
  readonly deviceOutputs?: readonly string[] | "all";
  readonly signal?: AbortSignal;
  /** What errors call the graph: its path in the model, "unet/model.onnx". */
  readonly label?: string;
}

/** How a graph is run. */
export interface RunOptions {
  /** Only these outputs are fetched; all when left out. */
  readonly outputs?: readonly string[];
}

/** A loaded graph. Runs may overlap. */
export interface InferenceSession {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /**
   * Runs the graph once. A run cannot be interrupted.
   *
   * @throws UnderpaintError `inference-failed` with the runtime's own message.
   */
  run(feeds: NamedTensors, options?: RunOptions): Promise<NamedTensors>;
  /** Waits for running calls and gives everything back. Calling it again does nothing. */
  dispose(): Promise<void>;
}

/** Runs ONNX graphs: a plug-in kind. */
export interface InferenceBackend {
  /** The runtime and device, as in "onnxruntime-node/cpu". */
  readonly name: string;
  /**
   * Loads a graph.
   *
   * @throws UnderpaintError `model-invalid` for a file that is no sound graph,
   * `operator-unsupported` naming the operator that the device lacks.
   */
  createSession(model: ModelFile, options?: SessionOptions): Promise<InferenceSession>;
}
