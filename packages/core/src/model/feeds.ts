import type { DeviceTensor, TensorSpec } from "../backend/contract.js";
import { UnderpaintError } from "../errors.js";
import { convert } from "../tensor/convert.js";
import { type FloatTensor, floatTensor, type Tensor, type TensorType } from "../tensor/tensor.js";
import { describeSpec } from "./bind.js";

/**
 * Floats in the element type that a graph's input has.
 *
 * @param graph what errors call the graph: "unet/model.onnx".
 * @throws UnderpaintError `invalid-request` when the input's fixed sizes are others than the
 * tensor's.
 */
export function floatFeed(graph: string, spec: TensorSpec, value: FloatTensor): Tensor {
  checkDims(graph, spec, value.dims);
  return convert(value, spec.type as TensorType);
}

/**
 * Token ids [batch, tokens] in the integer type that a graph's input has; see {@link floatFeed}.
 */
export function idsFeed(graph: string, spec: TensorSpec, ids: Tensor<"int32">): Tensor {
  checkDims(graph, spec, ids.dims);
  return convert(ids, spec.type as TensorType);
}

/**
 * A timestep as a graph wants it: float or integer, a scalar, [1], or one for each entry of the
 * batch. For an integer input the fraction is cut off, as the reference's callers do.
 *
 * @param batch the entries of this run.
 * @param batchAxis the name of the latents' batch axis: an axis of that name has the same size.
 */
export function timestepFeed(
  spec: TensorSpec,
  timestep: number,
  batch: number,
  batchAxis: number | string | undefined,
): Tensor {
  const [axis] = spec.dims;
  const count = typeof axis === "number" ? axis : axis !== "" && axis === batchAxis ? batch : 1;
  const whole = spec.type === "int64" || spec.type === "int32";
  const values = new Float32Array(count).fill(whole ? Math.trunc(timestep) : timestep);
  return convert(
    floatTensor(spec.dims.length === 0 ? [] : [count], values),
    spec.type as TensorType,
  );
}

/** A graph's output as float32 on the CPU. */
export async function readFloats(output: Tensor | DeviceTensor): Promise<FloatTensor> {
  if (!("location" in output)) return convert(output, "float32");
  const values = await output.download();
  output.dispose();
  return convert(values, "float32");
}

function checkDims(graph: string, spec: TensorSpec, dims: readonly number[]): void {
  if (spec.dims.length === 0) return;
  const fits =
    dims.length === spec.dims.length &&
    spec.dims.every((size, axis) => typeof size === "string" || size === dims[axis]);
  if (fits) return;
  throw new UnderpaintError({
    code: "invalid-request",
    what: `${graph} cannot be given this shape as ${JSON.stringify(spec.name)}`,
    value: dims,
    allowed: describeSpec(spec),
  });
}
