import {
  axisIn,
  broadcast,
  type Dims,
  isFew,
  isLeftOut,
  listOf,
  mostValues,
  numberOf,
  numbersOf,
  type Probed,
  type ProbedNode,
  type Rule,
  shaped,
} from "./probe-node.js";

export function reshape(node: ProbedNode): readonly Probed[] {
  const { type, dims, values } = node.input(0);
  const wanted = listOf(node, "shape", 1);
  if (!wanted) return [shaped(type, undefined)];
  const keepsZero = numberOf(node, "allowzero", 0) === 1;
  const sizes = wanted.map((size, axis) =>
    size === 0 && !keepsZero ? (dims?.[axis] ?? Number.NaN) : size,
  );
  const open = sizes.indexOf(-1);
  if (open >= 0) {
    const total = dims?.reduce((product, size) => product * size, 1) ?? Number.NaN;
    const rest = sizes.reduce(
      (product, size, axis) => (axis === open ? product : product * size),
      1,
    );
    sizes[open] = total / rest;
  }
  return [shaped(type, sizes, values)];
}

export function transpose(node: ProbedNode): readonly Probed[] {
  const { type, dims, values } = node.input(0);
  const order = numbersOf(node, "perm") ?? dims?.map((_, axis) => dims.length - 1 - axis);
  const sizes = dims && order?.map((axis) => dims[axis] ?? Number.NaN);
  return [shaped(type, sizes, dims?.length === 1 ? values : undefined)];
}

export function unsqueeze(node: ProbedNode): readonly Probed[] {
  const { type, dims, values } = node.input(0);
  const axes = listOf(node, "axes", 1);
  if (!dims || !axes) return [shaped(type, undefined)];
  const rank = dims.length + axes.length;
  const places = new Set(axes.map((axis) => axisIn(axis, rank)));
  const rest = [...dims];
  const sizes = Array.from({ length: Math.min(rank, 64) }, (_, axis) =>
    places.has(axis) ? 1 : (rest.shift() ?? Number.NaN),
  );
  return [shaped(type, sizes, values)];
}

export function squeeze(node: ProbedNode): readonly Probed[] {
  const { type, dims, values } = node.input(0);
  const isGiven = numbersOf(node, "axes") !== undefined || !isLeftOut(node, 1);
  const axes = listOf(node, "axes", 1);
  if (!dims || (isGiven && !axes)) return [shaped(type, undefined)];
  const places = new Set(axes?.map((axis) => axisIn(axis, dims.length)));
  const sizes = dims.filter((size, axis) => (axes ? !places.has(axis) : size !== 1));
  return [shaped(type, sizes, values)];
}

export function flatten(node: ProbedNode): readonly Probed[] {
  const { type, dims } = node.input(0);
  if (!dims) return [shaped(type, undefined)];
  const axis = axisIn(numberOf(node, "axis", 1), dims.length);
  const product = (sizes: Dims): number => sizes.reduce((total, size) => total * size, 1);
  return [shaped(type, [product(dims.slice(0, axis)), product(dims.slice(axis))])];
}

export function concat(node: ProbedNode): readonly Probed[] {
  const parts = node.node.inputs.map((_, index) => node.input(index));
  const type = parts.find((part) => part.type !== undefined)?.type;
  const first = parts[0]?.dims;
  const lengths = parts.map(({ dims }) => dims);
  const values = parts.every((part) => part.values) ? parts.flatMap((part) => part.values!) : [];
  if (!first || lengths.some((dims) => dims?.length !== first.length)) {
    return [shaped(type, undefined)];
  }
  const axis = axisIn(numberOf(node, "axis", 0), first.length);
  const total = lengths.reduce((sum, dims) => sum + (dims![axis] ?? Number.NaN), 0);
  const sizes = first.map((size, at) => (at === axis ? total : size));
  const isList = first.length === 1 && parts.every((part) => part.values);
  return [shaped(type, sizes, isList ? values : undefined)];
}

export function split(node: ProbedNode): readonly Probed[] {
  const { type, dims, values } = node.input(0);
  const count = node.node.outputs.length;
  if (!dims) return node.node.outputs.map(() => shaped(type, undefined));
  const axis = axisIn(numberOf(node, "axis", 0), dims.length);
  const whole = dims[axis] ?? Number.NaN;
  const even = Math.ceil(whole / count);
  const given = isLeftOut(node, 1) ? numbersOf(node, "split") : node.input(1).values;
  if (!given && !isLeftOut(node, 1)) return node.node.outputs.map(() => shaped(type, undefined));
  let begin = 0;
  return node.node.outputs.map((_, index) => {
    const size = given?.[index] ?? Math.min(even, whole - even * index);
    const part = dims.length === 1 ? values?.slice(begin, begin + size) : undefined;
    begin += size;
    return shaped(
      type,
      dims.map((length, at) => (at === axis ? size : length)),
      part,
    );
  });
}

