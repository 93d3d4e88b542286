import {
  ddim,
  euler,
  type FloatTensor,
  linear,
  type NoiseLevel,
  type SamplingRun,
  type Scheduler,
  trailing,
} from "@underpaint/core";
import { schedulers } from "@underpaint/schedulers";
import { describe, expect, it } from "vitest";
import { failures } from "../check.js";
import { measuredNoise } from "./noise-models.js";
import type { SchedulerCheckOptions } from "./options.js";
import { schedulerChecks } from "./scheduler-checks.js";

type Options = Readonly<Record<string, unknown>>;
type Step = (latents: FloatTensor, index: number) => Promise<FloatTensor>;

/** A sound scheduler, and what it promises. */
interface Sound {
  readonly make: (options?: Options) => Scheduler;
  readonly options: SchedulerCheckOptions;
}

const sound = {
  euler: {
    make: (options = { spacing: trailing() }) => euler(options),
    options: { refuses: [{ sChurn: -1 }, { spacing: "karras" }] },
  },
  heun: {
    make: (options = { spacing: trailing() }) => schedulers.heun!.create(options),
    options: {
      order: 2,
      calls: (index, steps) => (index === steps - 1 ? ["denoise"] : ["denoise", "denoise"]),
    },
  },
  ancestral: {
    make: (options = { spacing: trailing() }) => schedulers["euler-ancestral"]!.create(options),
    options: {
      solves: "sde",
      calls: (index, steps) => (index === steps - 1 ? ["denoise"] : ["denoise", "noise"]),
    },
  },
  multistep: {
    make: (options = { spacing: trailing() }) => schedulers["dpmpp-2m"]!.create(options),
    options: { noise: ["diffusion", "flow"], mayRefuse: [1000], order: 2, multistep: true },
  },
  /** Latent consistency models' sampling, arXiv 2303.01469, algorithm 1. */
  consistency: {
    make: (options = { spacing: trailing() }) => ({
      ...ddim(options),
      name: "consistency",
      start({ schedule: { levels }, denoise, noise }) {
        return async (latents, index) => {
          const { alpha, sigma } = levels[index + 1]!;
          const estimate = await denoise(latents, levels[index]!);
          return sigma === 0 ? linear(alpha, estimate) : linear(alpha, estimate, sigma, noise());
        };
      },
    }),
    options: {
      solves: "consistency",
      calls: (index, steps) => (index === steps - 1 ? ["denoise"] : ["denoise", "noise"]),
    },
  },
  inverse: {
    make: schedulers["ddim-inverse"]!.create,
    options: { inverts: true, mayRefuse: (_, noise) => noise.predictionType === "sample" },
  },
  noisy: {
    make: (options = { spacing: trailing(), finalSigmasType: "sigma_min" }) => euler(options),
    options: { endsWithNoise: true },
  },
} as const satisfies Record<string, Sound>;

/** A way to break a scheduler: what replaces its parts. */
type Breach = (scheduler: Scheduler) => Partial<Scheduler>;

function withLevels(
  change: (levels: NoiseLevel[]) => NoiseLevel[],
  rest: (steps: number) => { initialNoiseScale?: number } = () => ({}),
): Breach {
  return (scheduler) => ({
    schedule(steps, noiseModel, context) {
      const schedule = scheduler.schedule(steps, noiseModel, context);
      return { ...schedule, ...rest(steps), levels: change([...schedule.levels]) };
    },
  });
}

/** Breaks the steps: `change` makes the broken step of the sound one. */
function withStep(change: (step: Step, run: SamplingRun) => Step): Breach {
  return (scheduler) => ({ start: (run) => change(scheduler.start(run), run) });
}

/** Breaks what the solver is handed. */
function withRun(change: (run: SamplingRun) => SamplingRun): Breach {
  return (scheduler) => ({ start: (run) => scheduler.start(change(run)) });
}

/** Multiplies all estimates, or those at levels that are chosen. */
const scaleEstimates = (scale: number, of: (run: SamplingRun) => boolean = () => true) =>
  withRun((run) => ({
    ...run,
    denoise: async (latents, level) => {
      const estimate = await run.denoise(latents, level);
      return of(run) ? linear(scale, estimate) : estimate;
    },
  }));

