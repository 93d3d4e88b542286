import {
  batchEntry,
  furnishRequest,
  type GenerateRequest,
  type GenerateResult,
  type GenerationEvent,
  type ModelProgress,
  type Pipeline,
  type PipelineWarning,
  type RecipeRequest,
  type StepEvent,
  UnderpaintError,
  version,
} from "@underpaint/core";
import { controlsToSend } from "../controls/sent-controls.js";
import { type Parcel, pack } from "./crossing.js";
import { createLink } from "./link.js";
import type { PipelineState, RequestMessage, StepMessage } from "./messages.js";

/** How {@link connectPipeline} begins. */
export interface ConnectOptions {
  /** What the worker opens the pipeline with: plain values. */
  readonly options: PipelineState;
  readonly onProgress?: ((progress: ModelProgress) => void) | undefined;
  readonly onWarning?: ((warning: PipelineWarning) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Ends what is at the other end of the port; called once. */
  readonly terminate?: () => void;
}

/** A pipeline that runs at the other end of a port. */
export interface RemotePipeline {
  readonly pipeline: Pipeline;
  /** What the pipeline said of itself last. */
  state(): PipelineState;
}

/** A pipeline at the other end of a port, and a way to tell that the end is gone. */
export interface Connection {
  /** Resolves when the model is open. */
  readonly opened: Promise<RemotePipeline>;
  /** Ends all calls, those to come too, with this error. */
  fail(error: unknown): void;
}

/**
 * The page's end: a pipeline with core's interface, which runs where {@link servePipeline} was
 * called with the other end of `port`.
 *
 * Pictures come over without being copied. Those that are sent are copied once, so that the
 * caller's stay usable.
 */
export function connectPipeline(port: MessagePort, options: ConnectOptions): Connection {
  const { terminate = () => {} } = options;
  const link = createLink(port, {
    progress: (progress) => options.onProgress?.(progress),
    warning: (warning) => options.onWarning?.(warning),
    state: (now) => {
      state = now;
    },
    closed: () => end(workerEnded()),
  });
  let state: PipelineState = {};
  let ended = false;
  let disposal: Promise<void> | undefined;

  function end(error: unknown): void {
    if (ended) return;
    ended = true;
    link.fail(error);
    terminate();
  }

  async function open(): Promise<RemotePipeline> {
    const { signal } = options;
    // A script that does not come cannot answer: opening ends at once, and the worker with it.
    const onAbort = (): void => end(signal?.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      signal?.throwIfAborted();
      const sent = pack(options.options, "the pipeline's options");
      const asked = { version, options: sent.content };
      const opened = await link.run().call("open", asked, sent.transfer);
      state = opened.state;
      return { pipeline: { ...methods, manifest: opened.manifest }, state: () => state };
    } catch (error) {
      end(error);
      throw error;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  async function* stream(
    asked: GenerateRequest | RecipeRequest,
  ): AsyncGenerator<GenerationEvent, void, void> {
    const { request, onStep, signal } = split(asked);
    const { content, transfer } = await packRequest(request);
    const run = link.run(signal);
    let running = true;
    try {
      let event = await run.call("stream", content, transfer);
      while (event.type === "step") {
        const step = stepEvent(event);
        onStep?.(step);
        yield step;
        event = await run.call("next", {});
      }
      running = false;
      yield event;
    } catch (error) {
      running &&= !run.failed();
      throw error;
    } finally {
      // A reader that left waits until the worker has stopped. That fails only where it is gone.
      if (running) await run.call("leave", {}).catch(() => {});
      run.end();
    }
  }

  function stepEvent(event: StepMessage): StepEvent {
    return {
      ...event,
      preview: async (index = 0) => methods.preview(batchEntry(event.denoised, index)),
    };
  }

  function dispose(): Promise<void> {
    disposal ??= (async () => {
      link.post({ end: true });
      end(
        new UnderpaintError({
          code: "disposed",
          what: "the pipeline was disposed",
          remedy: "make a new one with createPipeline()",
        }),
      );
    })();
    return disposal;
  }

  async function generate(asked: GenerateRequest | RecipeRequest): Promise<GenerateResult> {
    const { request, onStep, signal } = split(asked);
    if (onStep) return lastOf(stream(asked));
    const { content, transfer } = await packRequest(request);
    const run = link.run(signal);
    return run.call("generate", content, transfer).finally(run.end);
  }

  const methods: Omit<Pipeline, "manifest"> = {
    stream,
    generate,
    furnish: async (image, mask, wanted) => generate(furnishRequest(image, mask, wanted)),
    async preview(latents, index = 0) {
      const { content, transfer } = pack({ latents, index }, "the latents");
      const run = link.run();
      return run.call("preview", content, transfer).finally(run.end);
    },
    async load({ signal } = {}) {
      const run = link.run(signal);
      return run.call("load", {}).finally(run.end);
    },
    async unload(component) {
      if (disposal) return;
      const run = link.run();
      return run.call("unload", { component }).finally(run.end);
    },
    dispose,
  };

  return { opened: open(), fail: end };
}

/** What calls to a worker that is gone reject with. */
export function workerEnded(): UnderpaintError {
  return new UnderpaintError({
    code: "worker-failed",
    what: "the worker that the pipeline ran in ended",
    remedy:
      "make a new pipeline with createPipeline(); if memory was short, ask for less at a time",
  });
}

/**
 * What of a request stays here, and what goes over. What has the wrong type goes over too, for
 * the pipeline to refuse it.
 */
function split(asked: GenerateRequest | RecipeRequest): {
  readonly request: unknown;
  readonly onStep: GenerateRequest["onStep"];
  readonly signal: AbortSignal | undefined;
} {
  if (typeof asked !== "object" || asked === null || Array.isArray(asked)) {
    return { request: asked, onStep: undefined, signal: undefined };
  }
  const { onStep, signal, ...request } = asked;
  const isSignal = typeof signal?.throwIfAborted === "function";
  const isFunction = typeof onStep === "function";
  return {
    request: {
      ...request,
      ...(signal !== undefined && !isSignal && { signal }),
      ...(onStep !== undefined && !isFunction && { onStep }),
    },
    onStep: isFunction ? onStep : undefined,
    signal: isSignal ? signal : undefined,
  };
}

/** A request ready to be sent, its controls as what they can be made again of. */
async function packRequest(request: unknown): Promise<Parcel<RequestMessage>> {
  const isRecord = typeof request === "object" && request !== null && !Array.isArray(request);
  const { controls, ...rest } = (isRecord ? request : {}) as Partial<GenerateRequest>;
  const sent = controls && (await controlsToSend(controls));
  const { content, transfer } = pack(sent ? rest : request, "the request");
  if (!sent) return { content: { request: content }, transfer };
  const packed = pack(sent, "controls");
  return {
    content: { request: content, controls: packed.content },
    transfer: [...transfer, ...packed.transfer],
  };
}

async function lastOf(events: AsyncIterable<GenerationEvent>): Promise<GenerateResult> {
  for await (const event of events) if (event.type === "result") return event.result;
  throw new Error("unreachable: a stream ends with its result");
}
