import { readFileSync } from "node:fs";
import { linear } from "../../tensor/linear.js";
import { type FloatTensor, floatTensor, zeros } from "../../tensor/tensor.js";
import type { NoiseLevel, Schedule, Scheduler } from "../contract.js";
import { type NoiseModel, preconditioning } from "../noise-model.js";

/** What diffusers did in one run: see tools/reference/schedulers.py. */
export interface ReferenceRun {
  readonly steps: number;
  /** The step that the run begins with, and its place among the timesteps. */
  readonly begin?: number;
  readonly beginCall?: number;
  /** One for each network call, in order; float32 values. */
  readonly timesteps: readonly number[];
  readonly timestepType: "int64" | "float32" | "float64";
  readonly timestepsRounded?: readonly number[];
  readonly sigmas?: readonly number[];
  readonly sigmasRounded?: readonly number[];
  readonly initialNoiseScale: number;
  /** The latents after each network call, packed. */
  readonly trajectory: string;
}

/** A configuration and its runs. */
export interface ReferenceCase {
  readonly config: Readonly<Record<string, unknown>> & { readonly _class_name: string };
  readonly set_timesteps?: Readonly<Record<string, unknown>>;
  readonly step?: Readonly<Record<string, unknown>>;
  readonly stochastic?: boolean;
  readonly runs: readonly ReferenceRun[];
}

const folder = new URL("../../../../../fixtures/schedulers/", import.meta.url);

/** The parsed contents of one of fixtures/schedulers. */
export function readFixture<T>(file: string): T {
  return JSON.parse(readFileSync(new URL(file, folder), "utf8")) as T;
}

/** Float32 values from base64. */
export function unpack(packed: string): Float32Array {
  const bytes = Buffer.from(packed, "base64");
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}

const noiseFixture = readFixture<{ dims: number[]; latents: string; noise: string }>("noise.json");

/** The dims of all reference latents. */
export const referenceDims: readonly number[] = noiseFixture.dims;

/** The unit noise that every reference run begins with. */
export function initialNoise(): FloatTensor {
  return floatTensor(referenceDims, unpack(noiseFixture.latents));
}

/** The reference's noise, draw by draw. */
export function recordedNoise(): () => FloatTensor {
  const all = unpack(noiseFixture.noise);
  const size = initialNoise().data.length;
  let drawn = 0;
  return () => {
    if (drawn * size >= all.length) throw new Error("more noise is drawn than was recorded");
    return floatTensor(referenceDims, all.slice(drawn * size, ++drawn * size));
  };
}

/** The network of the reference runs: a smooth function, each operation rounded to float32. */
export function toyNetwork(input: FloatTensor, timestep: number): FloatTensor {
  const { fround } = Math;
  const output = zeros("float32", input.dims);
  const [, channels = 1, height = 1, width = 1] = input.dims;
  const bias = fround((timestep / 1000) * 0.25);
  for (let i = 0; i < output.data.length; i++) {
    const channel = (Math.floor(i / (height * width)) % channels) + 1;
    const x = input.data[i]!;
    const scale = fround(fround(fround(x * x) * 0.25) + 1);
    output.data[i] = fround(x + fround(channel * bias)) / scale;
  }
  return output;
}

/** What a run of ours did. */
export interface OurRun {
  readonly schedule: Schedule;
  /** What the network was told, call by call. */
  readonly told: readonly number[];
  /** The latents after each step, with the number of network calls made by then. */
  readonly states: readonly { readonly calls: number; readonly latents: FloatTensor }[];
}

/** Runs a scheduler of ours as {@link ReferenceRun} was run. */
export async function runOurs(
  scheduler: Scheduler,
  noiseModel: NoiseModel,
  steps: number,
  begin = 0,
): Promise<OurRun> {
  const schedule = scheduler.schedule(steps, noiseModel, { latentDims: referenceDims });
  const told: number[] = [];
  const denoise = async (latents: FloatTensor, level: NoiseLevel): Promise<FloatTensor> => {
    const { input, skip, output } = preconditioning(noiseModel, level);
    told.push(level.timestep);
    return linear(skip, latents, output, toyNetwork(linear(input, latents), level.timestep));
  };
  const step = scheduler.start({ schedule, noiseModel, begin, denoise, noise: recordedNoise() });
  let latents = linear(schedule.initialNoiseScale, initialNoise());
  const states: { calls: number; latents: FloatTensor }[] = [];
  for (let index = begin; index < schedule.levels.length - 1; index++) {
    const before = latents.data.slice();
    const next = await step(latents, index);
    if (before.some((value, i) => value !== latents.data[i])) {
      throw new Error(`step ${index} of ${scheduler.name} changed the latents it was given`);
    }
    latents = next;
    states.push({ calls: told.length, latents });
  }
  return { schedule, told, states };
}

/** The reference's latents after network call number `calls`, from 1. */
export function referenceState(run: ReferenceRun, calls: number): Float32Array {
  const all = unpack(run.trajectory);
  const size = initialNoise().data.length;
  return all.slice((calls - 1) * size, calls * size);
}

/** The largest difference, over the largest expected magnitude. */
export function relativeError(actual: Float32Array, expected: Float32Array): number {
  let [difference, magnitude] = [0, 0];
  expected.forEach((value, i) => {
    const distance = Math.abs(actual[i]! - value);
    // NaN and a missing value must not pass for equal.
    if (!(distance <= difference)) difference = distance;
    magnitude = Math.max(magnitude, Math.abs(value));
  });
  return actual.length === expected.length ? difference / magnitude : Infinity;
}