/** The scheduler keeps the last schedule that it made, for whichever run goes on. */
const keepsSchedule: Breach = (scheduler) => {
  let kept: ReturnType<Scheduler["schedule"]>;
  return {
    schedule(...given) {
      kept = scheduler.schedule(...given);
      return kept;
    },
    start: (run) => (latents, index) => scheduler.start({ ...run, schedule: kept })(latents, index),
  };
};

/** In the longest runs alone, which no clause about accuracy looks at. */
const doubledLevel = withLevels((levels) =>
  levels.map((level, i) => (i === 2 && levels.length > 999 ? levels[1]! : level)),
);

const lateIndices: Breach = (scheduler) => ({
  start(run) {
    const step = scheduler.start({ ...run, begin: 0 });
    return (latents, index) => step(latents, index - run.begin);
  },
});

interface Mutant {
  /** The one clause that it breaks. */
  readonly clause: string;
  readonly told: string;
  readonly of: Sound;
  readonly breach: Breach;
  /** Beside those of the sound scheduler. */
  readonly options?: SchedulerCheckOptions;
}

const less = "has steps + 1 levels on one scale, each with less noise than the one before";
const more = "has steps + 1 levels on one scale, each with more noise than the one before";
const timesteps =
  "tells the network timesteps in range, of their type, that mean the noise there is";
const json = "is made again by its name and options in JSON";
const untouched = "leaves the tensors that it is given, and has given, as they are";
const calls = "calls the network and the noise as declared";
const used = "makes use of all the noise that it draws";
const finite = "stays finite in 1, 2, 3, 1000 steps of every model";

