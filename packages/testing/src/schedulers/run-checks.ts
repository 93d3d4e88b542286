import {
  batchEntry,
  type Denoise,
  type FloatTensor,
  type NoiseModel,
  type Scheduler,
} from "@underpaint/core";
import { type Check, check, fail, need, refusal } from "../check.js";
import { needSameStates, sameBits, sameJson, throughJson } from "../compare.js";
import { type CountingNoise, countingNoise, replayedNoise } from "../fakes/counting-noise.js";
import { measuredNoise, triedNoise } from "./noise-models.js";
import type { Expectations, SchedulerFactory } from "./options.js";
import { normals, type Run, run, runData, runDims } from "./run.js";
import { scheduleOf, triedSteps } from "./schedule-checks.js";
import { throughNetwork } from "./through-network.js";

/** The clauses about runs, except for those about accuracy. */
export function runChecks(make: SchedulerFactory, expected: Expectations): Check[] {
  const noiseModel = measuredNoise(expected.noise[0]!);
  /** A run over exact estimates; all that it draws comes from its seed. */
  const plain = (scheduler: Scheduler, seed: number, steps = 6, noise?: CountingNoise) =>
    plainRun(scheduler, noiseModel, expected, seed, steps, noise);

  return [
    check("is made again by its name and options in JSON", async () => {
      const original = make();
      need(
        typeof original.name === "string" && original.name !== "",
        `name is ${JSON.stringify(original.name)}, expected a word`,
      );
      const again = make(throughJson(original.options));
      need(again.name === original.name, `made again, ${original.name} is ${again.name}`);
      need(sameJson(again.options, original.options), () => {
        const [found, right] = [again.options, original.options].map((o) => JSON.stringify(o));
        return `made again, the options are ${found}, not ${right}`;
      });
      const [first, second] = [await plain(original, 1), await plain(again, 1)];
      need(
        sameJson(first.schedule, second.schedule),
        "made again from its options, it has another schedule",
      );
      needSameStates(second.states, first.states, "made again from its options");
    }),

    ...(expected.refuses.length === 0
      ? []
      : [
          check("refuses options that are not right", async () => {
            for (const options of expected.refuses) {
              await refusal(JSON.stringify(options), "invalid-request", () => make(options));
            }
          }),
        ]),

    check("gives the same bits for the same seed, run after run", async () => {
      const scheduler = make();
      const first = await plain(scheduler, 1);
      needSameStates((await plain(scheduler, 1)).states, first.states, "run once more");
    }),

    check("keeps runs that overlap apart", async () => {
      const after = make();
      const alone = [await plain(after, 1, 6), await plain(after, 2, 7)];
      const scheduler = make();
      const together = await Promise.all([plain(scheduler, 1, 6), plain(scheduler, 2, 7)]);
      together.forEach(({ states }, i) => {
        needSameStates(states, alone[i]!.states, `run ${i}, beside another`);
      });
    }),

    check("keeps the pictures of a batch apart", async () => {
      const both = await plainRun(make(), noiseModel, expected, 1, 6, undefined, 2);
      for (const picture of [0, 1]) {
        const alone = await plain(make(), 1 + picture);
        needSameStates(
          both.states.map((state) => batchEntry(state, picture)),
          alone.states,
          `picture ${picture} of 2`,
        );
      }
    }),

    check("leaves the tensors that it is given, and has given, as they are", async () => {
      const { tensors, copies } = await plain(make(), 1);
      const changed = tensors.findIndex((tensor, i) => !sameBits(tensor.data, copies[i]!.data));
      need(changed === -1, `tensor ${changed} of those given and returned has been changed`);
    }),

    check("calls the network and the noise as declared", async () => {
      for (const steps of [6, 20]) {
        const { calls, schedule } = await plain(make(), 1, steps);
        calls.forEach((found, index) => {
          const declared = expected.calls(index, steps, schedule.levels);
          const right = declared.map((call) => (call === "unused noise" ? "noise" : call));
          need(sameJson(found, right), () => {
            const [a, b] = [found, right].map((list) => list.join(", ") || "nothing");
            return `step ${index} of ${steps} calls ${a}; expected ${b}`;
          });
        });
      }
    }),

    check("makes use of all the noise that it draws", async () => {
      const noise = countingNoise(runDims, 1);
      const { states, schedule, calls } = await plain(make(), 1, 6, noise);
      const draws = calls
        .flatMap((_, index) => expected.calls(index, 6, schedule.levels))
        .filter((call) => call !== "denoise");
      for (let k = 0; k < noise.drawn.length; k++) {
        if (draws[k] === "unused noise") continue;
        const turned = noise.drawn.map((drawn, i) => (i === k ? negative(drawn) : drawn));
        const other = await plain(make(), 1, 6, replayedNoise(turned));
        const moved = other.states.at(-1)!.data.every((v, i) => v !== states.at(-1)!.data[i]);
        need(moved, `draw ${k} of ${noise.drawn.length} has no effect on all of the result`);
      }
    }),

    ...(expected.multistep
      ? []
      : [
          check("started late, does what is left of a full run", () =>
            checkTail(make, noiseModel, expected),
          ),
        ]),

    check(`stays finite in ${triedSteps.join(", ")} steps of every model`, () =>
      checkFinite(make, expected),
    ),
  ];
}

