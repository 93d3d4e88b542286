import { untilAborted } from "../backend/queue.js";
import type { Pipeline } from "./create-pipeline.js";
import type { RecipeRequest } from "./recipe-request.js";
import type { GenerateRequest } from "./request.js";
import type { GenerateResult } from "./result.js";

/** Makes one picture at a time, for what changes faster than pictures are made: a drawing. */
export interface LivePipeline {
  /**
   * Makes pictures, in place of whatever was asked for before: a request that runs is aborted,
   * and one that waits is never begun. Theirs were not failures, so both resolve to undefined; and
   * once a newer request has come, an older one's `onStep` is not called any more.
   *
   * @returns the result, or undefined where a newer request or {@link LivePipeline.cancel} came
   * first.
   * @throws as {@link Pipeline.generate}; the reason of the request's own `signal`.
   */
  generate(request: GenerateRequest | RecipeRequest): Promise<GenerateResult | undefined>;
  /** Ends what runs and what waits, as a newer request would. */
  cancel(): void;
}

/**
 * Lets the newest request win.
 *
 * A run of a graph cannot be interrupted, so the newest waits until the one before has ended: for
 * one run at most. Of any number of requests that come in that time only the last is begun.
 *
 *     const live = newestWins(pipeline);
 *     canvas.onpointermove = async () => {
 *       const result = await live.generate({ prompt, image: drawing(), steps: 4 });
 *       if (result) show(result.images[0]);
 *     };
 */
export function newestWins(pipeline: Pick<Pipeline, "generate">): LivePipeline {
  let newest = new AbortController();
  /** Settles when nothing runs; never rejects. */
  let idle: Promise<unknown> = Promise.resolve();

  async function generate(
    request: GenerateRequest | RecipeRequest,
    { signal: superseded }: AbortController,
  ): Promise<GenerateResult | undefined> {
    const { signal, onStep } = Object(request) as GenerateRequest;
    // What is no request, no signal or no function goes to the pipeline, which refuses it.
    if (signal !== undefined && typeof signal?.throwIfAborted !== "function") {
      return pipeline.generate(request);
    }
    const stop = new AbortController();
    const onSuperseded = (): void => stop.abort(superseded.reason);
    const onAbort = (): void => stop.abort(signal?.reason);
    superseded.addEventListener("abort", onSuperseded, { once: true });
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      signal?.throwIfAborted();
      await untilAborted(idle, stop.signal);
      const work = pipeline.generate({
        ...request,
        signal: stop.signal,
        ...(typeof onStep === "function" && {
          onStep(event) {
            if (!superseded.aborted) onStep(event);
          },
        }),
      });
      idle = work.catch(() => {});
      return await work;
    } catch (error) {
      if (superseded.aborted && error === superseded.reason) return undefined;
      throw error;
    } finally {
      superseded.removeEventListener("abort", onSuperseded);
      signal?.removeEventListener("abort", onAbort);
    }
  }

  return {
    async generate(request) {
      newest.abort();
      newest = new AbortController();
      return generate(request, newest);
    },
    cancel: () => newest.abort(),
  };
}
