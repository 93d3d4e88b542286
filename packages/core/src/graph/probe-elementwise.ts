import {
  broadcast,
  type Dims,
  isFew,
  isInteger,
  type Probed,
  type ProbedNode,
  type Rule,
  shaped,
} from "./probe-node.js";

/** Shape and type of the first input; its numbers through `compute`, where that is given. */
export function same(compute?: (value: number) => number): Rule {
  return (node) => {
    const { type, dims, values } = node.input(0);
    return [shaped(type, dims, compute && values?.map(compute))];
  };
}

export function elementwise(
  compute?: (a: number, b: number, isWhole: boolean) => number,
  resultType?: string,
): Rule {
  return (node) => {
    let { type, dims, values } = node.input(0);
    for (let index = 1; index < node.node.inputs.length; index++) {
      const other = node.input(index);
      const isWhole = isInteger(type) && isInteger(other.type);
      values =
        compute && values && other.values
          ? paired(values, other.values, (a, b) => compute(a, b, isWhole))
          : undefined;
      dims = dims && other.dims ? broadcast(dims, other.dims) : whole(dims ?? other.dims);
      type ??= other.type;
    }
    return [shaped(resultType ?? type, dims, values)];
  };
}

export /**
 * What a sum with something unknown is taken for: the known part's shape, where that is as whole as
 * pictures and tokens are. Biases, scales and embeddings have axes of 1.
 */
function whole(dims: Dims | undefined): Dims | undefined {
  return dims && dims.length >= 3 && dims.slice(1).every((size) => size > 1) ? dims : undefined;
}

function paired(a: Dims, b: Dims, compute: (a: number, b: number) => number): Dims | undefined {
  if (a.length === b.length) return a.map((value, index) => compute(value, b[index]!));
  if (b.length === 1) return a.map((value) => compute(value, b[0]!));
  if (a.length === 1) return b.map((value) => compute(a[0]!, value));
  return undefined;
}

export function where(node: ProbedNode): readonly Probed[] {
  const [condition, yes, no] = [node.input(0), node.input(1), node.input(2)];
  const known = [condition.dims, yes.dims, no.dims].filter((dims) => dims !== undefined);
  const dims = known.reduce<Dims | undefined>((a, b) => a && broadcast(a, b), []);
  const count = dims?.reduce((product, size) => product * size, 1) ?? Infinity;
  const pick = (values: Dims, index: number): number => values[values.length === 1 ? 0 : index]!;
  const fits = (values: Dims | undefined): values is Dims =>
    values !== undefined && (values.length === 1 || values.length === count);
  const values =
    isFew(count) && fits(condition.values) && fits(yes.values) && fits(no.values)
      ? Array.from({ length: count }, (_, index) =>
          pick(pick(condition.values!, index) ? yes.values! : no.values!, index),
        )
      : undefined;
  return [shaped(yes.type ?? no.type, known.length > 0 ? dims : undefined, values)];
}
