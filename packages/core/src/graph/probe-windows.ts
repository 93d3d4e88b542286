import { attributeOf } from "./graph.js";
import {
  broadcast,
  type Dims,
  listOf,
  numberOf,
  numbersOf,
  type Probed,
  type ProbedNode,
  type Rule,
  shaped,
} from "./probe-node.js";

/** Sizes after a window of `kernel` has moved over `sizes` (Conv, pooling). */
export function slid(node: ProbedNode, sizes: Dims, kernel: Dims): number[] {
  const strides = numbersOf(node, "strides");
  const dilations = numbersOf(node, "dilations");
  const pads = numbersOf(node, "pads");
  const mode = attributeOf(node.node, "auto_pad")?.text ?? "NOTSET";
  const round = numberOf(node, "ceil_mode", 0) === 1 ? Math.ceil : Math.floor;
  return sizes.map((size, axis) => {
    const stride = strides?.[axis] ?? 1;
    if (mode.startsWith("SAME")) return Math.ceil(size / stride);
    const padding = mode === "VALID" ? 0 : (pads?.[axis] ?? 0) + (pads?.[axis + sizes.length] ?? 0);
    const extent = ((kernel[axis] ?? 1) - 1) * (dilations?.[axis] ?? 1) + 1;
    return round((size + padding - extent) / stride) + 1;
  });
}

export function convolution(node: ProbedNode): readonly Probed[] {
  const [{ type, dims }, weights] = [node.input(0), node.input(1)];
  if (!dims || !weights.dims) return [shaped(type ?? weights.type, undefined)];
  const [batch = 0, , ...sizes] = dims;
  const [channels = 0, , ...kernel] = weights.dims;
  return [shaped(type ?? weights.type, [batch, channels, ...slid(node, sizes, kernel)])];
}

export function transposedConvolution(node: ProbedNode): readonly Probed[] {
  const [{ type, dims }, weights] = [node.input(0), node.input(1)];
  if (!dims || !weights.dims) return [shaped(type, undefined)];
  const [batch = 0, , ...sizes] = dims;
  const [, channels = 0, ...kernel] = weights.dims;
  const [strides, pads] = [numbersOf(node, "strides"), numbersOf(node, "pads")];
  const [dilations, more] = [numbersOf(node, "dilations"), numbersOf(node, "output_padding")];
  const grown = sizes.map((size, axis) => {
    const extent = ((kernel[axis] ?? 1) - 1) * (dilations?.[axis] ?? 1) + 1;
    const padding = (pads?.[axis] ?? 0) + (pads?.[axis + sizes.length] ?? 0);
    return (size - 1) * (strides?.[axis] ?? 1) + extent - padding + (more?.[axis] ?? 0);
  });
  return [shaped(type, [batch, channels * numberOf(node, "group", 1), ...grown])];
}

export function pooling(node: ProbedNode): readonly Probed[] {
  const { type, dims } = node.input(0);
  const kernel = numbersOf(node, "kernel_shape");
  if (!dims || !kernel) return [shaped(type, undefined)];
  return [shaped(type, [...dims.slice(0, 2), ...slid(node, dims.slice(2), kernel)])];
}

export function globalPooling(node: ProbedNode): readonly Probed[] {
  const { type, dims } = node.input(0);
  return [
    shaped(
      type,
      dims?.map((size, axis) => (axis < 2 ? size : 1)),
    ),
  ];
}

export function matrixProduct(node: ProbedNode): readonly Probed[] {
  const [{ type, dims: a }, { dims: b }] = [node.input(0), node.input(1)];
  if (!a || !b || a.length < 2 || b.length < 2) return [shaped(type, undefined)];
  const batch = broadcast(a.slice(0, -2), b.slice(0, -2));
  return [shaped(type, batch && [...batch, a.at(-2)!, b.at(-1)!])];
}

export function gemm(node: ProbedNode): readonly Probed[] {
  const [{ type, dims: a }, { dims: b }] = [node.input(0), node.input(1)];
  if (a?.length !== 2 || b?.length !== 2) return [shaped(type, undefined)];
  const rows = numberOf(node, "transA", 0) ? a[1]! : a[0]!;
  const columns = numberOf(node, "transB", 0) ? b[0]! : b[1]!;
  return [shaped(type, [rows, columns])];
}

export function resize(node: ProbedNode): readonly Probed[] {
  const { type, dims } = node.input(0);
  const isOld = node.node.op === "Upsample" || node.opset <= 10;
  const scales = isOld ? listOf(node, "scales", 1) : node.input(2).values;
  const wanted = isOld ? undefined : node.input(3).values;
  if (!dims || numbersOf(node, "axes")) return [shaped(type, undefined)];
  if (wanted?.length === dims.length) return [shaped(type, wanted)];
  if (scales?.length !== dims.length) return [shaped(type, undefined)];
  return [
    shaped(
      type,
      dims.map((size, axis) => Math.floor(size * scales[axis]!)),
    ),
  ];
}

/** Moves squares of pixels into channels, or back: `factor` is that of the sides. */
export function reblocked(factor: (block: number) => number): Rule {
  return (node) => {
    const { type, dims } = node.input(0);
    if (dims?.length !== 4) return [shaped(type, undefined)];
    const [batch, channels, height, width] = dims as [number, number, number, number];
    const grow = factor(numberOf(node, "blocksize", 1));
    return [shaped(type, [batch, channels / grow / grow, height * grow, width * grow])];
  };
}
