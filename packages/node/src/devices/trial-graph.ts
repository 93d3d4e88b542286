/** Channels in and out of {@link convolutionGraph}. */
export const channels = 64;

/**
 * An ONNX graph of one 3 × 3 convolution, y = Conv(x, w) with padding 1: x is [1, 64, h, w], w
 * [64, 64, 3, 3]. Written out in protobuf's wire format (onnx.proto3 numbers the fields): 150
 * bytes, and no file to ship.
 */
export function convolutionGraph(): Uint8Array {
  const pads = [text(1, "pads"), ...[1, 1, 1, 1].map((pad) => integer(8, pad)), integer(20, 7)];
  const node = [text(1, "x"), text(1, "w"), text(2, "y"), text(4, "Conv"), message(5, pads)];
  const graph = [
    message(1, node),
    text(2, "trial"),
    value(11, "x", [1, channels, "h", "w"]),
    value(11, "w", [channels, channels, 3, 3]),
    value(12, "y", [1, channels, "h", "w"]),
  ];
  const operators = [integer(2, 17)];
  return Uint8Array.from([integer(1, 8), message(7, graph), message(8, operators)].flat());
}

/** A float32 input or output. */
function value(field: number, name: string, dims: readonly (number | string)[]): number[] {
  const shape = dims.map((dim) =>
    message(1, [typeof dim === "number" ? integer(1, dim) : text(2, dim)]),
  );
  return message(field, [
    text(1, name),
    message(2, [message(1, [integer(1, 1), message(2, shape)])]),
  ]);
}

function integer(field: number, number: number): number[] {
  return [...varint(field * 8), ...varint(number)];
}

function text(field: number, content: string): number[] {
  return message(field, [[...new TextEncoder().encode(content)]]);
}

function message(field: number, parts: readonly (readonly number[])[]): number[] {
  const content = parts.flat();
  return [...varint(field * 8 + 2), ...varint(content.length), ...content];
}

function varint(number: number): number[] {
  return number < 128 ? [number] : [(number & 127) | 128, ...varint(number >>> 7)];
}
