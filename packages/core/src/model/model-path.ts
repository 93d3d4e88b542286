import { UnderpaintError } from "../errors.js";

const drive = /^[a-zA-Z]:/;

/**
 * A path inside a model as it came from a model's own files, checked: relative, forward slashes,
 * no step out of the model under the rules of any operating system.
 *
 * @throws UnderpaintError `model-invalid` otherwise.
 */
export function checkedPath(file: string): string {
  const parts = file.split("/");
  const sound =
    file.length > 0 &&
    file.length <= 1024 &&
    !file.includes("\\") &&
    !file.includes("\0") &&
    parts.every((part) => part !== "" && part !== "." && part !== ".." && !drive.test(part));
  if (!sound) {
    throw new UnderpaintError({
      code: "model-invalid",
      what: "the model names a file outside of itself",
      value: file,
      allowed: "a relative path with forward slashes and without ..",
      remedy: "do not trust this model, or mend the path",
    });
  }
  return file;
}
