import { nearest, UnderpaintError } from "../errors.js";

/**
 * Spacings: how the steps of a run are spread over the noise that a model was trained with. They
 * are plain data, made by the functions below, so that a recipe can hold them.
 */

/** Steps spread evenly over the training timesteps; the names are table 2's of arXiv 2305.08891. */
export type TimestepSpacing =
  | { readonly kind: "leading"; readonly offset: number }
  | { readonly kind: "trailing" }
  | { readonly kind: "linspace" };

/** Where a spacing of sigmas begins and ends. */
export interface SigmaEnds {
  /** The largest sigma; by default that of `ends`. */
  readonly sigmaMax?: number;
  /** The smallest sigma above the final one; by default that of `ends`. */
  readonly sigmaMin?: number;
  /** The timesteps whose first and last give the ends; by default all that the model knows. */
  readonly ends?: TimestepSpacing;
}

/** Steps spread over sigma = noise / picture, whichever timesteps these fall on. */
export type SigmaSpacing =
  | ({ readonly kind: "karras"; readonly rho: number } & SigmaEnds)
  | ({ readonly kind: "exponential" } & SigmaEnds)
  | ({ readonly kind: "beta"; readonly alpha: number; readonly beta: number } & SigmaEnds)
  | { readonly kind: "lu" };

/** Steps given one by one. */
export type CustomSpacing =
  | { readonly kind: "timesteps"; readonly timesteps: readonly number[] }
  | { readonly kind: "sigmas"; readonly sigmas: readonly number[] };

/** Any spacing. */
export type Spacing = TimestepSpacing | SigmaSpacing | CustomSpacing;

/**
 * Every ⌊train / steps⌋-th timestep from `offset` up, so that the noisiest timesteps are left out.
 *
 * @param options.offset added to every timestep; Stable Diffusion's configs have 1.
 */
export function leading(
  options: { readonly offset?: number } = {},
): TimestepSpacing & { readonly kind: "leading" } {
  return { kind: "leading", offset: options.offset ?? 0 };
}

/** Every (train / steps)-th timestep from the last down: begins at full noise. For few steps. */
export function trailing(): TimestepSpacing & { readonly kind: "trailing" } {
  return { kind: "trailing" };
}

/** From the last timestep to the first, both included. */
export function linspace(): TimestepSpacing & { readonly kind: "linspace" } {
  return { kind: "linspace" };
}

/**
 * Linear in sigma^(1 / rho): equation 5 of Karras et al., arXiv 2206.00364. Many small steps where
 * there is little noise.
 *
 * @param options.rho the paper's 7 by default.
 */
export function karras(
  options: SigmaEnds & { readonly rho?: number } = {},
): SigmaSpacing & { readonly kind: "karras" } {
  return { ...options, kind: "karras", rho: options.rho ?? 7 };
}

/** Linear in ln sigma: each step takes away the same share of the noise. */
export function exponential(
  options: SigmaEnds = {},
): SigmaSpacing & { readonly kind: "exponential" } {
  return { ...options, kind: "exponential" };
}

/**
 * Sigmas at the quantiles of a Beta(alpha, beta) distribution: dense at both ends. Lee et al.,
 * "Beta Sampling is All You Need", arXiv 2407.12173; alpha and beta are 0.6 by default.
 */
export function beta(
  options: SigmaEnds & { readonly alpha?: number; readonly beta?: number } = {},
): SigmaSpacing & { readonly kind: "beta" } {
  return { ...options, kind: "beta", alpha: options.alpha ?? 0.6, beta: options.beta ?? 0.6 };
}

/** Uniform in lambda = ln(alpha / sigma), as in Lu et al., arXiv 2206.00927; full range. */
export function lu(): SigmaSpacing & { readonly kind: "lu" } {
  return { kind: "lu" };
}

/** The timesteps themselves, noisiest first, one for each step. */
export function customTimesteps(
  timesteps: readonly number[],
): CustomSpacing & { readonly kind: "timesteps" } {
  return { kind: "timesteps", timesteps: [...timesteps] };
}

/** The sigmas themselves, noisiest first: one for each step and then the final one, mostly 0. */
export function customSigmas(
  sigmas: readonly number[],
): CustomSpacing & { readonly kind: "sigmas" } {
  return { kind: "sigmas", sigmas: [...sigmas] };
}

/** Every kind of spacing there is. */
export const spacingKinds = [
  "leading",
  "trailing",
  "linspace",
  "karras",
  "exponential",
  "beta",
  "lu",
  "timesteps",
  "sigmas",
] as const satisfies readonly Spacing["kind"][];

/** A kind of spacing. */
export type SpacingKind = (typeof spacingKinds)[number];

/**
 * Checks that `spacing`, which may come from a recipe's JSON, is one, and of a kind that the
 * scheduler `name` knows what to do with.
 *
 * @throws UnderpaintError `invalid-request`.
 */
export function checkSpacing<K extends SpacingKind>(
  spacing: unknown,
  name: string,
  allowed: readonly K[],
): Spacing & { readonly kind: K } {
  const given = spacing as Partial<Record<string, unknown>> | null;
  const kind = typeof given === "object" && given !== null ? given.kind : undefined;
  if (typeof kind !== "string" || !allowed.includes(kind as K)) {
    const meant = typeof kind === "string" ? nearest(kind, allowed) : undefined;
    throw new UnderpaintError({
      code: "invalid-request",
      what: `${name} has no such spacing`,
      value: kind ?? spacing,
      allowed: allowed.join(", "),
      ...(meant === undefined ? {} : { remedy: `did you mean ${meant}?` }),
    });
  }
  checkFields(given as Record<string, unknown>, kind as SpacingKind);
  return spacing as Spacing & { readonly kind: K };
}

function checkFields(given: Readonly<Record<string, unknown>>, kind: SpacingKind): void {
  const positive = (value: unknown) => typeof value === "number" && value > 0 && value < Infinity;
  const fail = (field: string, allowed: string): never => {
    throw new UnderpaintError({
      code: "invalid-request",
      what: `${field} of the ${kind} spacing is not right`,
      value: given[field],
      allowed,
    });
  };
  for (const field of ["rho", "alpha", "beta", "sigmaMin", "sigmaMax"]) {
    if (given[field] !== undefined && !positive(given[field])) fail(field, "a number above 0");
  }
  if ((given.sigmaMin as number) >= (given.sigmaMax as number)) {
    fail("sigmaMin", "less than sigmaMax");
  }
  if (given.offset !== undefined) {
    const offset = given.offset as number;
    if (!Number.isInteger(offset) || offset < 0) fail("offset", "a whole number from 0");
  }
  if (given.ends !== undefined) {
    checkSpacing(given.ends, "a spacing's ends", ["leading", "trailing", "linspace"]);
  }
  if (kind === "timesteps") checkDescending(given.timesteps, () => fail(kind, descending));
  if (kind === "sigmas") checkDescending(given.sigmas, () => fail(kind, descending));
}

const descending = "1 to 10000 numbers from 0 up, each less than the one before";

function checkDescending(list: unknown, fail: () => never): void {
  if (!Array.isArray(list) || list.length < 1 || list.length > 10_000) fail();
  (list as unknown[]).forEach((value, i) => {
    const before = i === 0 ? Infinity : ((list as number[])[i - 1] as number);
    if (typeof value !== "number" || !(value >= 0 && value < before)) fail();
  });
}
