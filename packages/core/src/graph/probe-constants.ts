import { elementTypeName } from "./element-types.js";
import { attributeOf } from "./graph.js";
import {
  isFew,
  isInteger,
  mostValues,
  numberOf,
  type Probed,
  type ProbedNode,
  shaped,
} from "./probe-node.js";

export function constant(node: ProbedNode): readonly Probed[] {
  for (const { name, number, numbers, tensor } of node.node.attributes) {
    if (name === "value" && tensor) return [tensor];
    if (name === "value_int" && number !== undefined) return [shaped("int64", [], [number])];
    if (name === "value_float" && number !== undefined) return [shaped("float32", [], [number])];
    if (name === "value_ints" && numbers) return [shaped("int64", [numbers.length], numbers)];
    if (name === "value_floats" && numbers) return [shaped("float32", [numbers.length], numbers)];
  }
  return [];
}

export function constantOfShape(node: ProbedNode): readonly Probed[] {
  const { tensor } = attributeOf(node.node, "value") ?? {};
  const dims = node.input(0).values;
  const count = dims?.reduce((product, size) => product * size, 1) ?? Infinity;
  const value = tensor ? tensor.values?.[0] : 0;
  const values =
    value !== undefined && isFew(count) ? new Array<number>(count).fill(value) : undefined;
  return [shaped(tensor?.type ?? "float32", dims, values)];
}

export function range(node: ProbedNode): readonly Probed[] {
  const { type, values } = node.input(0);
  const [start, limit, step] = [values?.[0], node.input(1).values?.[0], node.input(2).values?.[0]];
  if (start === undefined || limit === undefined || !step) return [shaped(type, undefined)];
  const count = Math.max(0, Math.ceil((limit - start) / step));
  const few = Array.from(
    { length: Math.min(count, mostValues) },
    (_, index) => start + index * step,
  );
  return [shaped(type, [count], count <= mostValues ? few : undefined)];
}

export function shape(node: ProbedNode): readonly Probed[] {
  const { dims } = node.input(0);
  if (!dims) return [shaped("int64", undefined)];
  const sizes = dims.slice(numberOf(node, "start", 0), numberOf(node, "end", dims.length));
  return [shaped("int64", [sizes.length], sizes)];
}

export function size(node: ProbedNode): readonly Probed[] {
  const total = node.input(0).dims?.reduce((product, length) => product * length, 1);
  return [shaped("int64", [], total === undefined ? undefined : [total])];
}

export function cast(node: ProbedNode): readonly Probed[] {
  const { dims, values } = node.input(0);
  const to = attributeOf(node.node, "to")?.number;
  const type = to === undefined ? node.input(1).type : elementTypeName(to);
  return [shaped(type, dims, isInteger(type) ? values?.map(Math.trunc) : values)];
}
