import { between, type FlowNoise, type Schedule } from "@underpaint/core";
import { shifted } from "./flow-shift.js";

/** Sigmas evenly from 1 to the smallest that the model knows, which is shifted already. */
export function evenSigmas(steps: number, { trainTimesteps }: FlowNoise, shift: number): number[] {
  const smallest = Math.fround(shifted(1 / trainTimesteps, shift));
  return between(trainTimesteps, smallest * trainTimesteps, steps).map((t) => t / trainTimesteps);
}

/** The levels of these sigmas and of the end without noise. */
export function flowSchedule(sigmas: readonly number[], noise: FlowNoise): Schedule {
  const levels = sigmas.map((value) => {
    const sigma = Math.fround(value);
    // A model whose time runs the other way is told how much picture there is.
    const told = noise.inverted ? Math.fround(1 - sigma) : sigma;
    return { alpha: 1 - sigma, sigma, timestep: Math.fround(told * noise.trainTimesteps) };
  });
  levels.push({ alpha: 1, sigma: 0, timestep: 0 });
  return { levels, timestepType: "float32", initialNoiseScale: 1 };
}
