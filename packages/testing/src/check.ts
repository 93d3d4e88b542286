import { isUnderpaintError, type UnderpaintError } from "@underpaint/core";

/**
 * One clause of a conformance suite. Every test framework can run it:
 * `for (const check of checks) it(check.name, check.run)`.
 */
export interface Check {
  /** What is promised, as the end of a sentence that begins with the plug-in. */
  readonly name: string;
  /** Rejects with an error that says what was found and what is right. */
  readonly run: () => Promise<void>;
}

/** A check of this name; `body` throws where the promise is broken. */
export function check(name: string, body: () => void | Promise<void>): Check {
  return { name, run: async () => body() };
}

/** Ends a check. */
export function fail(message: string): never {
  throw new Error(message);
}

/** Ends a check unless the condition holds. */
export function need(condition: boolean, message: string | (() => string)): asserts condition {
  if (!condition) fail(typeof message === "string" ? message : message());
}

/**
 * What `work` throws or rejects with, which must be Underpaint's error of the given code.
 *
 * @param what the deed that is to be refused, for the message: "0 steps".
 */
export async function refusal(
  what: string,
  code: UnderpaintError["code"],
  work: () => unknown,
): Promise<UnderpaintError> {
  const error = await caught(what, work);
  if (isUnderpaintError(error, code)) return error;
  const found = isUnderpaintError(error) ? `${error.code}: ${error.message}` : describe(error);
  return fail(`${what} must be refused with an UnderpaintError ${code}; it was with ${found}`);
}

/** What `work` throws or rejects with, whatever it is. */
export async function caught(what: string, work: () => unknown): Promise<unknown> {
  try {
    await work();
  } catch (error) {
    return error;
  }
  return fail(`${what} must be refused; it was accepted`);
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** A check that did not pass. */
export interface Failure {
  readonly name: string;
  readonly error: unknown;
}

/** Runs a suite without a test framework, one check after the other: those that fail. */
export async function failures(checks: readonly Check[]): Promise<readonly Failure[]> {
  const found: Failure[] = [];
  for (const { name, run } of checks) {
    await run().catch((error: unknown) => found.push({ name, error }));
  }
  return found;
}
