import { describe, expect, it } from "vitest";
import type { Pipeline } from "./create-pipeline.js";
import { newestWins } from "./newest-wins.js";
import type { GenerateRequest } from "./request.js";
import type { GenerateResult, StepEvent } from "./result.js";

interface Job {
  readonly prompt: string;
  readonly signal: AbortSignal;
  step(): void;
  /** Ends the run that goes on: with the result, or, where it was aborted, with the reason. */
  end(error?: unknown): void;
}

/** A pipeline whose runs end when they are told to, as a graph's run does. */
function slowPipeline(): Pick<Pipeline, "generate"> & { readonly jobs: Job[] } {
  const jobs: Job[] = [];
  return {
    jobs,
    generate(asked) {
      const { prompt, signal, onStep } = asked as GenerateRequest;
      return new Promise((resolve, reject) => {
        jobs.push({
          prompt,
          signal: signal!,
          step: () => onStep?.({ type: "step" } as StepEvent),
          end(error) {
            if (error) reject(error);
            else if (signal!.aborted) reject(signal!.reason);
            else resolve({ seeds: [prompt.length] } as unknown as GenerateResult);
          },
        });
      });
    },
  };
}

const settled = async <T>(work: Promise<T>): Promise<T | "waits"> => {
  for (let k = 0; k < 10; k++) await Promise.resolve();
  return Promise.race([work, Promise.resolve("waits" as const)]);
};

describe("newestWins", () => {
  it("makes one request after the other where none is in the way", async () => {
    const pipeline = slowPipeline();
    const live = newestWins(pipeline);
    for (const prompt of ["a", "bb"]) {
      const work = live.generate({ prompt });
      await settled(work);
      pipeline.jobs.at(-1)!.end();
      expect((await work)?.seeds).toEqual([prompt.length]);
    }
    expect(pipeline.jobs.map(({ signal }) => signal.aborted)).toEqual([false, false]);
  });

  it("aborts what runs, waits until it has ended, and begins the last alone", async () => {
    const pipeline = slowPipeline();
    const live = newestWins(pipeline);
    const first = live.generate({ prompt: "a" });
    await settled(first);
    const [second, third, fourth] = ["b", "c", "dddd"].map((prompt) => live.generate({ prompt }));
    // The second and third never began; the first ends when its run does.
    expect(await settled(second!)).toBeUndefined();
    expect(await settled(third!)).toBeUndefined();
    expect(await settled(first)).toBe("waits");
    expect(pipeline.jobs.map(({ prompt }) => prompt)).toEqual(["a"]);
    expect(pipeline.jobs[0]!.signal.aborted).toBe(true);

    pipeline.jobs[0]!.end();
    expect(await first).toBeUndefined();
    expect(await settled(fourth!)).toBe("waits");
    expect(pipeline.jobs.map(({ prompt }) => prompt)).toEqual(["a", "dddd"]);
    pipeline.jobs[1]!.end();
    expect((await fourth)?.seeds).toEqual([4]);
  });

  it("takes no steps of what is superseded", async () => {
    const pipeline = slowPipeline();
    const live = newestWins(pipeline);
    const steps: string[] = [];
    const old = live.generate({ prompt: "a", onStep: () => steps.push("a") });
    await settled(old);
    pipeline.jobs[0]!.step();
    void live.generate({ prompt: "b", onStep: () => steps.push("b") });
    pipeline.jobs[0]!.step();
    pipeline.jobs[0]!.end();
    await old;
    await settled(old);
    pipeline.jobs[1]!.step();
    expect(steps).toEqual(["a", "b"]);
  });

  it("cancels what runs and what waits, and goes on after it", async () => {
    const pipeline = slowPipeline();
    const live = newestWins(pipeline);
    live.cancel();
    const runs = live.generate({ prompt: "a" });
    await settled(runs);
    const waits = live.generate({ prompt: "b" });
    live.cancel();
    expect(await settled(waits)).toBeUndefined();
    pipeline.jobs[0]!.end();
    expect(await runs).toBeUndefined();
    const later = live.generate({ prompt: "ccc" });
    await settled(later);
    pipeline.jobs[1]!.end();
    expect((await later)?.seeds).toEqual([3]);
  });

  it("rejects with the caller's reason, running or waiting, and with failures", async () => {
    const pipeline = slowPipeline();
    const live = newestWins(pipeline);
    const caller = new AbortController();
    const runs = live.generate({ prompt: "a", signal: caller.signal });
    await settled(runs);
    caller.abort("mine");
    pipeline.jobs[0]!.end();
    await expect(runs).rejects.toBe("mine");

    const blocker = live.generate({ prompt: "b" });
    await settled(blocker);
    const second = new AbortController();
    const waits = live.generate({ prompt: "c", signal: second.signal });
    second.abort("mine too");
    await expect(waits).rejects.toBe("mine too");
    pipeline.jobs[1]!.end(new Error("the GPU was lost"));
    // A failure is told even where nobody waits for that picture any more.
    await expect(blocker).rejects.toThrow("the GPU was lost");
    expect(pipeline.jobs).toHaveLength(2);

    const late = live.generate({ prompt: "d", signal: second.signal });
    await expect(late).rejects.toBe("mine too");
    const next = live.generate({ prompt: "e" });
    await settled(next);
    pipeline.jobs[2]!.end();
    expect(await next).toBeDefined();
  });
});
