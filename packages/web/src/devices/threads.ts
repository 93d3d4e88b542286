import { type PipelineWarning, UnderpaintError } from "@underpaint/core";

/** Beyond this many, threads of one graph mostly wait for each other. */
const mostThreads = 8;

/** What a page says of its processor. */
export interface Page {
  readonly crossOriginIsolated: boolean;
  readonly cores: number;
}

/** The page or worker that this runs in. */
export function thisPage(): Page {
  return {
    crossOriginIsolated: globalThis.crossOriginIsolated === true,
    cores: (globalThis.navigator as Navigator | undefined)?.hardwareConcurrency ?? 1,
  };
}

/**
 * Checks what a caller gave as `threads`.
 *
 * @throws UnderpaintError `invalid-request` when it is no number of threads.
 */
export function checkThreads(threads: number | undefined): void {
  if (threads === undefined || (Number.isInteger(threads) && threads >= 1 && threads <= 64)) return;
  throw new UnderpaintError({
    code: "invalid-request",
    what: "threads is not a number of threads",
    value: threads,
    allowed: "a whole number from 1 to 64",
    remedy: "leave it out for one a core",
  });
}

/**
 * How many threads WebAssembly may have: one a core, up to 8. Threads share memory, which browsers
 * allow to pages that are isolated from other origins alone; elsewhere there is one.
 */
export function threadsFor(
  wanted: number | undefined,
  page: Page,
): { readonly threads: number; readonly warning?: PipelineWarning } {
  const threads = wanted ?? Math.min(mostThreads, Math.max(1, page.cores));
  if (threads === 1 || page.crossOriginIsolated) return { threads };
  return {
    threads: 1,
    warning: {
      code: "single-threaded",
      message: `WebAssembly runs on one thread rather than ${threads}: serve the page with the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp.`,
    },
  };
}
