import { UnderpaintError } from "@underpaint/core";

/** `model-invalid`: the model lacks a file. `where` is the model as the caller wrote it. */
export function missingFile(file: string, where: string, cause?: unknown): UnderpaintError {
  return new UnderpaintError({
    code: "model-invalid",
    what: `the model ${where} has no file ${file}`,
    remedy: "check that the model is whole and of a kind that Underpaint reads",
    cause,
  });
}

/** `model-invalid`: a file that is larger than is allowed. */
export function tooLarge(file: string, bytes: number, maxBytes: number): UnderpaintError {
  return new UnderpaintError({
    code: "model-invalid",
    what: `the model's ${file} is too large`,
    value: bytes,
    allowed: `up to ${maxBytes} bytes`,
  });
}
