import {
  type DiffusionNoise,
  linear,
  linspace,
  type NoiseLevel,
  readOptions,
  type Scheduler,
  type SigmaTable,
  type Spacing,
  type SpacingRules,
  sigmaTable,
  spacingKinds,
  spacingOption,
  timestepOf,
} from "@underpaint/core";
import { sigmaSchedule } from "./sigma-schedule.js";

/** Options of {@link dpm2} and {@link dpm2Ancestral}. */
export interface Dpm2Options {
  /** How the steps are spread: `linspace()`. */
  readonly spacing?: Spacing;
}

const fields = { spacing: spacingOption(linspace(), spacingKinds) };
const rules: SpacingRules = { dropsLast: false, timesteps: "float32-rounded" };

/**
 * DPM-Solver-2 over sigma, with the midpoint in ln sigma: algorithm 2 of Karras et al., arXiv
 * 2206.00364, as k-diffusion's `sample_dpm_2` has it (diffusers' KDPM2). Two network calls a step,
 * one in a last step that ends without noise.
 *
 * @throws UnderpaintError `invalid-request` for options that are not right.
 */
export function dpm2(options: Dpm2Options = {}): Scheduler {
  return midpoint("dpm2", options, false);
}

/**
 * {@link dpm2} with ancestral noise, as `sample_dpm_2_ancestral`: one noise is drawn a step, none
 * in a step that ends without noise.
 *
 * @throws UnderpaintError `invalid-request` for options that are not right.
 */
export function dpm2Ancestral(options: Dpm2Options = {}): Scheduler {
  return midpoint("dpm2-ancestral", options, true);
}

function midpoint(name: string, options: Dpm2Options, isAncestral: boolean): Scheduler {
  const settings = readOptions(name, options, fields);
  return {
    name,
    options: settings,
    schedule: sigmaSchedule(name, settings.spacing, rules),
    start({ schedule: { levels }, noiseModel, denoise, noise }) {
      const table = sigmaTable(noiseModel as DiffusionNoise);
      return async (latents, index) => {
        const level = { ...levels[index]!, sigma: fround(levels[index]!.sigma) };
        const next = fround(levels[index + 1]!.sigma);
        const { up, down } = isAncestral
          ? ancestralFloat32(level.sigma, next)
          : { up: 0, down: next };
        const estimate = await denoise(latents, level);
        if (down === 0) return linear(0, latents, 1, estimate);
        const middle = isAncestral
          ? middleLevel(table, level.sigma, down)
          : middleLevel(table, down, level.sigma);
        const kept = middle.sigma / level.sigma;
        const halfway = linear(kept, latents, 1 - kept, estimate);
        const better = await denoise(halfway, middle);
        // The slope at the middle, (halfway − better) / sigma, serves the whole step.
        const move = (down - level.sigma) / middle.sigma;
        return up === 0
          ? linear(1, latents, move, halfway, -move, better)
          : linear(1, latents, move, halfway, -move, better, up, noise());
      };
    },
  };
}

const { fround } = Math;

/** The level whose ln sigma is half way, in float32 and with the rounding of `torch.lerp`. */
function middleLevel(table: SigmaTable, start: number, end: number): NoiseLevel {
  const [low, high] = [fround(Math.log(start)), fround(Math.log(end))];
  const sigma = fround(Math.exp(fround(high - fround(high - low) * 0.5)));
  return { alpha: 1, sigma, timestep: timestepOf(table, sigma, "float32") };
}

/** `ancestral` in float32: `down` loses digits that show in what the network is told. */
function ancestralFloat32(
  from: number,
  to: number,
): { readonly up: number; readonly down: number } {
  const [from2, to2] = [fround(from * from), fround(to * to)];
  const up = fround(Math.sqrt(fround(fround(to2 * fround(from2 - to2)) / from2)));
  return { up, down: fround(Math.sqrt(fround(to2 - fround(up * up)))) };
}
