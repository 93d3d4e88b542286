import type { TensorSpec } from "../backend/contract.js";
import { UnderpaintError } from "../errors.js";

/** An input or output that a graph is expected to have, under whichever name. */
export interface Port {
  /** The names that exporters give it, the most usual first. */
  readonly names: readonly string[];
  /** The ranks that it may have. */
  readonly ranks: readonly number[];
  /** Whether it takes float16 and float32, int32 and int64, or any of the four. */
  readonly elements: "float" | "integer" | "number";
  /** In words, for errors: "latents [batch, channels, height, width]". */
  readonly meaning: string;
}

type Ports<R extends string> = Readonly<Record<R, Port>>;

/** Ports by role, as found in a graph. */
export type Bound<R extends string, O extends string> = Readonly<
  Record<R, TensorSpec> & Partial<Record<O, TensorSpec>>
>;

const elementTypes = {
  float: ["float32", "float16"],
  integer: ["int64", "int32"],
  number: ["float32", "float16", "int64", "int32"],
} as const;

/**
 * Finds a graph's inputs: by name, then, for those whose name is not known, by rank and element
 * type where just one is left that fits.
 *
 * @param graph what errors call the graph: "unet/model.onnx".
 * @throws UnderpaintError `model-invalid` when an input is missing, or the graph has one that is
 * not known: it could not be run then.
 */
export function bindInputs<R extends string, O extends string = never>(
  graph: string,
  inputs: readonly TensorSpec[],
  required: Ports<R>,
  optional?: Ports<O>,
): Bound<R, O> {
  const { bound, left } = assign(inputs, required, optional);
  if (left.length > 0) {
    throw new UnderpaintError({
      code: "model-invalid",
      what: `${graph} has inputs that are not known: ${left.map(describeSpec).join(", ")}`,
      allowed: wording({ ...required, ...optional }),
      remedy: "export the model with optimum, whose graphs have just these",
    });
  }
  return complete("input", graph, inputs, required, bound);
}

/**
 * Finds the outputs that are needed of a graph, as {@link bindInputs} does; it may have others.
 *
 * @throws UnderpaintError `model-invalid` when an output is missing.
 */
export function bindOutputs<R extends string, O extends string = never>(
  graph: string,
  outputs: readonly TensorSpec[],
  required: Ports<R>,
  optional?: Ports<O>,
): Bound<R, O> {
  const { bound } = assign(outputs, required, optional);
  return complete("output", graph, outputs, required, bound);
}

/** "sample float32 [batch, 4, 64, 64]", as errors show it. */
export function describeSpec({ name, type, dims }: TensorSpec): string {
  const shape = dims.slice(0, 8).map((size) => (size === "" ? "?" : size));
  return `${name.slice(0, 60)} ${type} [${shape.join(", ")}]`;
}

function assign(
  specs: readonly TensorSpec[],
  required: Ports<string>,
  optional: Ports<string> = {},
): { bound: Map<string, TensorSpec>; left: readonly TensorSpec[] } {
  const bound = new Map<string, TensorSpec>();
  const left = new Set(specs);
  const take = (role: string, spec: TensorSpec): void => {
    bound.set(role, spec);
    left.delete(spec);
  };
  for (const [role, port] of Object.entries({ ...required, ...optional })) {
    const named = port.names
      .map((name) => [...left].find((spec) => spec.name === name && fits(spec, port)))
      .find((spec) => spec !== undefined);
    if (named) take(role, named);
  }
  // An input that just one port can be may leave another with just one: so to the end.
  for (let found = true; found; ) {
    found = false;
    for (const [role, port] of Object.entries(required)) {
      if (bound.has(role)) continue;
      const fitting = [...left].filter((spec) => fits(spec, port));
      if (fitting.length !== 1) continue;
      take(role, fitting[0]!);
      found = true;
    }
  }
  return { bound, left: [...left] };
}

/** The runtime gives an unknown rank as it gives a scalar's: `[]` fits any port. */
function fits({ type, dims }: TensorSpec, { elements, ranks }: Port): boolean {
  const known = (elementTypes[elements] as readonly string[]).includes(type);
  return known && (dims.length === 0 || ranks.includes(dims.length));
}

function complete<R extends string, O extends string>(
  kind: "input" | "output",
  graph: string,
  specs: readonly TensorSpec[],
  required: Ports<R>,
  bound: ReadonlyMap<string, TensorSpec>,
): Bound<R, O> {
  const missing = Object.keys(required).filter((role) => !bound.has(role)) as R[];
  if (missing.length > 0) {
    throw new UnderpaintError({
      code: "model-invalid",
      what: `${graph} has no ${kind} for ${missing.map((role) => required[role].meaning).join(" or ")}; it has ${specs.map(describeSpec).join(", ") || "none"}`,
      allowed: wording(required),
      remedy: "export the model with optimum, whose graphs have just these",
    });
  }
  return Object.fromEntries(bound) as Bound<R, O>;
}

function wording(ports: Ports<string>): string {
  return Object.values(ports)
    .map(({ names, meaning }) => `${names[0]}: ${meaning}`)
    .join(", ");
}
