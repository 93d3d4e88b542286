import { halfToNumber, numberToHalf } from "../tensor/half.js";
import { attributeOf, type GraphNode } from "./graph.js";

/** What is known of a value: each part may be unknown. */
export interface Probed {
  readonly type: string | undefined;
  readonly dims: readonly number[] | undefined;
  /** The elements of a small constant, or of a small value that follows from shapes. */
  readonly values: readonly number[] | undefined;
}

/** A node with what is known of its inputs. */
export interface ProbedNode {
  readonly node: GraphNode;
  /** Of ONNX's own operators. */
  readonly opset: number;
  input(index: number): Probed;
}

/** Gives what is known of a node's outputs, in their order. */
export type Rule = (node: ProbedNode) => readonly Probed[];

export type Dims = readonly number[];

/** Nothing is known. */
export const unknown: Probed = { type: undefined, dims: undefined, values: undefined };

/** Of more elements than these the numbers are not followed. */
export const mostValues = 64;

/** Whether an array of `count` elements is one that is followed. */
export function isFew(count: number): boolean {
  return Number.isInteger(count) && count >= 0 && count <= mostValues;
}

export const integers = /^u?int\d+$|^bool$/;

export function isInteger(type: string | undefined): boolean {
  return type !== undefined && integers.test(type);
}

export function shaped(type: string | undefined, dims: Dims | undefined, values?: Dims): Probed {
  const few = values && values.length <= mostValues ? values : undefined;
  const round = type === "float32" ? Math.fround : type === "float16" ? toHalf : undefined;
  return { type, dims, values: round ? few?.map(round) : few };
}

function toHalf(value: number): number {
  return halfToNumber(numberToHalf(value));
}

export function numberOf(node: ProbedNode, name: string, otherwise: number): number {
  return attributeOf(node.node, name)?.number ?? otherwise;
}

export function numbersOf(node: ProbedNode, name: string): Dims | undefined {
  return attributeOf(node.node, name)?.numbers;
}

/** An axis counted from the front. */
export function axisIn(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

/** A list that is an attribute in older operator sets, and an input in newer ones. */
export function listOf(node: ProbedNode, name: string, input: number): Dims | undefined {
  return numbersOf(node, name) ?? node.input(input).values;
}

export function isLeftOut(node: ProbedNode, input: number): boolean {
  return (node.node.inputs[input] ?? "") === "";
}

/** The numpy way of bringing two shapes together; undefined where they do not fit. */
export function broadcast(a: Dims, b: Dims): number[] | undefined {
  const rank = Math.max(a.length, b.length);
  const result: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const one = a[a.length - rank + axis] ?? 1;
    const other = b[b.length - rank + axis] ?? 1;
    if (one !== other && one !== 1 && other !== 1) return undefined;
    result.push(one === 1 ? other : one);
  }
  return result;
}
