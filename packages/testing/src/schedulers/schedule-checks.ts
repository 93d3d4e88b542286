import {
  isUnderpaintError,
  type NoiseLevel,
  type NoiseModel,
  type Schedule,
} from "@underpaint/core";
import { type Check, check, fail, need, refusal } from "../check.js";
import { countingNoise } from "../fakes/counting-noise.js";
import { measuredNoise, noiseKinds, type TriedNoise, triedNoise } from "./noise-models.js";
import type { Expectations, SchedulerFactory } from "./options.js";
import { normals, run, runData, runDims } from "./run.js";

/** The numbers of steps that every clause about schedules tries. */
export const triedSteps: readonly number[] = [1, 2, 3, 1000];

/** The clauses about schedules. */
export function scheduleChecks(make: SchedulerFactory, expected: Expectations): Check[] {
  const order = expected.inverts ? "more" : "less";
  return [
    check(`has steps + 1 levels on one scale, each with ${order} noise than the one before`, () =>
      forEverySchedule(make, expected, checkLevels),
    ),
    check(expected.endsWithNoise ? "ends with some noise left" : "ends without noise", () =>
      forEverySchedule(make, expected, checkEnd),
    ),
    ...(expected.inverts
      ? []
      : [
          check("begins with as much noise as its first level has", () =>
            forEverySchedule(make, expected, checkInitialScale),
          ),
        ]),
    check("tells the network timesteps in range, of their type, that mean the noise there is", () =>
      checkTimesteps(make, expected),
    ),
    check("refuses what is no number of steps", () => checkBadSteps(make, expected)),
    check("refuses models whose noise it was not made for", async () => {
      for (const kind of noiseKinds.filter((each) => !expected.noise.includes(each))) {
        await refusal(`a model whose noise is ${kind}`, "invalid-request", () =>
          make().schedule(20, measuredNoise(kind), { latentDims: runDims }),
        );
      }
    }),
  ];
}

/** What a clause looks at: a schedule, and a word on where it comes from. */
interface Case {
  readonly schedule: Schedule;
  readonly steps: number;
  readonly noise: TriedNoise;
  readonly expected: Expectations;
  readonly where: string;
}

function forEverySchedule(
  make: SchedulerFactory,
  expected: Expectations,
  look: (each: Case) => void,
): void {
  for (const noise of triedNoise(expected.noise)) {
    for (const steps of triedSteps) {
      const schedule = scheduleOf(make, expected, noise, steps);
      const where = `${steps} steps of a model of ${noise.name}`;
      if (schedule) look({ schedule, steps, noise, expected, where });
    }
  }
}

/** A schedule, or undefined where it may be, and is, refused. */
export function scheduleOf(
  make: SchedulerFactory,
  expected: Expectations,
  noise: TriedNoise,
  steps: number,
): Schedule | undefined {
  try {
    return make().schedule(steps, noise.model, { latentDims: runDims });
  } catch (error) {
    const allowed = noise.mayBeRefused || expected.mayRefuse(steps, noise.model);
    if (allowed && isUnderpaintError(error, "invalid-request")) return undefined;
    return fail(
      `${steps} steps of a model of ${noise.name} are refused ` +
        `(${error instanceof Error ? error.message : error}); ` +
        "if that is as it should be, say so in the option mayRefuse",
    );
  }
}

function checkLevels({ schedule: { levels }, steps, expected, where }: Case): void {
  need(levels.length === steps + 1, `${where}: ${levels.length} levels, expected ${steps + 1}`);
  const scales = { "alpha² + sigma² = 1": true, "alpha = 1": true, "alpha = 1 − sigma": true };
  levels.forEach((level, i) => {
    const { alpha, sigma } = level;
    const sound = alpha >= 0 && alpha <= 1 && sigma >= 0 && Number.isFinite(sigma);
    need(sound, `${where}: level ${i} has alpha ${alpha} and sigma ${sigma}`);
    scales["alpha² + sigma² = 1"] &&= Math.abs(Math.hypot(alpha, sigma) - 1) < 1e-5;
    scales["alpha = 1"] &&= alpha === 1;
    scales["alpha = 1 − sigma"] &&= Math.abs(alpha + sigma - 1) < 1e-5;
    if (i === 0) return;
    const [before, here] = [ratio(levels[i - 1]!), ratio(level)];
    // A last step that ends with noise may have nowhere to go: the table's first timestep.
    const stays = i === steps && expected.endsWithNoise && here === before;
    need((expected.inverts ? here > before : here < before) || stays, () => {
      return `${where}: sigma / alpha goes from ${before} to ${here} in step ${i - 1}`;
    });
  });
  need(Object.values(scales).some(Boolean), () => {
    return `${where}: the levels are on none of the scales ${Object.keys(scales).join(", ")}`;
  });
}

function checkEnd({ schedule: { levels }, expected, where }: Case): void {
  const { sigma } = levels.at(-1)!;
  need(sigma > 0 === expected.endsWithNoise, `${where}: the last level has sigma ${sigma}`);
}

