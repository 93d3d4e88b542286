import {
  checkSteps,
  diffusionNoise,
  explodingSchedule,
  type FloatTensor,
  karras,
  linear,
  type Scheduler,
  sigmaRules,
  spaceSigmas,
} from "@underpaint/core";

/** DPM-Solver++ of second order, over sigma: Lu et al., arXiv 2211.01095. */
export function mySolver(): Scheduler {
  return {
    name: "my-solver",
    options: {},
    schedule(steps, noiseModel) {
      checkSteps(steps);
      const noise = diffusionNoise(noiseModel, "my-solver");
      return explodingSchedule(spaceSigmas(karras(), steps, noise, sigmaRules), 0, karras());
    },
    start({ schedule: { levels }, denoise }) {
      let previous: FloatTensor | undefined;
      return async (latents, index) => {
        const [sigma, next] = [levels[index]!.sigma, levels[index + 1]!.sigma];
        const estimate = await denoise(latents, levels[index]!);
        let target = estimate;
        if (previous && next > 0) {
          const ratio = Math.log(levels[index - 1]!.sigma / sigma) / Math.log(sigma / next);
          target = linear(1 + 0.5 / ratio, estimate, -0.5 / ratio, previous);
        }
        previous = estimate;
        return linear(next / sigma, latents, 1 - next / sigma, target);
      };
    },
  };
}