const mutants: readonly Mutant[] = [
  { clause: less, told: "stands still for a step", of: sound.euler, breach: doubledLevel },
  {
    clause: less,
    told: "takes a step less",
    of: sound.euler,
    breach: withLevels((levels) => (levels.length > 3 ? levels.toSpliced(2, 1) : levels)),
  },
  {
    clause: less,
    told: "has a level that is on no scale",
    of: sound.euler,
    breach: withLevels((levels) =>
      levels.map((level, i) =>
        levels.length > 999 && i === 5
          ? { ...level, alpha: 0.99, sigma: level.sigma * 0.99 }
          : level,
      ),
    ),
  },
  { clause: more, told: "stands still for a step", of: sound.inverse, breach: doubledLevel },
  {
    clause: "ends without noise",
    told: "leaves some noise",
    of: sound.euler,
    breach: withLevels((levels) => levels.with(-1, { ...levels.at(-1)!, sigma: 0.01 })),
  },
  {
    clause: "ends with some noise left",
    told: "leaves none",
    of: sound.noisy,
    breach: withLevels((levels) => levels.with(-1, { ...levels.at(-1)!, sigma: 0 })),
  },
  {
    clause: "begins with as much noise as its first level has",
    told: "has a scale of 1 where sigma is 14",
    of: sound.euler,
    breach: withLevels(
      (levels) => levels,
      () => ({ initialNoiseScale: 1 }),
    ),
  },
  {
    clause: timesteps,
    told: "is two timesteps off",
    of: sound.euler,
    breach: withLevels((levels) =>
      levels.map((level) => ({ ...level, timestep: Math.max(0, level.timestep - 2) })),
    ),
  },
  {
    clause: timesteps,
    told: "has float32 timesteps that are not",
    of: sound.euler,
    breach: withLevels((levels) =>
      levels.map((level) => ({ ...level, timestep: level.timestep * (1 - 1e-9) })),
    ),
  },
  {
    clause: timesteps,
    told: "has int64 timesteps that are not whole",
    of: sound.consistency,
    breach: withLevels((levels) =>
      levels.map((level) => ({ ...level, timestep: level.timestep * 0.9999 })),
    ),
  },
  {
    clause: timesteps,
    told: "goes past the last",
    of: sound.consistency,
    breach: withLevels((levels) =>
      levels.map((level, i) => (i === 0 ? { ...level, timestep: 1000 } : level)),
    ),
  },
  {
    clause: timesteps,
    told: "tells the network another than the level's",
    of: sound.euler,
    breach: withRun((run) => ({
      ...run,
      denoise: (latents, level) =>
        run.denoise(latents, { ...level, timestep: Math.max(0, level.timestep - 50) }),
    })),
  },
  {
    clause: timesteps,
    told: "inverts with timesteps of another step",
    of: sound.inverse,
    // In runs of 20 steps, whose result no clause looks at.
    breach: withLevels((levels) =>
      levels.map((level) =>
        levels.length === 21 ? { ...level, timestep: Math.min(999, level.timestep + 60) } : level,
      ),
    ),
  },
  {
    clause: "refuses what is no number of steps",
    told: "makes the best of it",
    of: sound.euler,
    breach: (scheduler) => ({
      schedule: (steps, ...rest) =>
        scheduler.schedule(Math.min(10_000, Math.max(1, Math.round(Number(steps)) || 1)), ...rest),
    }),
  },
  {
    clause: "refuses what is no number of steps",
    told: "throws an error that is not typed",
    of: sound.euler,
    breach: (scheduler) => ({
      schedule(steps, ...rest) {
        if (!(steps >= 1 && steps <= 1000 && steps % 1 === 0)) throw new RangeError("steps");
        return scheduler.schedule(steps, ...rest);
      },
    }),
  },
  {
    clause: "refuses models whose noise it was not made for",
    told: "takes flow for a table",
    of: sound.euler,
    breach: (scheduler) => ({
      schedule: (steps, noiseModel, context) =>
        scheduler.schedule(
          steps,
          noiseModel.kind === "diffusion" ? noiseModel : measuredNoise("diffusion"),
          context,
        ),
    }),
  },
  {
    clause: json,
    told: "has an option that JSON has not",
    of: sound.euler,
    breach: ({ options }) => ({ options: { ...options, sTmax: Infinity } }),
  },
  {
    clause: json,
    told: "has an option that is undefined",
    of: sound.euler,
    breach: ({ options }) => ({ options: { ...options, sTmax: undefined } }),
  },
  {
    clause: json,
    told: "keeps its options back",
    of: sound.euler,
    breach: () => ({ options: {} }),
  },
  { clause: json, told: "has no name", of: sound.euler, breach: () => ({ name: "" }) },
  {
    clause: json,
    told: "is made again with other steps",
    of: {
      ...sound.euler,
      make: (options) => {
        const scheduler = euler(options ?? { spacing: trailing() });
        return options ? { ...scheduler, ...scaleEstimates(0.99)(scheduler) } : scheduler;
      },
    },
    breach: () => ({}),
  },
  {
    clause: "refuses options that are not right",
    told: "takes them for none",
    of: {
      ...sound.euler,
      make: (options = { spacing: trailing() }) =>
        euler(options.spacing === "karras" ? {} : options),
    },
    breach: () => ({}),
  },
  {
    clause: "gives the same bits for the same seed, run after run",
    told: "counts its runs",
    of: sound.euler,
    breach(scheduler) {
      let runs = 0;
      return withStep((step) => {
        const scale = 1 + 1e-3 * runs++;
        return async (latents, index) => linear(scale, await step(latents, index));
      })(scheduler);
    },
  },
  {
    clause: "keeps runs that overlap apart",
    told: "keeps the last schedule that it made",
    of: sound.euler,
    breach: keepsSchedule,
  },
  {
    clause: "keeps the pictures of a batch apart",
    told: "takes the first for all",
    of: sound.euler,
    breach: withStep((step) => async (latents, index) => {
      const next = await step(latents, index);
      const size = next.data.length / next.dims[0]!;
      for (let i = size; i < next.data.length; i += size) next.data[i] = next.data[0]!;
      return next;
    }),
  },
  {
    clause: untouched,
    told: "wipes the latents",
    of: sound.euler,
    breach: withStep((step) => async (latents, index) => {
      const next = await step(latents, index);
      latents.data.fill(0);
      return next;
    }),
  },
  {
    clause: untouched,
    told: "wipes the estimate",
    of: sound.euler,
    breach: (scheduler) => ({
      start(run) {
        let estimate: FloatTensor | undefined;
        const step = scheduler.start({
          ...run,
          denoise: async (...asked) => {
            estimate = await run.denoise(...asked);
            return estimate;
          },
        });
        return async (latents, index) => {
          const next = await step(latents, index);
          estimate?.data.fill(0);
          return next;
        };
      },
    }),
  },
  {
    clause: untouched,
    told: "returns one and the same tensor each time",
    of: sound.euler,
    breach: withStep((step) => {
      let kept: FloatTensor | undefined;
      return async (latents, index) => {
        const next = await step(latents, index);
        kept ??= next;
        kept.data.set(next.data);
        return kept;
      };
    }),
  },
  {
    clause: calls,
    told: "asks twice for the same",
    of: sound.euler,
    breach: withRun((run) => ({
      ...run,
      denoise: async (...asked) => {
        await run.denoise(...asked);
        return run.denoise(...asked);
      },
    })),
  },
  {
    clause: calls,
    told: "draws before it asks",
    of: sound.ancestral,
    breach: (scheduler) => ({
      start(run) {
        let drawn: FloatTensor | undefined;
        const step = scheduler.start({ ...run, noise: () => drawn! });
        return (latents, index) => {
          drawn = index < run.schedule.levels.length - 2 ? run.noise() : undefined;
          return step(latents, index);
        };
      },
    }),
  },
  {
    clause: used,
    told: "draws noise for nothing",
    of: sound.euler,
    breach: withStep((step, { noise }) => async (latents, index) => {
      const next = await step(latents, index);
      noise();
      return next;
    }),
    options: { calls: ["denoise", "noise"] },
  },
  {
    clause: used,
    told: "gives one draw's noise to the next step too",
    of: sound.consistency,
    breach: withRun((run) => {
      let before: FloatTensor | undefined;
      let draws = 0;
      return {
        ...run,
        noise() {
          const drawn = run.noise();
          // The fifth and last of a run of 6 steps: clauses with longer runs do not notice.
          if (++draws === 5 && run.schedule.levels.length === 7) return before!;
          before = drawn;
          return drawn;
        },
      };
    }),
    // A run that begins late draws less.
    options: { multistep: true },
  },
  {
    clause: "started late, does what is left of a full run",
    told: "counts its steps from where it began",
    of: sound.euler,
    breach: lateIndices,
  },
  {
    clause: "started late, converges to the exact solution with order 2",
    told: "counts its steps from where it began",
    of: sound.multistep,
    breach: lateIndices,
  },
  {
    clause: "started late, converges to the data's distribution with order 1",
    told: "counts its steps from where it began",
    of: sound.ancestral,
    breach: lateIndices,
    options: { multistep: true },
  },
  {
    clause: finite,
    told: "divides 0 by 0 in runs of two steps",
    of: sound.euler,
    breach: withStep((step, { schedule: { levels } }) => async (latents, index) => {
      const weight = index / (levels.length - 3) === Infinity ? Number.NaN : 1;
      return linear(weight, await step(latents, index));
    }),
  },
  {
    clause: finite,
    told: "asks the network where there is no noise",
    of: sound.heun,
    breach: withStep((step, { schedule: { levels }, denoise }) => async (latents, index) => {
      const next = await step(latents, index);
      if (index === levels.length - 2) await denoise(next, levels.at(-1)!);
      return next;
    }),
    options: { calls: ["denoise", "denoise"] },
  },
  {
    clause: finite,
    told: "overflows where a model predicts noise and there is only noise",
    of: sound.consistency,
    breach: (scheduler) => ({
      schedule(steps, noiseModel, context) {
        const predicts = { ...noiseModel, predictionType: "sample" } as typeof noiseModel;
        return scheduler.schedule(steps, predicts, context);
      },
    }),
  },
  {
    clause: finite,
    told: "refuses a run of three steps",
    of: sound.euler,
    // Only where a run is started: the clauses about schedules would see the rest.
    breach: withStep((step, { schedule: { levels } }) => async (latents, index) => {
      return levels.length === 4 ? linear(1e38, latents, 1e38, latents) : step(latents, index);
    }),
  },
  {
    clause: "converges to the exact solution with order 1",
    told: "is off by a thousandth in each step",
    of: sound.euler,
    breach: scaleEstimates(0.99),
  },
  {
    clause: "converges to the exact solution with order 2",
    told: "weighs its two slopes wrongly",
    of: sound.heun,
    breach: withRun((run) => ({
      ...run,
      // The second of a step's two estimates, moved a little towards the first.
      denoise: ((first?: FloatTensor) => async (latents, level) => {
        const estimate = await run.denoise(latents, level);
        const mixed = first ? linear(0.8, estimate, 0.2, first) : estimate;
        first = first ? undefined : estimate;
        return mixed;
      })(),
    })),
  },
  {
    clause: "converges to the exact solution with order 1",
    told: "is declared of a lower order than it is",
    of: sound.heun,
    breach: () => ({}),
    options: { order: 1 },
  },
  {
    clause: "converges to the exact solution with order 2",
    told: "is wrong for one of its kinds of noise",
    of: sound.multistep,
    breach: (scheduler) => ({
      start(run) {
        const step = scheduler.start(run);
        // Late runs do without, so that their clause holds.
        const wrong = run.noiseModel.kind === "flow" && run.begin === 0;
        return async (latents, index) =>
          wrong && index === 0 ? linear(0.999, await step(latents, index)) : step(latents, index);
      },
    }),
  },
  {
    clause: "converges to the data's distribution with order 1",
    told: "adds too little noise",
    of: sound.ancestral,
    breach: withRun((run) => ({ ...run, noise: () => linear(0.98, run.noise()) })),
  },
  {
    clause: "converges to the data's distribution with order 1",
    told: "adds one noise twice",
    of: sound.ancestral,
    breach: withRun((run) => {
      let before: FloatTensor | undefined;
      return {
        ...run,
        // Right in amount, but no two steps are independent: only the variance tells.
        noise() {
          const drawn = run.noise();
          const mixed = before ? linear(Math.SQRT1_2, drawn, Math.SQRT1_2, before) : drawn;
          before = drawn;
          return mixed;
        },
      };
    }),
    // A late run has nothing to mix with.
    options: { multistep: true, lateOrder: -10 },
  },
  {
    clause: "gives the data's distribution with a consistency model",
    told: "adds too little noise",
    of: sound.consistency,
    breach: withRun((run) => ({ ...run, noise: () => linear(0.98, run.noise()) })),
  },
];

