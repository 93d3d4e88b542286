import { parseArgs } from "node:util";
import { nearest } from "@underpaint/core";
import { type ControlArgument, parseControl } from "./controls.js";
import { UsageError } from "./usage-error.js";

/** What is asked for pictures, as text that was checked to be of the right form. */
export interface GenerateArguments {
  readonly prompt: string;
  readonly output: string | undefined;
  readonly model: string | undefined;
  readonly device: string | undefined;
  readonly scheduler: string | undefined;
  readonly steps: number | undefined;
  readonly guidance: number | undefined;
  /** Digits. */
  readonly seed: string | undefined;
  readonly count: number | undefined;
  readonly size: { readonly width: number; readonly height: number } | undefined;
  readonly negative: string | undefined;
  readonly image: string | undefined;
  readonly strength: number | undefined;
  /** A picture file: where `image` is repainted. */
  readonly mask: string | undefined;
  readonly onlyMasked: boolean;
  readonly controls: readonly ControlArgument[];
}

/** What the command line asks for. */
export type Command =
  | { readonly kind: "help" | "version" }
  | { readonly kind: "schedulers"; readonly json: boolean }
  | {
      readonly kind: "info";
      readonly model: string;
      readonly words: boolean;
      readonly json: boolean;
    }
  | { readonly kind: "generate"; readonly json: boolean; readonly arguments: GenerateArguments };

const options = {
  output: { type: "string", short: "o" },
  model: { type: "string", short: "m" },
  steps: { type: "string", short: "s" },
  scheduler: { type: "string" },
  guidance: { type: "string", short: "g" },
  seed: { type: "string" },
  count: { type: "string", short: "n" },
  size: { type: "string" },
  negative: { type: "string" },
  image: { type: "string", short: "i" },
  strength: { type: "string" },
  mask: { type: "string" },
  "only-masked": { type: "boolean" },
  control: { type: "string", short: "c", multiple: true },
  device: { type: "string", short: "d" },
  json: { type: "boolean" },
  words: { type: "boolean" },
  help: { type: "boolean", short: "h" },
  version: { type: "boolean" },
} as const;

type OptionName = keyof typeof options;

/** Whether the command line asks for JSON, whatever else is wrong with it. */
export function asksForJson(argv: readonly string[]): boolean {
  const end = argv.indexOf("--");
  return (end < 0 ? argv : argv.slice(0, end)).includes("--json");
}

/**
 * Reads a command line (without `node` and the script).
 *
 * @throws UsageError telling what is wrong, and what was probably meant.
 */
export function parseCommand(argv: readonly string[]): Command {
  const { values, words, controls } = parse(argv);
  if (values.has("help")) return { kind: "help" };
  if (values.has("version")) return { kind: "version" };
  const json = values.has("json");
  const [first, second] = words;
  if (first === "help" && words.length === 1) return { kind: "help" };
  if (first === "schedulers" && words.length === 1) {
    only(values, "schedulers", []);
    return { kind: "schedulers", json };
  }
  if (first === "info" && words.length <= 2) {
    only(values, "info", ["model", "words"]);
    const model = second ?? values.get("model") ?? "starter";
    return { kind: "info", model, words: values.has("words"), json };
  }
  if (words.length === 0) {
    throw new UsageError('there is no prompt; write: underpaint "a red apple" -o apple.png');
  }
  if (values.has("words")) {
    throw new UsageError('--words goes with "underpaint info": it lists the words of a model');
  }
  return {
    kind: "generate",
    json,
    arguments: generateArguments(words.join(" "), values, controls),
  };
}

