import {
  attributeOf,
  type ComponentManifest,
  elementBytes,
  type JsonObject,
  type ModelManifest,
  type OnnxGraph,
  readGraphBytes,
} from "@underpaint/core";

/** What a graph asks of a device. */
export interface GraphNeeds {
  /** The graph's path inside the model. */
  readonly graph: string;
  /** Graph and weights. */
  readonly bytes: number;
  /** Bytes of the largest tensor that one operator reads: at least so many, and at most. */
  readonly largest: { readonly least: number; readonly most: number };
  /** Whether it computes in half precision; undefined where that is not known yet. */
  readonly halves: boolean | undefined;
}

/** What a model asks of a device. */
export interface ModelNeeds {
  /** The graphs that every picture needs. */
  readonly graphs: readonly GraphNeeds[];
  /**
   * Bytes of the attention scores of the network at the model's own picture size, for both branches
   * of guidance, in half precision; a graph whose attention is not fused makes them one tensor.
   */
  readonly attentionBytes: number;
}

/** Attention is computed for the prompt and for the negative prompt at once. */
const branches = 2;

/**
 * What is known of a model's needs by its manifest, before any weight is fetched.
 *
 * @param headers graphs that were read already, by their paths.
 */
export function needsOfModel(
  { components }: ModelManifest,
  headers: ReadonlyMap<string, OnnxGraph> = new Map(),
): ModelNeeds {
  const { text_encoder, unet, vae_decoder } = components;
  return {
    graphs: [text_encoder, unet, vae_decoder].map((component) => {
      const header = headers.get(component.graph);
      return header ? needsOfGraph(header, component.bytes) : guess(component);
    }),
    attentionBytes: attentionBytes(unet.config),
  };
}

/** What a graph, read with its operators, needs by what it says of its weights. */
export function needsOfGraph(graph: OnnxGraph, bytes: number): GraphNeeds {
  const halves = computesInHalves(graph);
  let largest = 0;
  for (const { type, dims } of graph.initializers.values()) {
    const count = dims.reduce((product, size) => product * size, 1);
    // Halves that are only stored are made single when the graph is loaded.
    const held = type === "float16" && !halves ? "float32" : type;
    largest = Math.max(largest, elementBytes(held, count) ?? 0);
  }
  return { graph: graph.label, bytes, largest: { least: largest, most: largest }, halves };
}

/** Whether an operator works on halves, rather than a cast on weights that are stored as such. */
function computesInHalves({ inputs, initializers, nodes }: OnnxGraph): boolean {
  const half = new Set(
    [...inputs, ...initializers.values()]
      .filter(({ type }) => type === "float16")
      .map(({ name }) => name),
  );
  if (inputs.some(({ name }) => half.has(name))) return true;
  for (const node of nodes) {
    const tensor = node.op === "Constant" ? attributeOf(node, "value")?.tensor : undefined;
    if (tensor?.type === "float16") half.add(node.outputs[0] ?? "");
  }
  return nodes.some((node) =>
    node.op === "Cast"
      ? attributeOf(node, "to")?.number === float16
      : node.inputs.some((name) => half.has(name)),
  );
}

/** ONNX's number of the element type (onnx.proto3, TensorProto.DataType). */
const float16 = 10;

/** As {@link needsOfGraph}, of a graph in memory; undefined for what cannot be read. */
export function readNeeds(graph: Uint8Array, label: string, bytes: number): GraphNeeds | undefined {
  try {
    return needsOfGraph(readGraphBytes(graph, { label }), bytes);
  } catch {
    return undefined;
  }
}

/** The sizes of a Stable Diffusion model's largest weights follow from its configs. */
function guess({ name, graph, bytes, config }: ComponentManifest): GraphNeeds {
  const widest = Math.max(0, ...numbers(config.block_out_channels));
  const elements =
    name === "text_encoder"
      ? one(config.vocab_size) * one(config.hidden_size)
      : // A UNet's upper half takes a level's channels and those of its skip connections.
        (name === "unet" ? 2 : 1) * widest ** 2 * 9;
  const known = elements > 0;
  return {
    graph,
    bytes,
    largest: {
      least: known ? Math.min(bytes, 2 * elements) : 0,
      most: known ? Math.min(bytes, 4 * elements) : bytes,
    },
    halves: undefined,
  };
}

function attentionBytes(unet: JsonObject): number {
  const types = Array.isArray(unet.down_block_types) ? unet.down_block_types : [];
  const level = types.findIndex((type) => typeof type === "string" && /Attn/.test(type));
  const [size = 0] = numbers(unet.sample_size);
  if (level < 0) return 0;
  const heads = numbers(unet.num_attention_heads ?? unet.attention_head_dim);
  const tokens = (size / 2 ** level) ** 2;
  return branches * (heads[level] ?? heads[0] ?? 8) * tokens ** 2 * 2;
}

function numbers(value: unknown): number[] {
  return (Array.isArray(value) ? value : [value]).filter(
    (entry): entry is number => Number.isSafeInteger(entry) && (entry as number) > 0,
  );
}

function one(value: unknown): number {
  return numbers(value)[0] ?? 0;
}
