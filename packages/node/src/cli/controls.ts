import {
  cannyEdges,
  controlNet,
  depth,
  lineArt,
  type ModelControlOptions,
  palette,
  scribble,
  softEdges,
  t2iAdapter,
} from "@underpaint/controlnet";
import type { Control, ControlMode, RgbaImage } from "@underpaint/core";
import { nearest } from "@underpaint/core";
import { loadPng } from "../files/png-file.js";
import { UsageError } from "./usage-error.js";

/** One `--control`, as text that was checked to be of the right form. */
export interface ControlArgument {
  readonly kind: ControlKind;
  /** The ControlNet or adapter; the model's own control when left out. */
  readonly model: string | undefined;
  /** A PNG file; for palettes also colours, "#e4572e,#29335c". */
  readonly from: string;
  readonly weight: number | undefined;
  /** Shares of the steps. */
  readonly range: readonly [start: number, end: number] | undefined;
  readonly mode: ControlMode | undefined;
}

/** What `--control` can steer by. */
export type ControlKind = keyof typeof kinds;

type Maker = (picture: RgbaImage, options: ModelControlOptions) => Control;

/** The kinds of control that a picture alone makes. */
const kinds = {
  lineart: lineArt as Maker,
  scribble: scribble as Maker,
  canny: cannyEdges as Maker,
  softedge: softEdges as Maker,
  depth: depth as Maker,
  palette: palette as Maker,
  hint: ((hint, { model, kind: _, ...strength }) =>
    controlNet({ hint, ...(model !== undefined && { model }), ...strength })) as Maker,
  adapter: ((hint, { model, kind: _, ...strength }) =>
    t2iAdapter({ hint, ...(model !== undefined && { model }), ...strength })) as Maker,
};

/** The kinds of control, for help and errors. */
export const controlKinds = Object.keys(kinds) as readonly ControlKind[];

const modes: Readonly<Record<string, ControlMode>> = {
  balanced: "balanced",
  "prompt-first": "promptFirst",
  "control-first": "controlFirst",
};

const form = "KIND[@MODEL]=FILE.png[:WEIGHT][:START-END][:MODE]";
const example = "lineart=sheet.png:0.8:0-0.7";
const digits = String.raw`\d+\.?\d*|\.\d+`;

/**
 * Reads one `--control`.
 *
 * @throws UsageError that names the part that is wrong, and what it may be.
 */
export function parseControl(text: string): ControlArgument {
  const equals = text.indexOf("=");
  if (equals < 0) {
    throw new UsageError(
      `--control must be ${form}, such as ${example} (found "${text}"): there is no =`,
    );
  }
  const { kind, model } = readKind(text.slice(0, equals), text);
  const [from, ...parts] = split(text.slice(equals + 1));
  if (!from) throw new UsageError(`--control ${kind} has no picture (found "${text}")`);
  checkPicture(kind, from);
  const found: { -readonly [key in "weight" | "range" | "mode"]?: ControlArgument[key] } = {};
  for (const part of parts) {
    const [key, value] = readPart(part, kind);
    if (key in found) throw new UsageError(`--control ${kind} has two ${key}s (found "${text}")`);
    Object.assign(found, { [key]: value });
  }
  const { weight, range, mode } = found;
  return { kind, model, from, weight, range, mode };
}

function readKind(word: string, text: string): Pick<ControlArgument, "kind" | "model"> {
  const at = word.indexOf("@");
  const name = at < 0 ? word : word.slice(0, at);
  const model = at < 0 ? undefined : word.slice(at + 1);
  if (!isKind(name)) {
    const meant = nearest(name, controlKinds);
    throw new UsageError(
      `--control knows no "${name}"; ${meant ? `did you mean ${meant}?` : `known: ${controlKinds.join(", ")}`}`,
    );
  }
  if (model === "") throw new UsageError(`--control ${name}@ names no model (found "${text}")`);
  if (model === undefined && (name === "hint" || name === "adapter")) {
    throw new UsageError(`--control ${name} needs a model: ${name}@MODEL=FILE.png`);
  }
  return { kind: name, model };
}

function isKind(name: string): name is ControlKind {
  return Object.hasOwn(kinds, name);
}

/** Parts between colons; that of a drive, "C:\sheet.png", is none. */
function split(text: string): string[] {
  const [first = "", second, ...others] = text.split(":");
  const isDrive = /^[a-z]$/i.test(first) && second !== undefined && /^[\\/]/.test(second);
  return isDrive ? [`${first}:${second}`, ...others] : text.split(":");
}

function checkPicture(kind: ControlKind, from: string): void {
  if (/.\.png$/i.test(from)) return;
  if (kind === "palette" && coloursOf(from)) return;
  const also = kind === "palette" ? ', or colours: "#e4572e,#29335c"' : "";
  throw new UsageError(
    `--control ${kind} takes a picture that ends in .png${also} (found "${from}"); what follows a colon is a weight, a range or a mode`,
  );
}

/** `#rrggbb` or names, with commas between; "/" begins a new row, which gives colours places. */
function coloursOf(text: string): string[][] | undefined {
  const rows = text.split("/").map((row) => row.split(","));
  const isColour = (word: string) => /^(#[\da-f]{3}|#[\da-f]{6}|[a-z]{3,30})$/i.test(word);
  return rows.every((row) => row.every(isColour)) ? rows : undefined;
}

function readPart(
  part: string,
  kind: ControlKind,
): ["weight", number] | ["range", readonly [number, number]] | ["mode", ControlMode] {
  if (new RegExp(`^[+-]?(${digits})$`).test(part)) {
    const weight = Number(part);
    if (Math.abs(weight) <= 10) return ["weight", weight];
    throw new UsageError(`--control ${kind}: a weight is -10 to 10 (found "${part}")`);
  }
  const range = new RegExp(`^(${digits})-(${digits})$`).exec(part);
  if (range) {
    const [start, end] = [Number(range[1]), Number(range[2])];
    if (start <= end && end <= 1) return ["range", [start, end]];
    throw new UsageError(
      `--control ${kind}: a range is two shares of the steps from 0 to 1, the smaller first (found "${part}")`,
    );
  }
  if (Object.hasOwn(modes, part)) return ["mode", modes[part]!];
  const meant = nearest(part, Object.keys(modes));
  throw new UsageError(
    `--control ${kind}: "${part}" is no weight (0.8), range (0-0.7) or mode (${Object.keys(modes).join(", ")})${meant ? `; did you mean ${meant}?` : ""}`,
  );
}

/** Reads the controls' pictures and makes the controls. */
export async function makeControls(given: readonly ControlArgument[]): Promise<readonly Control[]> {
  return Promise.all(given.map(makeControl));
}

async function makeControl(argument: ControlArgument): Promise<Control> {
  const { kind, model, from, weight, range, mode } = argument;
  const options: ModelControlOptions = {
    ...(model !== undefined && { model }),
    ...(weight !== undefined && { weight }),
    ...(range && { start: range[0], end: range[1] }),
    ...(mode && { mode }),
  };
  const rows = kind === "palette" && !/\.png$/i.test(from) ? coloursOf(from) : undefined;
  if (rows) return palette(rows.length === 1 ? rows[0]! : rows, options);
  return kinds[kind](await loadPng(from), options);
}
