import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { isUnderpaintError } from "@underpaint/core";
import { schedulers } from "@underpaint/schedulers";
import { asksForJson, type Command, parseCommand } from "./arguments.js";
import { generatePictures, type Made } from "./generate.js";
import { helpText } from "./help.js";
import { infoText } from "./info.js";
import { printable } from "./printable.js";
import { createProgress, type ProgressStream } from "./progress.js";
import { UsageError } from "./usage-error.js";

/** What the command is connected to. */
export interface CommandStreams {
  readonly stdout: { write(text: string): unknown };
  readonly stderr: ProgressStream;
  /** Aborted when the user interrupts. */
  readonly signal: AbortSignal;
}

/** Exit codes of the command. */
export const exitCodes = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** Runs a command line (without `node` and the script); never rejects. Gives the exit code. */
export async function run(argv: readonly string[], streams: CommandStreams): Promise<number> {
  const { stdout, stderr, signal } = streams;
  try {
    stdout.write(await answer(parseCommand(argv), streams));
    return exitCodes.done;
  } catch (error) {
    const failure = failureOf(error, signal);
    stderr.write(`${failure.text}\n`);
    if (asksForJson(argv)) stdout.write(`${JSON.stringify({ error: failure.json })}\n`);
    return failure.exitCode;
  }
}

async function answer(command: Command, { stderr, signal }: CommandStreams): Promise<string> {
  switch (command.kind) {
    case "help":
      return helpText;
    case "version":
      return `${version()}\n`;
    case "schedulers":
      return schedulersText(command.json);
    case "info":
      return infoText(command.model, command, signal);
    case "generate": {
      const progress = createProgress(stderr);
      try {
        const made = await generatePictures(command.arguments, progress, signal);
        return command.json ? `${JSON.stringify(toJson(made), undefined, 2)}\n` : madeText(made);
      } finally {
        progress.end();
      }
    }
  }
}

function schedulersText(json: boolean): string {
  const list = Object.entries(schedulers).map(([name, { summary }]) => ({ name, summary }));
  if (json) return `${JSON.stringify(list, undefined, 2)}\n`;
  const width = Math.max(...list.map(({ name }) => name.length));
  return list.map(({ name, summary }) => `${name.padEnd(width)}  ${summary}\n`).join("");
}

function madeText({ files, result }: Made): string {
  return files.map((file, k) => `${printable(file)}  seed ${result.seeds[k]}\n`).join("");
}

function toJson({ files, result, device, warnings }: Made): unknown {
  return {
    pictures: files.map((file, k) => ({
      file,
      seed: seedText(result.seeds[k]!),
      width: result.images[k]!.width,
      height: result.images[k]!.height,
    })),
    recipe: result.recipe,
    device,
    timings: result.timings,
    warnings,
  };
}

/** JSON has no whole numbers beyond 2^53; those become text. */
function seedText(seed: number | bigint): number | string {
  return typeof seed === "number" || seed <= Number.MAX_SAFE_INTEGER ? Number(seed) : String(seed);
}

interface CommandFailure {
  readonly exitCode: number;
  readonly text: string;
  readonly json: { readonly code: string; readonly message: string };
}

function failureOf(error: unknown, signal: AbortSignal): CommandFailure {
  if (signal.aborted) {
    const message = "interrupted; nothing was written";
    return { exitCode: exitCodes.interrupted, text: message, json: { code: "aborted", message } };
  }
  if (error instanceof UsageError) {
    const message = printable(error.message);
    const text = `underpaint: ${message}\nunderpaint --help tells more.`;
    return { exitCode: exitCodes.usage, text, json: { code: "usage", message } };
  }
  if (isUnderpaintError(error)) {
    const message = printable(error.message);
    const exitCode = error.code === "invalid-request" ? exitCodes.usage : exitCodes.failed;
    return { exitCode, text: `underpaint: ${message}`, json: { code: error.code, message } };
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const text = `underpaint: an error that should not be; please report it\n${message}`;
  return { exitCode: exitCodes.failed, text, json: { code: "unexpected", message } };
}

function version(): string {
  const path = createRequire(import.meta.url).resolve("@underpaint/node/package.json");
  return (JSON.parse(readFileSync(path, "utf8")) as { version: string }).version;
}
