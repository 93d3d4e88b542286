/** Where a piece of an ONNX file lies, from its protobuf tag to its end. */
export interface Place {
  readonly start: number;
  readonly end: number;
}

/** An input or output of a graph, or what the file says of a value inside of it. */
export interface GraphPort {
  readonly name: string;
  /** ONNX's element type in lower case: "float32", "int64"; "not a tensor" for anything else. */
  readonly type: string;
  /** The axes, outermost first: a size, the name of a dynamic axis, or "?" for one without a name. */
  readonly dims: readonly (number | string)[];
}

/** Where a tensor's elements are. */
export type TensorPlace =
  /** In the graph's file, one after the other, little-endian. */
  | { readonly kind: "inside"; readonly offset: number; readonly length: number }
  /** In another file, by the graph's name for it; from its beginning and to its end if not told. */
  | {
      readonly kind: "external";
      readonly location: string;
      readonly offset: number;
      readonly length: number | undefined;
    }
  /** In the graph's file, in an encoding of protobuf's that is read for small tensors only. */
  | { readonly kind: "encoded" };

/** A constant tensor of a graph: a weight. */
export interface GraphTensor {
  readonly name: string;
  /** ONNX's element type in lower case. */
  readonly type: string;
  readonly dims: readonly number[];
  readonly place: TensorPlace;
  /**
   * The elements of a tensor inside the graph of at most 64, for float16, float32, float64, int32,
   * int64 and bool; those of larger tensors stay in the file.
   */
  readonly values: readonly number[] | undefined;
  readonly record: Place;
}

/** An attribute of an operator, by what it holds. */
export interface GraphAttribute {
  readonly name: string;
  /** Of an int or float. Whole numbers beyond 2^53 are rounded. */
  readonly number?: number;
  /** Of ints or floats. */
  readonly numbers?: readonly number[];
  readonly text?: string;
  readonly tensor?: GraphTensor;
}

/** An operator of a graph. */
export interface GraphNode {
  /** Its place in {@link OnnxGraph.nodes}. */
  readonly index: number;
  readonly op: string;
  /** "" for ONNX's own operators. */
  readonly domain: string;
  readonly name: string;
  /** Names of values; "" is an optional input that is left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: readonly GraphAttribute[];
  /** Values of the graph that are used by graphs in its attributes (the branches of an If). */
  readonly captured: readonly string[];
  readonly record: Place;
}

/** What an ONNX file says, its weights left where they are. */
export interface OnnxGraph {
  /** What errors call it: "unet/model.onnx". */
  readonly label: string;
  /** Of the file, in bytes. */
  readonly size: number;
  readonly irVersion: number | undefined;
  /** "pytorch 2.9" and the like; "" where the file does not say. */
  readonly producer: string;
  /** Versions of the operators by domain; ONNX's own domain is "". */
  readonly opsets: ReadonlyMap<string, number>;
  /** In the file's order, which need not be one in which they can be computed. */
  readonly nodes: readonly GraphNode[];
  /** What a caller feeds. Weights that old exporters list as inputs are left out. */
  readonly inputs: readonly GraphPort[];
  readonly outputs: readonly GraphPort[];
  /** What the file says of values between operators, by name; many exporters say nothing. */
  readonly valueInfo: ReadonlyMap<string, GraphPort>;
  readonly initializers: ReadonlyMap<string, GraphTensor>;
  /** Names of sparse weights, which are told apart and not read. */
  readonly sparseInitializers: ReadonlySet<string>;
  /** Names of operators that the file defines itself, as "domain:name". */
  readonly functions: ReadonlySet<string>;
  /** Names that graphs inside of operators give to their own values. */
  readonly nestedNames: ReadonlySet<string>;
  /** External files of weights inside of operators or functions, by the file's names for them. */
  readonly nestedLocations: ReadonlySet<string>;
  /** The pieces of the file that hold the graph: one, and one more for each time it was patched. */
  readonly places: readonly GraphPlace[];
}

/** A piece of a file that holds a graph, or more of it. */
export interface GraphPlace extends Place {
  /** Where its content begins, after tag and length. */
  readonly content: number;
}

/** A node's attribute of that name. */
export function attributeOf(node: GraphNode, name: string): GraphAttribute | undefined {
  return node.attributes.find((attribute) => attribute.name === name);
}