function parse(argv: readonly string[]): {
  values: ReadonlyMap<OptionName, string>;
  words: readonly string[];
  controls: readonly string[];
} {
  // Not strict: parseArgs' own errors do not tell which option was meant.
  const { tokens } = parseArgs({
    args: [...argv],
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const values = new Map<OptionName, string>();
  const words: string[] = [];
  const controls: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") words.push(token.value);
    if (token.kind !== "option") continue;
    const { name, rawName, value, inlineValue } = token;
    if (!isOption(name)) throw unknownOption(rawName);
    if (values.has(name) && name !== "control") throw new UsageError(`--${name} is given twice`);
    const takesValue = options[name].type === "string";
    // Not strict, parseArgs takes the next option for a value.
    const isOptionLike = inlineValue === false && /^-(?![.\d])/.test(value);
    if (takesValue && (value === undefined || isOptionLike)) {
      throw new UsageError(
        `${rawName} needs a value; one that begins with - is written ${rawName}=VALUE`,
      );
    }
    if (!takesValue && value !== undefined) throw new UsageError(`${rawName} takes no value`);
    values.set(name, value ?? "");
    if (name === "control") controls.push(value!);
  }
  return { values, words, controls };
}

function generateArguments(
  prompt: string,
  values: ReadonlyMap<OptionName, string>,
  controls: readonly string[],
): GenerateArguments {
  const output = values.get("output");
  if (output !== undefined && !/.\.png$/i.test(output)) {
    throw new UsageError(`--output must end in .png (found "${output}"); only PNG is written`);
  }
  const seed = values.get("seed");
  if (seed !== undefined && !/^\d{1,20}$/.test(seed)) {
    throw new UsageError(`--seed must be a whole number from 0 to 2^64 - 1 (found "${seed}")`);
  }
  if (values.has("mask") && !values.has("image")) {
    throw new UsageError("--mask goes with --image: it tells where that picture is repainted");
  }
  if (values.has("only-masked") && !values.has("mask")) {
    throw new UsageError("--only-masked goes with --mask");
  }
  return {
    prompt,
    output,
    seed,
    mask: values.get("mask"),
    onlyMasked: values.has("only-masked"),
    controls: controls.map(parseControl),
    model: values.get("model"),
    device: values.get("device"),
    scheduler: values.get("scheduler"),
    negative: values.get("negative"),
    image: values.get("image"),
    steps: number(values, "steps"),
    guidance: number(values, "guidance"),
    count: number(values, "count"),
    strength: number(values, "strength"),
    size: size(values.get("size")),
  };
}

function number(values: ReadonlyMap<OptionName, string>, name: OptionName): number | undefined {
  const text = values.get(name);
  if (text === undefined) return undefined;
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text.trim())) {
    throw new UsageError(`--${name} must be a number (found "${text}")`);
  }
  return Number(text);
}

function size(text: string | undefined): GenerateArguments["size"] {
  if (text === undefined) return undefined;
  const match = /^(\d{1,6})(?:[x×](\d{1,6}))?$/i.exec(text.trim());
  if (!match) {
    throw new UsageError(`--size must be WIDTHxHEIGHT, such as 512x384 (found "${text}")`);
  }
  return { width: Number(match[1]), height: Number(match[2] ?? match[1]) };
}

function only(
  values: ReadonlyMap<OptionName, string>,
  command: string,
  allowed: readonly OptionName[],
): void {
  for (const name of values.keys()) {
    if (name === "json" || allowed.includes(name)) continue;
    throw new UsageError(`--${name} does not go with "underpaint ${command}"`);
  }
}

function isOption(name: string): name is OptionName {
  return Object.hasOwn(options, name);
}

/** What other tools call these options. */
const aliases: Readonly<Record<string, OptionName>> = {
  cfg: "guidance",
  "cfg-scale": "guidance",
  "guidance-scale": "guidance",
  "negative-prompt": "negative",
  "num-inference-steps": "steps",
  sampler: "scheduler",
  "init-image": "image",
  width: "size",
  height: "size",
  out: "output",
  batch: "count",
  controlnet: "control",
  inpaint: "mask",
  "mask-image": "mask",
};

function unknownOption(rawName: string): UsageError {
  const word = rawName.replace(/^-+/, "");
  const meant =
    (Object.hasOwn(aliases, word) ? aliases[word] : undefined) ??
    (word.length > 1 ? nearest(word, Object.keys(options)) : undefined);
  return new UsageError(
    `there is no option ${rawName}; ${meant ? `did you mean --${meant}?` : "underpaint --help lists them"}`,
  );
}
