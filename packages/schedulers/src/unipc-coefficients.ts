import type { NoiseLevel } from "@underpaint/core";
import { lambdaOf } from "./dpm-coefficients.js";

/** What latents and the network's outputs are multiplied with in a step of UniPC. */
export interface UniPcStep {
  readonly latents: number;
  /** Of the outputs at and before the step's beginning, newest first. */
  readonly outputs: readonly number[];
  /** Of the output at the step's end; 0 for the predictor. */
  readonly newOutput: number;
}

/**
 * The coefficients of the step from level `index`: equations 3 and 9 of arXiv 2302.04867, with
 * B(h) = h or e^h − 1.
 *
 * With D_k = (m_k − m_0) / r_k the result is a m_0 + s B(h) Σ ρ_k D_k beside the latents; the ρ solve
 * the equations Σ ρ_k r_k^(n−1) = b_n of the method's order.
 */
export function uniPcStep(
  { solverType, predictX0 }: { readonly solverType: "bh1" | "bh2"; readonly predictX0: boolean },
  levels: readonly NoiseLevel[],
  index: number,
  order: number,
  part: "predictor" | "corrector",
): UniPcStep {
  const [from, to] = [levels[index]!, levels[index + 1]!];
  const h = lambdaOf(to) - lambdaOf(from);
  const hh = predictX0 ? -h : h;
  const phi = Math.expm1(hh);
  const bOfH = solverType === "bh1" ? hh : phi;
  const scale = predictX0 ? -to.alpha : -to.sigma;
  const latents = predictX0 ? to.sigma / from.sigma : to.alpha / from.alpha;

  const ratios: number[] = [];
  for (let k = 1; k < order; k++) {
    ratios.push((lambdaOf(levels[index - k]!) - lambdaOf(from)) / h);
  }
  const weights = weightsOf(part === "corrector" ? [...ratios, 1] : ratios, order, part);
  const newOutput = part === "corrector" ? scale * bOfH * weights[order - 1]! : 0;
  const older = ratios.map((ratio, k) => (scale * bOfH * weights[k]!) / ratio);
  const first = scale * phi - older.reduce((sum, weight) => sum + weight, 0) - newOutput;
  return { latents, outputs: [first, ...older], newOutput };

  function weightsOf(nodes: readonly number[], size: number, which: string): readonly number[] {
    if (nodes.length === 0) return [];
    // The reference's values for the lowest order, where the equations leave a choice.
    if (which === "predictor" && size === 2) return [0.5];
    if (which === "corrector" && size === 1) return [0.5];
    const right: number[] = [];
    let factorial = 1;
    let phiK = phi / hh - 1;
    for (let n = 1; n <= nodes.length; n++) {
      right.push((phiK * factorial) / bOfH);
      factorial *= n + 1;
      phiK = phiK / hh - 1 / factorial;
    }
    return solveVandermonde(nodes, right);
  }
}

/** The ρ with Σ ρ_k nodes_k^(n−1) = right_n for n = 1 …, by elimination with pivots. */
export function solveVandermonde(nodes: readonly number[], right: readonly number[]): number[] {
  const size = nodes.length;
  const rows = right.map((value, n) => [...nodes.map((node) => node ** n), value]);
  for (let column = 0; column < size; column++) {
    let pivot = column;
    for (let row = column + 1; row < size; row++) {
      if (Math.abs(rows[row]![column]!) > Math.abs(rows[pivot]![column]!)) pivot = row;
    }
    [rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!];
    for (let row = 0; row < size; row++) {
      if (row === column) continue;
      const factor = rows[row]![column]! / rows[column]![column]!;
      for (let k = column; k <= size; k++) rows[row]![k]! -= factor * rows[column]![k]!;
    }
  }
  return rows.map((row, k) => row[size]! / row[k]!);
}
