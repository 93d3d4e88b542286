/**
 * What kind of failure an {@link UnderpaintError} tells of; stable across versions, so that an
 * application can react to it.
 *
 * - `invalid-request`: a value given by the caller is not allowed.
 * - `invalid-image`: an image cannot be read, or is larger than is allowed.
 * - `model-not-found`: no model is at that place.
 * - `model-invalid`: a model's file is missing, broken, or says what cannot be.
 * - `model-unsupported`: a model is sound, but of a kind that is not built yet.
 * - `operator-unsupported`: the device lacks an operator that a graph needs.
 * - `device-unavailable`: the device that was asked for cannot be used.
 * - `download-failed`: the network, or what came over it.
 * - `inference-failed`: the runtime failed while a graph ran.
 * - `worker-failed`: the worker that a pipeline runs in could not be started, or ended.
 * - `disposed`: something was used after its `dispose()`.
 */
export type ErrorCode =
  | "invalid-request"
  | "invalid-image"
  | "model-not-found"
  | "model-invalid"
  | "model-unsupported"
  | "operator-unsupported"
  | "device-unavailable"
  | "download-failed"
  | "inference-failed"
  | "worker-failed"
  | "disposed";

/** The parts of an error's one sentence. */
export interface ErrorDetails {
  readonly code: ErrorCode;
  /** What is wrong, naming the field or file: "steps is not a whole number". */
  readonly what: string;
  /** The value that was found; shown shortened. Leave the key out when there is none. */
  readonly value?: unknown;
  /** What would be right: "a whole number from 1 to 1000". */
  readonly allowed?: string;
  /** What to do: "leave it out for 20". */
  readonly remedy?: string;
  /** The error underneath, if there is one. */
  readonly cause?: unknown;
}

const longestShownValue = 80;

function show(value: unknown, depth = 0): string {
  if (typeof value === "string") return shorten(JSON.stringify(value));
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return "a function";
  if (typeof value === "object" && value !== null) {
    if (ArrayBuffer.isView(value)) return `${value.constructor.name} of ${value.byteLength} bytes`;
    if (Array.isArray(value)) {
      // Two levels are shown: an array may be nested as deep as its giver likes, or hold itself.
      if (depth === 2) return "an array";
      const shown = value.slice(0, 16).map((element) => show(element, depth + 1));
      return shorten(`[${shown.join(", ")}]`);
    }
    return value.constructor?.name === "Object" || !value.constructor
      ? "an object"
      : `a ${value.constructor.name}`;
  }
  return shorten(String(value));
}

function shorten(text: string): string {
  return text.length > longestShownValue ? `${text.slice(0, longestShownValue - 1)}…` : text;
}

const brand = Symbol.for("underpaint.error");

/**
 * The one error type of Underpaint: its message is a sentence that says what is wrong, which value
 * was found, what is allowed and what to do; its fields say the same to a program.
 *
 * Use {@link isUnderpaintError} rather than `instanceof`, which fails when two copies of the
 * package are loaded (ESM beside CJS, or two versions).
 */
export class UnderpaintError extends Error {
  override readonly name = "UnderpaintError";
  readonly code: ErrorCode;
  /** What is wrong, naming the field or file: the sentence's beginning. */
  readonly what: string;
  /** The value that was found, as given, where there is one. */
  readonly value: unknown;
  /** What would be right, where it can be said. */
  readonly allowed: string | undefined;
  /** What to do, where it can be said. */
  readonly remedy: string | undefined;
  /** @internal */
  readonly [brand] = true;

  constructor(details: ErrorDetails) {
    const parts = [details.what];
    if ("value" in details) parts[0] += ` (found ${show(details.value)})`;
    if (details.allowed !== undefined) parts.push(`allowed: ${details.allowed}`);
    if (details.remedy !== undefined) parts.push(details.remedy);
    const sentence = parts.join("; ");
    super(
      sentence.endsWith("?") ? sentence : `${sentence}.`,
      details.cause === undefined ? {} : { cause: details.cause },
    );
    this.code = details.code;
    this.what = details.what;
    this.value = details.value;
    this.allowed = details.allowed;
    this.remedy = details.remedy;
  }
}

/** Whether something that was caught is Underpaint's error, and of this code if one is given. */
export function isUnderpaintError(error: unknown, code?: ErrorCode): error is UnderpaintError {
  return (
    typeof error === "object" &&
    error !== null &&
    (error as { [brand]?: unknown })[brand] === true &&
    (code === undefined || (error as UnderpaintError).code === code)
  );
}

/**
 * Whether something that was caught is the end of an aborted request.
 *
 * A request whose `signal` was aborted rejects with the signal's reason, as `fetch` does: a
 * `DOMException` named `AbortError` unless the caller gave another.
 */
export function isAbortError(error: unknown): boolean {
  return typeof error === "object" && error !== null && (error as Error).name === "AbortError";
}

/** The most similar of `known` to `word` (by edit distance), for "did you mean". */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const typed = word.slice(0, 64).toLowerCase();
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.ceil(typed.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(typed, candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substituted = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substituted, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
