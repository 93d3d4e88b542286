import { type ErrorCode, isUnderpaintError, UnderpaintError } from "@underpaint/core";

/** An error as it goes through a port; what was thrown and is none, as its text. */
export interface ErrorMessage {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly cause: ErrorMessage | undefined;
  /** Only of Underpaint's errors. */
  readonly underpaint?: {
    readonly code: ErrorCode;
    readonly what: string;
    /** As it was where it can be sent; else left out, and shown in the message alone. */
    readonly value: unknown;
    readonly allowed: string | undefined;
    readonly remedy: string | undefined;
  };
}

/** Causes that are sent along; those underneath are left out. */
const deepestCause = 4;

/** Larger values are not sent along: the message shows them shortened anyway. */
const largestValue = 2 ** 16;

/** What is sent of something that was thrown. */
export function errorToMessage(error: unknown, depth = 0): ErrorMessage {
  const { name, message, stack, cause } = (
    typeof error === "object" && error !== null ? error : { message: error }
  ) as Partial<Error>;
  return {
    name: typeof name === "string" ? name : "Error",
    message: typeof message === "string" ? message : String(message ?? error),
    stack: typeof stack === "string" ? stack : undefined,
    cause:
      cause === undefined || depth === deepestCause ? undefined : errorToMessage(cause, depth + 1),
    ...(isUnderpaintError(error) && {
      underpaint: {
        code: error.code,
        what: error.what,
        value: sendable(error.value),
        allowed: error.allowed,
        remedy: error.remedy,
      },
    }),
  };
}

/** The error that was sent: an `UnderpaintError` again, with the same sentence and fields. */
export function errorFromMessage(sent: ErrorMessage): Error {
  const { name, message, stack, underpaint } = sent;
  const cause = sent.cause && errorFromMessage(sent.cause);
  if (!underpaint) {
    const error = new Error(message, cause && { cause });
    error.name = name;
    return withStack(error, stack);
  }
  const { code, ...details } = underpaint;
  const error = new UnderpaintError({ code, what: details.what, ...(cause && { cause }) });
  // The message shows the value as it was before what cannot be sent was left out of it.
  return withStack(Object.assign(error, { message, ...details }), stack);
}

/** Where it happened in the worker, rather than where the message was read. */
function withStack<T extends Error>(error: T, stack: string | undefined): T {
  if (stack !== undefined) error.stack = stack;
  return error;
}

function sendable(value: unknown): unknown {
  if (typeof value === "function" || typeof value === "symbol") return undefined;
  if (typeof value !== "object" || value === null) return value;
  if (ArrayBuffer.isView(value) && value.buffer.byteLength > largestValue) return undefined;
  try {
    return structuredClone(value);
  } catch {
    return undefined;
  }
}