function estimatesFor({ solves }: Expectations): Denoise {
  return solves === "consistency" ? runData.consistent : runData.denoise;
}

function plainRun(
  scheduler: Scheduler,
  noiseModel: NoiseModel,
  expected: Expectations,
  seed: number,
  steps: number,
  noise?: CountingNoise,
  pictures = 1,
): Promise<Run> {
  const dims = [pictures, ...runDims.slice(1)];
  const counting = noise ?? countingNoise(dims, seed);
  const start = countingNoise(dims, seed + 1000);
  return run({
    scheduler,
    steps,
    noiseModel,
    latents: ({ levels }) => runData.latents(levels[0]!, start.noise()),
    denoise: estimatesFor(expected),
    noise: counting.noise,
  });
}

async function checkTail(
  make: SchedulerFactory,
  noiseModel: NoiseModel,
  expected: Expectations,
): Promise<void> {
  const steps = 6;
  const noise = countingNoise(runDims, 1);
  const full = await plainRun(make(), noiseModel, expected, 1, steps, noise);
  for (let begin = 1; begin < steps; begin++) {
    const before = full.calls
      .slice(0, begin)
      .flat()
      .filter((call) => call === "noise").length;
    const late = await run({
      scheduler: make(),
      steps,
      noiseModel,
      begin,
      latents: () => full.states[begin - 1]!,
      denoise: estimatesFor(expected),
      noise: replayedNoise(noise.drawn.slice(before)).noise,
    });
    const hint =
      expected.order(noiseModel.kind) > 1
        ? "; if it looks back on earlier steps, say multistep"
        : "";
    needSameStates(late.states, full.states.slice(begin), `begun with step ${begin}${hint}`);
  }
}

async function checkFinite(make: SchedulerFactory, expected: Expectations): Promise<void> {
  for (const noise of triedNoise(expected.noise)) {
    for (const steps of triedSteps) {
      if (!scheduleOf(make, expected, noise, steps)) continue;
      const where = `${steps} steps of a model of ${noise.name}`;
      const start = normals(runDims, 1);
      const { states, asked } = await run({
        scheduler: make(),
        steps,
        noiseModel: noise.model,
        latents: ({ levels, initialNoiseScale: scale }) =>
          expected.inverts
            ? runData.latents(levels[0]!, start)
            : { ...start, data: start.data.map((value) => value * scale) },
        denoise: throughNetwork(estimatesFor(expected), noise.model),
        noise: countingNoise(runDims, 1).noise,
      });
      const silent = asked.findIndex(({ sigma }) => !(sigma > 0));
      need(silent === -1, `${where}: network call ${silent} is for a level without noise`);
      states.forEach(({ data }, step) => {
        const at = data.findIndex((value) => !Number.isFinite(value));
        if (at !== -1) fail(`${where}: after step ${step}, element ${at} is ${data[at]}`);
      });
    }
  }
}

function negative(tensor: FloatTensor): FloatTensor {
  return { ...tensor, data: tensor.data.map((value) => -value) };
}
