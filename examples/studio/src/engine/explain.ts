import { type ErrorCode, isUnderpaintError, type PipelineWarning } from "@underpaint/web";

/** What went wrong, for somebody who wants to draw. */
export interface Explanation {
  readonly title: string;
  readonly text: string;
  /** Whether the model has to be opened again before anything can be painted. */
  readonly ended: boolean;
}

const titles: Readonly<Partial<Record<ErrorCode, string>>> = {
  "invalid-request": "This cannot be painted as it is",
  "invalid-image": "This picture cannot be read",
  "model-not-found": "The model could not be fetched",
  "model-invalid": "The model's files are damaged",
  "download-failed": "The model could not be fetched",
  "device-unavailable": "The device cannot be used",
  "operator-unsupported": "The device cannot run this model",
  "inference-failed": "The model failed while it painted",
  "worker-failed": "The painting stopped working",
};

/** What to do, where the error's own words are for whoever writes the application. */
const advice: Readonly<Partial<Record<ErrorCode, string>>> = {
  "model-not-found": "Check that you are online, and start again.",
  "download-failed": "Check that you are online, and start again.",
  "model-invalid": "Load the page anew, so that the model is fetched again.",
  "device-unavailable":
    "Start again. If that does not help, close other pages that use the graphics processor, or add ?device=wasm to this page's address.",
  "operator-unsupported": "Add ?device=wasm to this page's address.",
  "inference-failed": "Start again. If it happens again, close other pages: memory may be short.",
  "worker-failed": "Start again. If it happens again, close other pages: memory may be short.",
};

/** Failures of what was asked for; after all others nothing can be expected to work. */
const passing: readonly ErrorCode[] = ["invalid-request", "invalid-image"];

/** An error in words: what is wrong, and what can be done. */
export function explain(error: unknown): Explanation {
  if (!isUnderpaintError(error)) {
    const text = error instanceof Error ? error.message : String(error);
    return { title: "Something went wrong", text, ended: true };
  }
  const todo = advice[error.code] ?? (error.remedy ? `${capitalised(error.remedy)}.` : "");
  return {
    title: titles[error.code] ?? "Something went wrong",
    text: `${capitalised(error.what)}. ${todo}`.trim(),
    ended: !passing.includes(error.code),
  };
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** What a picture's painter should be told of its warnings; "" for nothing. */
export function remark(warnings: readonly PipelineWarning[]): string {
  const codes = warnings.map(({ code }) => code);
  if (codes.includes("words-unknown")) {
    return "The model knows none of these words: it guesses.";
  }
  if (codes.includes("prompt-cut")) return "The prompt is too long: its end was not read.";
  if (codes.includes("nothing-to-do")) return "So little strength leaves the drawing as it is.";
  if (codes.includes("recipe-model")) return "The recipe was made with another model.";
  return "";
}
