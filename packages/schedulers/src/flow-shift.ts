import {
  flagOption,
  numberOption,
  optionalNumber,
  type ScheduleContext,
  UnderpaintError,
  wordOption,
} from "@underpaint/core";
import { refuseOneStep } from "./one-step.js";

/** How the sigmas of a model of flow are shifted towards much noise. */
export interface FlowShiftOptions {
  /** Above 1, more steps go where there is much noise: 1. With dynamic shifting of no effect. */
  readonly shift?: number;
  /** Whether the shift follows from the picture's size, as Flux's does. */
  readonly useDynamicShifting?: boolean;
  /** Dynamic shifting: mu at `baseImageSeqLen` tokens. 0.5. */
  readonly baseShift?: number;
  /** Dynamic shifting: mu at `maxImageSeqLen` tokens. 1.15. */
  readonly maxShift?: number;
  /** Dynamic shifting: 256. A token is 2 × 2 latents. */
  readonly baseImageSeqLen?: number;
  /** Dynamic shifting: 4096. */
  readonly maxImageSeqLen?: number;
  /** Dynamic shifting: whether the shift is e^mu (`exponential`) or mu. */
  readonly timeShiftType?: "exponential" | "linear";
  /** Sigmas are stretched so that the last one above 0 is this. */
  readonly shiftTerminal?: number;
}

/** How {@link FlowShiftOptions} are read. */
export const flowShiftFields = {
  shift: numberOption(1, 1e-3, 1e3),
  useDynamicShifting: flagOption(false),
  baseShift: numberOption(0.5, -10, 10),
  maxShift: numberOption(1.15, -10, 10),
  baseImageSeqLen: numberOption(256, 1, 1e6),
  maxImageSeqLen: numberOption(4096, 1, 1e6),
  timeShiftType: wordOption("exponential", ["exponential", "linear"]),
  shiftTerminal: optionalNumber(0, 0.999),
};

type Settings = {
  readonly [K in keyof typeof flowShiftFields]: ReturnType<(typeof flowShiftFields)[K]>;
};

/** More steps where there is much noise, for shift above 1: equation 23 of arXiv 2403.03206. */
export function shifted(sigma: number, shift: number): number {
  return (shift * sigma) / (1 + (shift - 1) * sigma);
}

/** {@link shifted} in float32, as the reference shifts custom sigmas. */
export function shiftedFloat32(sigma: number, shift: number): number {
  const { fround } = Math;
  const single = fround(sigma);
  return fround(fround(shift * single) / fround(1 + fround(fround(shift - 1) * single)));
}

/**
 * The shift of a run: given, or from the picture's size (section 5.3.2 and figure 6 of arXiv
 * 2403.03206, in the form that Flux's pipelines give it).
 *
 * @throws UnderpaintError `invalid-request` when it goes by a size that is not told.
 */
export function shiftOf(
  settings: Omit<Settings, "shiftTerminal">,
  context: ScheduleContext | undefined,
): number {
  if (!settings.useDynamicShifting) return settings.shift;
  const [, , height, width] = context?.latentDims ?? [];
  if (height === undefined || width === undefined) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: "dynamic shifting goes by the latents' size, which was not told",
      value: context?.latentDims,
      allowed: "latentDims, [pictures, channels, height, width]",
      remedy: "give schedule() its third argument",
    });
  }
  const tokens = Math.floor(height / 2) * Math.floor(width / 2);
  const { baseShift, maxShift, baseImageSeqLen, maxImageSeqLen } = settings;
  const slope = (maxShift - baseShift) / (maxImageSeqLen - baseImageSeqLen);
  const mu = tokens * slope + baseShift - slope * baseImageSeqLen;
  return settings.timeShiftType === "exponential" ? Math.exp(mu) : mu;
}

/**
 * Sigmas stretched so that the last is `terminal`; 1 stays 1.
 *
 * @throws UnderpaintError `invalid-request` where the one sigma there is would have to be both.
 */
export function stretched(sigmas: readonly number[], terminal: number | undefined): number[] {
  if (!terminal) return [...sigmas];
  refuseOneStep(sigmas.length, "shiftTerminal");
  const scale = (1 - sigmas[sigmas.length - 1]!) / (1 - terminal);
  return sigmas.map((sigma) => 1 - (1 - sigma) / scale);
}

/**
 * Custom sigmas of a model of flow without their end, which must be 0.
 *
 * @throws UnderpaintError `invalid-request`.
 */
export function customFlowSigmas(sigmas: readonly number[], steps: number): readonly number[] {
  const sound = sigmas.length === steps + 1 && sigmas[0]! <= 1 && sigmas[steps] === 0;
  if (sound) return sigmas.slice(0, -1);
  throw new UnderpaintError({
    code: "invalid-request",
    what: `the custom sigmas are not those of ${steps} steps of a model of flow`,
    value: sigmas,
    allowed: `${steps + 1} numbers, from 1 or below down to 0`,
  });
}