function checkInitialScale({ schedule: { levels, initialNoiseScale }, where }: Case): void {
  const { alpha, sigma } = levels[0]!;
  // The reference has sigma, or √(sigma² + alpha²) for the picture that is not there, or 1 = both.
  const sound =
    initialNoiseScale >= sigma * 0.99999 && initialNoiseScale <= (sigma + alpha) * 1.00001;
  need(sound, () => {
    return (
      `${where}: initialNoiseScale is ${initialNoiseScale}, expected from sigma, ${sigma}, ` +
      `to sigma + alpha, ${sigma + alpha}`
    );
  });
}

async function checkTimesteps(make: SchedulerFactory, expected: Expectations): Promise<void> {
  for (const noise of triedNoise(expected.noise)) {
    for (const steps of [5, 20]) {
      const schedule = scheduleOf(make, expected, noise, steps);
      if (!schedule) continue;
      const { levels, timestepType } = schedule;
      const where = ({ timestep }: NoiseLevel) =>
        `${steps} steps of a model of ${noise.name}: timestep ${timestep}`;
      levels.slice(0, -1).forEach((level, i) => {
        checkType(level.timestep, timestepType, where(level));
        const ends = expected.inverts ? [level, levels[i + 1]!] : [level];
        checkMeaning(level.timestep, ends, noise.model, where(level));
      });
      if (expected.inverts) continue;
      const { asked } = await run({
        scheduler: make(),
        steps,
        noiseModel: noise.model,
        latents: () => runData.latents(levels[0]!, normals(runDims, 1)),
        denoise: runData.denoise,
        noise: countingNoise(runDims).noise,
      });
      for (const level of asked) {
        checkType(level.timestep, timestepType, where(level));
        checkMeaning(level.timestep, [level], noise.model, where(level));
      }
    }
  }
}

function checkType(timestep: number, type: Schedule["timestepType"], where: string): void {
  need(type === "int64" || type === "float32", `${where} has the type ${type}`);
  if (type === "int64") need(Number.isInteger(timestep), `${where} is not a whole number`);
  else need(Math.fround(timestep) === timestep, `${where} is no float32 value`);
}

/**
 * A timestep means a level's noise; in inversion, which guesses the noise at a step's end, that at
 * either of its ends or between them.
 */
function checkMeaning(
  timestep: number,
  ends: readonly NoiseLevel[],
  model: NoiseModel,
  where: string,
): void {
  const meant = ends.map((level) => timestepOf(level, model));
  const [low, high] = [Math.min(...meant), Math.max(...meant)];
  const reach = reachOf(model);
  need(timestep >= low - reach && timestep <= high + reach, () => {
    const right = low === high ? low : `from ${low} to ${high}`;
    return `${where} is not the level's, which is ${right}, give or take ${reach}`;
  });
  const last = lastOf(model);
  need(last === undefined || (timestep >= 0 && timestep <= last), () => {
    return `${where} is not from 0 to ${last}`;
  });
}

/** How far off a timestep may be: it may be rounded, or lie in a table by another rule than ours. */
function reachOf({ kind }: NoiseModel): number {
  return kind === "diffusion" || kind === "flow" ? 1.2 : 1e-4;
}

/** The last timestep; the first is 0. Undefined where there is none. */
function lastOf(model: NoiseModel): number | undefined {
  switch (model.kind) {
    case "diffusion":
      return model.alphasCumprod.length - 1;
    case "flow":
      return model.trainTimesteps;
    case "angular":
      return 1;
    case "edm":
      return undefined;
  }
}

/** The timestep that means a level's noise; of a table's, fractions by going straight in between. */
function timestepOf(level: NoiseLevel, model: NoiseModel): number {
  const wanted = ratio(level);
  switch (model.kind) {
    case "edm":
      return Math.log(wanted) / 4;
    case "angular":
      return Math.atan(wanted) / (Math.PI / 2);
    case "flow":
      return level.sigma * model.trainTimesteps;
    case "diffusion": {
      const ratios = Array.from(model.alphasCumprod, (left) => Math.sqrt((1 - left) / left));
      const above = ratios.findIndex((value) => value > wanted);
      if (above <= 0) return above === 0 ? 0 : ratios.length - 1;
      const [low, high] = [ratios[above - 1]!, ratios[above]!];
      return above - 1 + (wanted - low) / (high - low);
    }
  }
}

async function checkBadSteps(make: SchedulerFactory, expected: Expectations): Promise<void> {
  const noiseModel = measuredNoise(expected.noise[0]!);
  // The largest comes last: whoever does not look may fill the memory with levels.
  for (const steps of [0, -1, 1.5, Number.NaN, Infinity, "20", undefined, 1_000_000]) {
    const told = typeof steps === "string" ? JSON.stringify(steps) : String(steps);
    await refusal(`${told} steps`, "invalid-request", () =>
      make().schedule(steps as number, noiseModel, { latentDims: runDims }),
    );
  }
}

function ratio({ alpha, sigma }: NoiseLevel): number {
  return sigma / alpha;
}
