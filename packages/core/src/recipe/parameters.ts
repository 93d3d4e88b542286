import { UnderpaintError } from "../errors.js";

/**
 * What other tools' "parameters" text says: the format of AUTOMATIC1111's stable-diffusion-webui,
 * which most galleries and front ends read.
 */
export interface Parameters {
  readonly prompt: string;
  readonly negativePrompt: string;
  /** "Steps", "Sampler", "CFG scale", "Seed", "Size" and so on, in the text's order. */
  readonly settings: ReadonlyMap<string, string>;
}

/**
 * The text: the prompt, a line "Negative prompt: …" where there is one, and a last line of settings
 * "Steps: 20, Sampler: Euler, …", values with a comma, a colon or a line break as JSON strings.
 *
 * The format cannot say everything: a line of the prompt that begins with "Negative prompt:" is
 * taken for the negative prompt by every reader. A recipe has the prompts exactly.
 *
 * @throws UnderpaintError `invalid-request` for a setting whose name the format cannot hold.
 */
export function formatParameters({ prompt, negativePrompt, settings }: Parameters): string {
  const last = Array.from(settings, ([key, value]) => {
    if (!/^[\p{L}\p{N}_][\p{L}\p{N}_ \-/]+$/u.test(key)) {
      throw new UnderpaintError({
        code: "invalid-request",
        what: "a setting has a name that the parameters text cannot hold",
        value: key,
        allowed:
          "two or more letters, digits, spaces, _, - and /, beginning with a letter or digit",
      });
    }
    return `${key}: ${quote(value)}`;
  });
  const negative = negativePrompt === "" ? "" : `\nNegative prompt: ${negativePrompt}`;
  return `${prompt}${negative}\n${last.join(", ")}`;
}

/** A value that begins or ends with what a reader would take away is quoted too. */
function quote(value: string): string {
  return /[,:\n\r]|^["\s]|\s$/.test(value) ? JSON.stringify(value) : value;
}

const negativeMark = "Negative prompt:";

/** Fewer settings than this on the last line, and it belongs to the prompt. */
const fewestSettings = 3;

/**
 * Reads a "parameters" text of any tool. The last line holds the settings where at least three can
 * be made out in it; a text without any is a prompt. Takes time linear in its length.
 */
export function parseParameters(text: string): Parameters {
  const lines = text.trimEnd().split("\n");
  const found = readSettings(lines.at(-1)!);
  const settings = new Map(found.length >= fewestSettings ? found : []);
  if (settings.size > 0) lines.pop();
  const start = lines.findIndex((line) => line.startsWith(negativeMark));
  if (start < 0) return { prompt: lines.join("\n"), negativePrompt: "", settings };
  const negative = lines.slice(start);
  negative[0] = negative[0]!.slice(negativeMark.length).replace(/^ /, "");
  return {
    prompt: lines.slice(0, start).join("\n"),
    negativePrompt: negative.join("\n"),
    settings,
  };
}

/** "Key: value, Key: "quoted, value", …"; what lies between and is neither is passed over. */
function readSettings(line: string): [key: string, value: string][] {
  const settings: [string, string][] = [];
  let end = 0;
  for (let colon = line.indexOf(":"); colon >= 0; colon = line.indexOf(":", end)) {
    const key = keyBefore(line, colon, end);
    if (key === undefined) {
      end = colon + 1;
      continue;
    }
    const { value, next } = valueAfter(line, colon + 1);
    settings.push([key, value]);
    end = next;
  }
  return settings;
}

const keyCharacter = /[\p{L}\p{N}_ \-/]/u;

/** The name that ends at `colon`, of two characters or more, reaching back to `from` at most. */
function keyBefore(line: string, colon: number, from: number): string | undefined {
  let start = colon;
  while (start > from && keyCharacter.test(line[start - 1]!)) start--;
  const key = line.slice(start, colon).replace(/^[ \-/]+/, "");
  return key.length >= 2 ? key : undefined;
}

/** The value that begins at `start`, and where the next setting may begin. */
function valueAfter(line: string, start: number): { value: string; next: number } {
  while (line[start] === " ") start++;
  if (line[start] === '"') {
    const close = closingQuote(line, start);
    const next = line[close + 1];
    if (close > start + 1 && (next === undefined || next === ",")) {
      return { value: unquote(line.slice(start, close + 1)), next: close + 2 };
    }
  }
  const comma = line.indexOf(",", start);
  const end = comma < 0 ? line.length : comma;
  return { value: line.slice(start, end), next: end + 1 };
}

/** The next quote that no backslash stands before; −1 where there is none. */
function closingQuote(line: string, open: number): number {
  for (let i = open + 1; i < line.length; i++) {
    if (line[i] === "\\") i++;
    else if (line[i] === '"') return i;
  }
  return -1;
}

function unquote(quoted: string): string {
  try {
    return String(JSON.parse(quoted));
  } catch {
    return quoted;
  }
}