/** A clause without the kind of noise that it is about. */
const clauseOf = (name: string): string => name.replace(/ \((diffusion|flow|edm|angular)\)$/, "");

async function broken(of: Sound, breach: Breach, more: SchedulerCheckOptions = {}) {
  const make = (options?: Options): Scheduler => {
    const scheduler = of.make(options);
    return { ...scheduler, ...breach(scheduler) };
  };
  const checks = schedulerChecks(make, { ...of.options, ...more });
  const found = await failures(checks);
  return { clauses: [...new Set(found.map(({ name }) => clauseOf(name)))], checks, found };
}

describe("a sound scheduler passes every clause", () => {
  it.each(Object.entries(sound))("%s", async (_, of) => {
    expect((await broken(of, () => ({}))).found).toEqual([]);
  });
});

describe("a scheduler that breaks one clause fails that one alone", () => {
  it.each(mutants.map((mutant) => [mutant.told, mutant.clause, mutant] as const))(
    "%s: %s",
    async (_, clause, { of, breach, options }) => {
      const { clauses, found } = await broken(of, breach, options);
      expect(clauses).toEqual([clause]);
      for (const { error } of found) expect((error as Error).message.length).toBeGreaterThan(20);
    },
  );

  it("and there is one for every clause", () => {
    const names = [...Object.values(sound), ...mutants.map(({ of }) => of)].flatMap(
      ({ make, options }: Sound) => schedulerChecks(make, options).map(({ name }) => name),
    );
    const clauses = new Set(names.map(clauseOf));
    expect([...new Set(mutants.map(({ clause }) => clause))].sort()).toEqual(
      expect.arrayContaining([...clauses].sort()),
    );
  });
});
