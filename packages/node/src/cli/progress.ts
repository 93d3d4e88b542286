import type { ModelProgress } from "@underpaint/core";
import { byteText, printable, shortened, timeText } from "./printable.js";

/** Where progress is shown: stderr, or a test's own. */
export interface ProgressStream {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** Settings of {@link createProgress}. */
export interface ProgressOptions {
  /** Whether the terminal shows block characters; found out from the environment when left out. */
  readonly unicode?: boolean;
  /** Milliseconds; for tests. */
  readonly now?: () => number;
}

/** Shows how far loading and steps have come. */
export interface Progress {
  /** Files arrive and graphs load. */
  load(progress: Pick<ModelProgress, "loadedBytes" | "totalBytes">): void;
  /** Begins a series of steps, such as one request; its name stands before the bar. */
  begin(name: string): void;
  /** `step` of `steps` are done. */
  step(step: number, steps: number): void;
  /** A line that stays, above the bar. */
  line(text: string): void;
  /** Takes the bar away; the last line of a series stays as what was done, in how long. */
  end(): void;
}

const frameMs = 80;
const longestName = 32;

/**
 * A progress bar on a terminal, drawn in one line with steps and time; where the stream is no
 * terminal (a file, a log), a line at the end of each series and nothing in between.
 */
export function createProgress(stream: ProgressStream, options: ProgressOptions = {}): Progress {
  const { unicode = hasUnicode(), now = () => performance.now() } = options;
  const [full, empty] = unicode ? ["█", "░"] : ["#", "-"];
  const isTerminal = stream.isTTY === true && process.env.TERM !== "dumb";
  let name = "";
  let began = now();
  let drawnAt = Number.NEGATIVE_INFINITY;
  let isDrawn = false;
  let done: { step: number; steps: number } | undefined;

  function erase(): void {
    if (isDrawn) stream.write("\r\x1b[2K");
    isDrawn = false;
  }

  function draw(text: string, isLast: boolean): void {
    if (!isTerminal) return;
    if (!isLast && now() - drawnAt < frameMs) return;
    drawnAt = now();
    stream.write(`\r${shortened(text, (stream.columns ?? 80) - 1)}\x1b[K`);
    isDrawn = true;
  }

  function bar(share: number, taken: number): string {
    const width = Math.max(0, Math.min(30, (stream.columns ?? 80) - taken - 1));
    const filled = Math.round(width * Math.max(0, Math.min(1, share)));
    return full!.repeat(filled) + empty!.repeat(width - filled);
  }

  return {
    load({ loadedBytes, totalBytes }) {
      const figures = `${byteText(loadedBytes)} of ${byteText(totalBytes)}`;
      const isWhole = loadedBytes >= totalBytes;
      const text = "loading the model";
      draw(
        `${text}  ${bar(loadedBytes / totalBytes, text.length + figures.length + 4)}  ${figures}`,
        isWhole,
      );
    },
    begin(title) {
      erase();
      name = shortened(printable(title) || '""', longestName);
      began = now();
      done = undefined;
    },
    step(step, steps) {
      done = { step, steps };
      const elapsed = now() - began;
      const left = step < steps ? (elapsed / step) * (steps - step) : undefined;
      const times = `${timeText(elapsed)}${left === undefined ? "" : `, ${timeText(left)} left`}`;
      const count = `${String(step).padStart(String(steps).length)}/${steps}`;
      const figures = `${count} steps  ${times}`;
      draw(
        `${name}  ${bar(step / steps, name.length + figures.length + 4)}  ${figures}`,
        step === steps,
      );
    },
    line(text) {
      erase();
      stream.write(`${printable(text)}\n`);
      drawnAt = Number.NEGATIVE_INFINITY;
    },
    end() {
      erase();
      if (done) {
        const { step, steps } = done;
        const unit = steps === 1 ? "step" : "steps";
        const count = step === steps ? `${steps} ${unit}` : `${step} of ${steps} ${unit}`;
        stream.write(`${name}  ${count} in ${timeText(now() - began)}\n`);
      }
      done = undefined;
    },
  };
}

/** Whether the terminal's encoding has block characters. */
function hasUnicode(): boolean {
  const { LC_ALL, LC_CTYPE, LANG, WT_SESSION } = process.env;
  if (process.platform === "win32") return WT_SESSION !== undefined;
  if (process.platform === "darwin") return true;
  return /utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || "");
}
