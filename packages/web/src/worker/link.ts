import { type ModelProgress, type PipelineWarning, UnderpaintError } from "@underpaint/core";
import { errorFromMessage } from "./error-message.js";
import type { CallName, Calls, FromWorker, PipelineState, ToWorker } from "./messages.js";

/** Told what the worker says unasked. */
export interface Notices {
  progress(progress: ModelProgress): void;
  warning(warning: PipelineWarning): void;
  state(state: PipelineState): void;
  /** The other end is gone. */
  closed(): void;
}

/** The calls of one request. */
export interface Run {
  /**
   * Calls the worker. Where the run's signal is aborted, the worker ends it, and the call rejects
   * with the signal's reason.
   */
  call<N extends CallName>(
    name: N,
    asked: Calls[N]["asked"],
    transfer?: ArrayBuffer[],
  ): Promise<Calls[N]["answer"]>;
  /** Whether the worker has answered with an error, or that it was aborted: it has ended the run. */
  failed(): boolean;
  /** Stops listening to the signal. */
  end(): void;
}

/** The calls over a port. */
export interface Link {
  /** Begins a request; an aborted signal throws its reason. */
  run(signal?: AbortSignal): Run;
  post(message: ToWorker): void;
  /** Rejects all calls that wait, and those to come, with this error; closes the port. */
  fail(error: unknown): void;
}

interface Waiting {
  resolve(answer: unknown): void;
  reject(error: unknown): void;
  /** The worker has ended the run with an error, or `undefined` where the page had aborted it. */
  ended(error: Error | undefined): void;
}

/** The page's end of a port: calls that are answered once each, by their numbers. */
export function createLink(port: MessagePort, notices: Notices): Link {
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  let failure: { readonly error: unknown } | undefined;

  function receive(message: FromWorker): void {
    if ("progress" in message) notices.progress(message.progress);
    else if ("warning" in message) notices.warning(message.warning);
    else if ("state" in message) notices.state(message.state);
    else if ("unreadable" in message) unreadable("the worker");
    else answered(message);
  }

  function answered(message: FromWorker & { id: number }): void {
    const call = waiting.get(message.id);
    waiting.delete(message.id);
    if ("answer" in message) call?.resolve(message.answer);
    else call?.ended("error" in message ? errorFromMessage(message.error) : undefined);
  }

  /** Nobody can tell which call it was: all that wait are ended, the pipeline stays. */
  function unreadable(reader: string): void {
    rejectAll(
      new UnderpaintError({
        code: "worker-failed",
        what: `${reader} could not read a message, for which there may have been no memory`,
        remedy: "ask for fewer or smaller pictures at a time",
      }),
    );
  }

  function rejectAll(error: unknown): void {
    for (const call of waiting.values()) call.reject(error);
    waiting.clear();
  }

  function fail(error: unknown): void {
    if (failure) return;
    failure = { error };
    rejectAll(error);
    port.close();
  }

  function run(signal?: AbortSignal): Run {
    if (!failure) signal?.throwIfAborted();
    lastId++;
    const number = lastId;
    let failed = false;
    const onAbort = (): void => port.postMessage({ abort: number } satisfies ToWorker);
    signal?.addEventListener("abort", onAbort, { once: true });

    return {
      call<N extends CallName>(name: N, asked: Calls[N]["asked"], transfer: ArrayBuffer[] = []) {
        return new Promise<Calls[N]["answer"]>((resolve, reject) => {
          if (failure) throw failure.error;
          lastId++;
          const id = lastId;
          post({ id, run: number, call: name, ...asked } as ToWorker, transfer);
          waiting.set(id, {
            resolve: resolve as (answer: unknown) => void,
            reject,
            ended(error) {
              failed = true;
              reject(error ?? signal?.reason);
            },
          });
        });
      },
      failed: () => failed,
      end: () => signal?.removeEventListener("abort", onAbort),
    };
  }

  function post(message: ToWorker, transfer: ArrayBuffer[] = []): void {
    try {
      port.postMessage(message, transfer);
    } catch (cause) {
      throw new UnderpaintError({
        code: "invalid-request",
        what: "the request holds something that cannot be sent to a worker",
        remedy: "pass plain values, pictures and files",
        cause,
      });
    }
  }

  port.addEventListener("message", ({ data }) => receive(data));
  port.addEventListener("messageerror", () => unreadable("the page"));
  port.addEventListener("close", () => notices.closed());
  port.start();
  return { run, post: (message) => !failure && post(message), fail };
}
