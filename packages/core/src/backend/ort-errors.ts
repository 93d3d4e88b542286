import { type ErrorDetails, isAbortError, isUnderpaintError, UnderpaintError } from "../errors.js";

/** What a message can name. */
interface Place {
  /** What errors call the graph. */
  readonly graph: string;
  readonly backend: string;
}

const fetchAgain = "fetch the model's files again";

/**
 * What ONNX Runtime says of each failure. It has no codes that survive into JavaScript, so its
 * sentences are matched; what matches none is told as it is. Written from onnxruntime-node 1.30
 * and onnxruntime-web 1.30.
 */
const failures: readonly {
  readonly pattern: RegExp;
  readonly tell: (match: RegExpExecArray, place: Place) => Omit<ErrorDetails, "cause">;
}[] = [
  {
    // "Could not find an implementation for BiasSplitGelu(1) node with name ''",
    // "Failed to find kernel for com.microsoft.NhwcConv(1) (node:'' ep:'…'). Kernel not found",
    // "No Op registered for Frobnicate with domain_version of 17",
    // "acme:Frobnicate(-1) is not a registered function/op"
    pattern:
      /(?:implementation for|find kernel for|No Op registered for) ([\w.:]+)|([\w.:]+)\(-?\d+\) is not a registered function\/op/,
    tell: (match, { graph, backend }) => ({
      code: "operator-unsupported",
      what: `${backend} lacks the operator ${match[1] ?? match[2]} that ${graph} needs`,
      remedy: "use another device, or an export of the model that was not optimised for a GPU",
    }),
  },
  {
    pattern: /Opset (\d+) is under development.*domain ([\w.]+) is till opset (\d+)/,
    tell: ([, opset, domain, newest], { graph, backend }) => ({
      code: "operator-unsupported",
      what: `${graph} is of opset ${opset} of ${domain}, which ${backend} does not know`,
      allowed: `opset ${newest} and older`,
      remedy: "update ONNX Runtime, or export the model with an older opset",
    }),
  },
  {
    pattern: /escapes (?:model|working) directory|resolves outside|Absolute path not allowed/,
    tell: (match, { graph }) => ({
      code: "model-invalid",
      what: `${graph} refers to weights outside its folder${quoted(match.input)}`,
      remedy: "external weights must lie beside their graph; do not use a model that reaches out",
    }),
  },
  {
    pattern:
      /out of bounds or can ?not be read in full|external data size mismatch|data file .*Out of bounds/,
    tell: (_, { graph }) => ({
      code: "model-invalid",
      what: `the external weights of ${graph} are cut short, or are another graph's`,
      remedy: fetchAgain,
    }),
  },
  {
    pattern: /External data path does not exist|Failed to load external data file/,
    tell: (match, { graph }) => ({
      code: "model-invalid",
      what: `${graph} needs external weights that are not there${quoted(match.input)}`,
      remedy: "put the file beside the graph, under the name that the graph has for it",
    }),
  },
  {
    pattern: /File doesn't exist|no such file/i,
    tell: (_, { graph }) => ({
      code: "model-invalid",
      what: `${graph} is missing`,
      remedy: fetchAgain,
    }),
  },
  {
    pattern:
      /protobuf parsing failed|does not have a graph|No graph was found|Model data pointer is null|INVALID_PROTOBUF/i,
    tell: (_, { graph }) => ({
      code: "model-invalid",
      what: `${graph} is no ONNX graph, or is cut short`,
      remedy: fetchAgain,
    }),
  },
  {
    pattern: /bad_alloc|Failed to allocate|out of memory|allocation failed/i,
    tell: (_, { graph, backend }) => ({
      code: "inference-failed",
      what: `${graph} needs more memory than ${backend} can get`,
      remedy: "use a smaller model or picture, or unload what is not needed",
    }),
  },
  {
    pattern:
      /no available backend found|Failed to load shared library|Failed to get a WebGPU adapter/,
    tell: (match, { backend }) => ({
      code: "device-unavailable",
      what: `${backend} cannot be used here: ${firstLine(match.input)}`,
      remedy: 'use another device; "cpu" (in browsers "wasm") is always there',
    }),
  },
];

const unsound =
  /invalid model|INVALID_GRAPH|ShapeInferenceError|Type Error|Load model from .* failed/i;

/** The error of a graph that could not be loaded. */
export function loadError(cause: unknown, place: Place): unknown {
  if (isUnderpaintError(cause) || isAbortError(cause)) return cause;
  const message = messageOf(cause);
  const known = recognise(message, place, cause);
  if (known) return known;
  return unsound.test(message)
    ? new UnderpaintError({
        code: "model-invalid",
        what: `${place.graph} is no sound ONNX graph: ${firstLine(message)}`,
        remedy: "fetch the model's files again, or export the model anew",
        cause,
      })
    : new UnderpaintError({
        code: "inference-failed",
        what: `${place.backend} could not load ${place.graph}: ${firstLine(message)}`,
        cause,
      });
}

/** The error of a graph that failed while it ran. */
export function runError(cause: unknown, place: Place): unknown {
  if (isUnderpaintError(cause) || isAbortError(cause)) return cause;
  const message = messageOf(cause);
  return (
    recognise(message, place, cause) ??
    new UnderpaintError({
      code: "inference-failed",
      what: `${place.graph} failed on ${place.backend}: ${firstLine(message)}`,
      cause,
    })
  );
}

function recognise(message: string, place: Place, cause: unknown): UnderpaintError | undefined {
  for (const { pattern, tell } of failures) {
    const match = pattern.exec(message);
    if (match) return new UnderpaintError({ ...tell(match, place), cause });
  }
  return undefined;
}

function messageOf(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).slice(0, 4000);
}

/** The file's name, where the runtime quotes one after "External data path" or "data file". */
function quoted(message: string): string {
  const match = /(?:External data path(?: does not exist)?:|data file) "+([^"]*)"/.exec(message);
  const name = match?.[1]?.split(/[/\\]/).at(-1);
  return name ? ` (${JSON.stringify(name.slice(0, 80))})` : "";
}

function firstLine(message: string): string {
  const line = message.trim().split("\n", 1)[0]!.replace(/\.$/, "");
  return line.length > 300 ? `${line.slice(0, 299)}…` : line;
}