export function slice(node: ProbedNode): readonly Probed[] {
  const { type, dims, values } = node.input(0);
  const [starts, ends] = [listOf(node, "starts", 1), listOf(node, "ends", 2)];
  const axes = listOf(node, "axes", 3) ?? starts?.map((_, axis) => axis);
  const steps = isLeftOut(node, 4) ? starts?.map(() => 1) : node.input(4).values;
  const isUnknown = !isLeftOut(node, 3) && !node.input(3).values;
  if (!dims || !starts || !ends || !axes || !steps || isUnknown) return [shaped(type, undefined)];
  const sizes = [...dims];
  let part = dims.length === 1 ? values : undefined;
  starts.forEach((start, index) => {
    const axis = axisIn(axes[index] ?? Number.NaN, dims.length);
    const [size, step] = [dims[axis] ?? Number.NaN, steps[index] ?? 1];
    const clamp = (place: number, low: number, high: number): number =>
      Math.min(Math.max(place < 0 ? place + size : place, low), high);
    const begin = step > 0 ? clamp(start, 0, size) : clamp(start, 0, size - 1);
    const end = step > 0 ? clamp(ends[index]!, 0, size) : clamp(ends[index]!, -1, size - 1);
    const count = Math.max(0, Math.ceil((end - begin) / step));
    sizes[axis] = count;
    if (part) {
      const from = part;
      part =
        count <= mostValues
          ? Array.from({ length: count }, (_, at) => from[begin + at * step] ?? Number.NaN)
          : undefined;
    }
  });
  return [shaped(type, sizes, part)];
}

export function gather(node: ProbedNode): readonly Probed[] {
  const [{ type, dims, values }, indices] = [node.input(0), node.input(1)];
  if (!dims || !indices.dims) return [shaped(type, undefined)];
  const axis = axisIn(numberOf(node, "axis", 0), dims.length);
  const picked =
    dims.length === 1 && values
      ? indices.values?.map((at) => values[axisIn(at, values.length)] ?? Number.NaN)
      : undefined;
  const sizes = [...dims.slice(0, axis), ...indices.dims, ...dims.slice(axis + 1)];
  return [shaped(type, sizes, picked)];
}

export function expand(node: ProbedNode): readonly Probed[] {
  const { type, dims, values } = node.input(0);
  const wanted = node.input(1).values;
  const sizes = dims && wanted ? broadcast(dims, wanted) : undefined;
  const count = sizes?.reduce((product, size) => product * size, 1) ?? Infinity;
  const filled =
    values?.length === 1 && isFew(count) ? new Array<number>(count).fill(values[0]!) : undefined;
  return [shaped(type, sizes, filled)];
}

export function tile(node: ProbedNode): readonly Probed[] {
  const { type, dims } = node.input(0);
  const repeats = node.input(1).values;
  return [shaped(type, repeats && dims?.map((size, axis) => size * (repeats[axis] ?? Number.NaN)))];
}

export function pad(node: ProbedNode): readonly Probed[] {
  const { type, dims } = node.input(0);
  const pads = listOf(node, "pads", 1);
  if (!dims || !pads) return [shaped(type, undefined)];
  const axes = node.input(3).values ?? dims.map((_, axis) => axis);
  const sizes = [...dims];
  axes.forEach((given, index) => {
    const axis = axisIn(given, dims.length);
    const added = (pads[index] ?? Number.NaN) + (pads[index + axes.length] ?? Number.NaN);
    sizes[axis] = (sizes[axis] ?? Number.NaN) + added;
  });
  return [shaped(type, sizes)];
}

export function reduction(compute?: (values: Dims) => number): Rule {
  return (node) => {
    const { type, dims, values } = node.input(0);
    const isGiven = numbersOf(node, "axes") !== undefined || !isLeftOut(node, 1);
    const axes = listOf(node, "axes", 1);
    if (!dims || (isGiven && !axes)) return [shaped(type, undefined)];
    const keeps = numberOf(node, "keepdims", 1) === 1;
    const places = new Set(axes?.map((axis) => axisIn(axis, dims.length)));
    const isReduced = (axis: number): boolean => !axes || axes.length === 0 || places.has(axis);
    const sizes = keeps
      ? dims.map((size, axis) => (isReduced(axis) ? 1 : size))
      : dims.filter((_, axis) => !isReduced(axis));
    const result = dims.length === 1 && isReduced(0) && values ? compute?.(values) : undefined;
    return [shaped(type, sizes, result === undefined ? undefined : [result])];
  };
}
