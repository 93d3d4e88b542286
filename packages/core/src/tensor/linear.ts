import { UnderpaintError } from "../errors.js";
import { type FloatTensor, sameDims, zeros } from "./tensor.js";

/** Alternating coefficients and tensors of one shape: `2, x, -1, y` is 2x − y. */
export type LinearTerms =
  | readonly [number, FloatTensor]
  | readonly [number, FloatTensor, number, FloatTensor]
  | readonly [number, FloatTensor, number, FloatTensor, number, FloatTensor]
  | readonly [number, FloatTensor, number, FloatTensor, number, FloatTensor, number, FloatTensor];

/**
 * The linear combination of one to four tensors in one pass: `linear(a, x, b, y)` is a·x + b·y in
 * a new tensor. Sums are taken in double precision and rounded once, on storing.
 *
 * A coefficient of exactly 0 leaves its tensor out, infinities and NaN in it included.
 *
 * @throws UnderpaintError `invalid-request` when the shapes differ.
 */
export function linear(...terms: LinearTerms): FloatTensor {
  return linearInto(zeros("float32", terms[1].dims), ...terms);
}

/** {@link linear} into `out`, which may be one of the operands; returns `out`. */
export function linearInto(out: FloatTensor, ...terms: LinearTerms): FloatTensor {
  const kept: (number | FloatTensor)[] = [];
  for (let i = 0; i < terms.length; i += 2) {
    const operand = terms[i + 1] as FloatTensor;
    if (!sameDims(out, operand)) {
      throw new UnderpaintError({
        code: "invalid-request",
        what: `a linear combination needs tensors of one shape, [${out.dims.join(", ")}]`,
        value: operand.dims,
      });
    }
    if (terms[i] !== 0) kept.push(terms[i] as number, operand);
  }
  const [a = 0, x = out, b = 0, y = out, c = 0, z = out, d = 0, w = out] = kept as [
    number?,
    FloatTensor?,
    number?,
    FloatTensor?,
    number?,
    FloatTensor?,
    number?,
    FloatTensor?,
  ];
  const [r, p, q, s, t] = [out.data, x.data, y.data, z.data, w.data];
  const count = r.length;
  // One monomorphic loop for each arity: the engine vectorises none of them, but keeps each in
  // registers, which a loop over a list of operands does not.
  switch (kept.length / 2) {
    case 0:
      r.fill(0);
      break;
    case 1:
      for (let i = 0; i < count; i++) r[i] = a * p[i]!;
      break;
    case 2:
      for (let i = 0; i < count; i++) r[i] = a * p[i]! + b * q[i]!;
      break;
    case 3:
      for (let i = 0; i < count; i++) r[i] = a * p[i]! + b * q[i]! + c * s[i]!;
      break;
    default:
      for (let i = 0; i < count; i++) r[i] = a * p[i]! + b * q[i]! + c * s[i]! + d * t[i]!;
  }
  return out;
}

/** A copy of a float tensor. */
export function copy(source: FloatTensor): FloatTensor {
  return { type: "float32", dims: source.dims, data: source.data.slice() };
}
