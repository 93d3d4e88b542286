import { UnderpaintError } from "../errors.js";
import { checkImage, type RgbaImage } from "../image/image.js";
import type { ControlMode, ControlStrength } from "./contract.js";

/** A {@link ControlStrength} with nothing left out. */
export interface CheckedStrength {
  readonly weight: number | readonly number[];
  readonly start: number;
  readonly end: number;
  readonly mask: RgbaImage | undefined;
  readonly mode: ControlMode;
}

/** All modes. */
export const controlModes: readonly ControlMode[] = ["balanced", "promptFirst", "controlFirst"];

/** Of more blocks no network has. */
const mostBlocks = 128;
const largestWeight = 10;

/**
 * A strength whose every value is present and allowed. Factories of controls call it with their own
 * options, so that what is wrong is said where it was written.
 *
 * @param control what errors call the control.
 * @throws UnderpaintError `invalid-request` for weights that are not finite or beyond ±10, for
 * `start` after `end`, for an unknown mode; `invalid-image` for a mask that is no picture.
 */
export function checkStrength(strength: ControlStrength, control: string): CheckedStrength {
  const { weight = 1, start = 0, end = 1, mask, mode = "balanced" } = strength;
  checkWeight(weight, control);
  checkShare("start", start, control);
  checkShare("end", end, control);
  if (start > end) {
    throw wrong(
      `${control} starts after its end`,
      `${start} to ${end}`,
      "start at most as large as end",
      "swap them, or leave them out for all steps",
    );
  }
  if (!controlModes.includes(mode)) {
    throw wrong(`${control} has an unknown mode`, mode, controlModes.join(", "));
  }
  if (mask !== undefined) checkImage(mask, `${control}'s mask`);
  return { weight, start, end, mask, mode };
}

function checkWeight(weight: unknown, control: string): void {
  const isAllowed = (value: unknown): boolean =>
    typeof value === "number" && value >= -largestWeight && value <= largestWeight;
  if (Array.isArray(weight)) {
    if (weight.length < 1 || weight.length > mostBlocks) {
      throw wrong(
        `${control} has a list of weights that fits no network`,
        `${weight.length} weights`,
        "one for each block: 13 for Stable Diffusion 1.5's ControlNets, 4 for T2I-Adapters",
      );
    }
    const block = weight.findIndex((value) => !isAllowed(value));
    if (block === -1) return;
    throw wrong(
      `${control}'s weight of block ${block} is out of range`,
      weight[block],
      `a number from ${-largestWeight} to ${largestWeight}`,
    );
  }
  if (isAllowed(weight)) return;
  throw wrong(
    `${control}'s weight is out of range`,
    weight,
    `a number from ${-largestWeight} to ${largestWeight}, or one for each block`,
    "leave it out for 1",
  );
}

function checkShare(name: "start" | "end", value: unknown, control: string): void {
  if (typeof value === "number" && value >= 0 && value <= 1) return;
  throw wrong(
    `${control}'s ${name} is out of range`,
    value,
    "0 to 1, a share of the steps",
    `leave it out for ${name === "start" ? 0 : 1}`,
  );
}

function wrong(what: string, value: unknown, allowed: string, remedy?: string): UnderpaintError {
  return new UnderpaintError({
    code: "invalid-request",
    what,
    value,
    allowed,
    ...(remedy !== undefined && { remedy }),
  });
}

/** Whether step `step` of `steps` that are run lies in the control's range. */
export function isActive(
  { start, end }: Pick<CheckedStrength, "start" | "end">,
  step: number,
  steps: number,
): boolean {
  return !(step / steps < start || (step + 1) / steps > end);
}

/** What T2I-Adapters are weakened with: the numbers of the extension that had them first. */
const softFeatures = [0.25, 0.62, 0.825, 1] as const;

/**
 * The soft weights of n blocks, weak at the finest and 1 at the last, so that a control decides on
 * the composition and leaves the detail to the prompt. For residuals 10^(−1 + i / (n − 1)), as in
 * diffusers' `guess_mode`; for an encoder's features 0.25, 0.62, 0.825, 1 (for other counts than 4,
 * between those).
 */
export function softWeights(kind: "residuals" | "features", n: number): readonly number[] {
  return Array.from({ length: n }, (_, i) => {
    const place = n === 1 ? 1 : i / (n - 1);
    if (kind === "residuals") return 10 ** (place - 1);
    const at = place * (softFeatures.length - 1);
    const below = Math.min(Math.floor(at), softFeatures.length - 2);
    const [low, high] = [softFeatures[below]!, softFeatures[below + 1]!];
    return low + (at - below) * (high - low);
  });
}
