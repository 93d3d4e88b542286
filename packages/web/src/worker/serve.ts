import {
  type GenerateRequest,
  type GenerationEvent,
  type ModelProgress,
  type Pipeline,
  type PipelineWarning,
  UnderpaintError,
  version,
} from "@underpaint/core";
import { controlsSent } from "../controls/sent-controls.js";
import { type Parcel, packImage, packResult, packTensor } from "./crossing.js";
import { errorToMessage } from "./error-message.js";
import type {
  CallMessage,
  FromWorker,
  PipelineState,
  RequestMessage,
  StepMessage,
  ToWorker,
} from "./messages.js";

/** What the pipeline of a worker tells while it works. */
export interface ServedHooks {
  readonly onProgress: (progress: ModelProgress) => void;
  readonly onWarning: (warning: PipelineWarning) => void;
  readonly signal: AbortSignal;
}

/** A pipeline, and what it says of itself besides the manifest. */
export interface Served {
  readonly pipeline: Pipeline;
  /** Plain values; sent again where they have changed. */
  state(): PipelineState;
}

/** Opens the pipeline that a page asked for, with the options that it sent. */
export type OpenServed = (options: PipelineState, hooks: ServedHooks) => Promise<Served>;

/**
 * The worker's end: serves one pipeline over a port, to the page that {@link connectPipeline} was
 * called in. Ends, and disposes the pipeline, when the page says so or its end of the port closes.
 */
export function servePipeline(port: MessagePort, open: OpenServed): void {
  const streams = new Map<number, AsyncGenerator<GenerationEvent, void, void>>();
  const controllers = new Map<number, AbortController>();
  let served: Promise<Served> | undefined;
  let ready: Served | undefined;
  let told = "";

  const post = (message: FromWorker, transfer: ArrayBuffer[] = []): void =>
    port.postMessage(message, transfer);

  /** Says what has changed of the pipeline's state, before the answer or warning that it goes with. */
  function tellState(): void {
    if (!ready) return;
    const state = ready.state();
    const text = JSON.stringify(state);
    if (text === told) return;
    told = text;
    post({ state });
  }

  async function answer(message: CallMessage): Promise<Parcel<unknown>> {
    if (message.call === "open") return opened(message);
    if (!served) throw new UnderpaintError({ code: "disposed", what: "no pipeline was opened" });
    const { pipeline } = await served;
    const { run } = message;
    switch (message.call) {
      case "generate": {
        const request = await requestOf(message, run);
        for await (const event of pipeline.stream(request)) {
          if (event.type === "result") return packResult(event.result);
        }
        throw new Error("unreachable: a stream ends with its result");
      }
      case "stream": {
        const stream = pipeline.stream(await requestOf(message, run));
        streams.set(run, stream);
        return nextEvent(run, stream);
      }
      case "next":
        return nextEvent(run, streams.get(run));
      case "leave":
        await streams.get(run)?.return();
        close(run);
        return nothing;
      case "preview":
        return packImage(await pipeline.preview(message.latents, message.index));
      case "load":
        await pipeline.load({ signal: signalOf(run) });
        return nothing;
      case "unload":
        await pipeline.unload(message.component);
        return nothing;
    }
  }

  async function opened({ run, version: pages, options }: CallMessage & { call: "open" }) {
    if (pages !== version) {
      throw new UnderpaintError({
        code: "worker-failed",
        what: `the worker's script is of version ${version}, the page's of ${pages}`,
        remedy: "build both from one installation, and see that no cache serves an older one",
      });
    }
    served ??= open(options, {
      onProgress: (progress) => post({ progress }),
      onWarning(warning) {
        tellState();
        post({ warning });
      },
      signal: signalOf(run),
    });
    ready = await served;
    const state = ready.state();
    told = JSON.stringify(state);
    return { content: { manifest: ready.pipeline.manifest, state }, transfer: [] };
  }

  async function nextEvent(
    run: number,
    stream: AsyncGenerator<GenerationEvent, void, void> | undefined,
  ): Promise<Parcel<unknown>> {
    const next = await stream?.next();
    if (!next || next.done) throw new Error("unreachable: a stream ends with its result");
    const event = next.value;
    if (event.type === "step") return packStep(event);
    const { content: result, transfer } = packResult(event.result);
    close(run);
    return { content: { type: "result", result }, transfer };
  }

  function signalOf(run: number): AbortSignal {
    const controller = controllers.get(run) ?? new AbortController();
    controllers.set(run, controller);
    return controller.signal;
  }

  /** What the page asked for, with a signal that the page aborts, and its controls made again. */
  async function requestOf(message: RequestMessage, run: number): Promise<GenerateRequest> {
    const request = withSignal(message.request, run);
    if (!message.controls) return request;
    const controls = await controlsSent(message.controls);
    return { ...request, controls } as GenerateRequest;
  }

  /** A page that sends what is no request is told so by the pipeline. */
  function withSignal(request: unknown, run: number): GenerateRequest {
    const signal = signalOf(run);
    const isRecord = typeof request === "object" && request !== null && !Array.isArray(request);
    const ownSignal = isRecord && "signal" in request;
    return (isRecord && !ownSignal ? { ...request, signal } : request) as GenerateRequest;
  }

  function close(run: number): void {
    streams.delete(run);
    controllers.delete(run);
  }

  function receive(message: ToWorker): void {
    if ("end" in message) end();
    else if ("abort" in message) controllers.get(message.abort)?.abort();
    else void answerTo(message);
  }

  async function answerTo(message: CallMessage): Promise<void> {
    const { id, run, call } = message;
    try {
      const { content, transfer } = await answer(message);
      tellState();
      post({ id, answer: content }, transfer);
      if (call !== "stream" && call !== "next") close(run);
    } catch (error) {
      const signal = controllers.get(run)?.signal;
      close(run);
      tellState();
      if (signal?.aborted && error === signal.reason) post({ id, aborted: true });
      else post({ id, error: errorToMessage(error) });
    }
  }

  function end(): void {
    for (const controller of controllers.values()) controller.abort();
    served?.then(({ pipeline }) => pipeline.dispose()).catch(() => {});
    port.close();
  }

  port.addEventListener("message", ({ data }) => receive(data));
  port.addEventListener("messageerror", () => post({ unreadable: true }));
  port.addEventListener("close", end, { once: true });
  port.start();
}

const nothing: Parcel<undefined> = { content: undefined, transfer: [] };

function packStep(event: GenerationEvent & { type: "step" }): Parcel<StepMessage> {
  const { preview: _, ...plain } = event;
  const transfer: ArrayBuffer[] = [];
  const latents = packTensor(event.latents, transfer);
  const denoised = packTensor(event.denoised, transfer);
  return { content: { ...plain, latents, denoised }, transfer };
}
