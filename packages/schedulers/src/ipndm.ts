import {
  checkSteps,
  discreteLevel,
  type FloatTensor,
  leading,
  linspaceFloat32,
  noiseOfKind,
  readOptions,
  refuseUnreadableLevels,
  roundHalfEven,
  type Schedule,
  type Scheduler,
  spaceTimesteps,
  spacingOption,
  type TimestepSpacing,
} from "@underpaint/core";
import { combine } from "./combine.js";
import { noiseIn } from "./noise-in.js";
import { adamsBashforth } from "./pndm.js";

/** Options of {@link ipndm}. */
export interface IpndmOptions {
  /** For models with a table of betas, the timesteps: `leading()`. */
  readonly spacing?: TimestepSpacing;
}

const fields = { spacing: spacingOption(leading(), ["leading", "trailing", "linspace"]) };

/**
 * iPNDM: PNDM's multistep method from the first step on, with the orders below the fourth to warm
 * up. Liu et al., arXiv 2202.09778, as improved in Zhang and Chen, arXiv 2204.13902. One network
 * call a step.
 *
 * For v-diffusion models it is diffusers' IPNDMScheduler; it runs models with a table of betas too,
 * which the reference does not.
 *
 * @throws UnderpaintError `invalid-request` for options that are not right.
 */
export function ipndm(options: IpndmOptions = {}): Scheduler {
  const settings = readOptions("ipndm", options, fields);
  return {
    name: "ipndm",
    options: settings,
    schedule(steps, noiseModel) {
      checkSteps(steps);
      const noise = noiseOfKind(noiseModel, ["angular", "diffusion"], "ipndm");
      if (noise.kind === "angular") return angularSchedule(steps);
      const rules = { trainTimesteps: noise.alphasCumprod.length, dropsLast: false };
      const timesteps = spaceTimesteps(settings.spacing, steps, rules).map(roundHalfEven);
      const levels = timesteps.map((timestep) => discreteLevel(noise, timestep));
      refuseUnreadableLevels(levels, noise);
      levels.push({ alpha: 1, sigma: 0, timestep: 0 });
      return { levels, timestepType: "int64", initialNoiseScale: 1 };
    },
    start({ schedule: { levels }, denoise }) {
      const noises: FloatTensor[] = [];
      return async (latents, index) => {
        const [level, next] = [levels[index]!, levels[index + 1]!];
        const estimate = await denoise(latents, level);
        noises.unshift(noiseIn(latents, estimate, level));
        noises.length = Math.min(noises.length, 4);
        const weights = adamsBashforth[noises.length - 1]!;
        // From pure noise the reference takes the picture to be (latents − noise) / 1e-8, which is 0.
        const kept = next.alpha / Math.max(level.alpha, 1e-8);
        const share = next.sigma - level.sigma * kept;
        return combine([kept, ...weights.map((weight) => weight * share)], [latents, ...noises]);
      };
    },
  };
}

const { fround } = Math;
const pi = fround(Math.PI);

/** v-diffusion's levels: sigma = sin²(t · 90°) for t evenly from 1 down to 0. In float32. */
function angularSchedule(steps: number): Schedule {
  const levels = linspaceFloat32(1, 0, steps + 1).map((t) => {
    const sine = fround(Math.sin(fround(t * pi) / 2));
    const sigma = fround(sine * sine);
    const alpha = fround(Math.sqrt(fround(1 - fround(sigma * sigma))));
    return { alpha, sigma, timestep: fround(fround(Math.atan2(sigma, alpha)) / pi) * 2 };
  });
  return { levels, timestepType: "float32", initialNoiseScale: 1 };
}
