import type { GraphPort } from "@underpaint/core";
import { type ComponentReport, describeModel, type ModelReport } from "../info/describe-model.js";
import { resolveModel } from "../sources/resolve.js";
import { byteText, printable } from "./printable.js";

/** What `underpaint info MODEL` prints, as JSON or for people. */
export async function infoText(
  model: string,
  { json, words }: { readonly json: boolean; readonly words: boolean },
  signal: AbortSignal,
): Promise<string> {
  const report = await describeModel(await resolveModel(model), { signal });
  if (json) return `${JSON.stringify(report, undefined, 2)}\n`;
  return words ? wordsText(report) : formatReport(report);
}

/** The words that a model knows, sorted, one a line: other programs can read them. */
function wordsText({ id, words }: ModelReport): string {
  if (!words) return `${printable(id)} lists no words: try any.\n`;
  return [...words]
    .sort()
    .map((word) => `${printable(word)}\n`)
    .join("");
}

const families: Readonly<Record<string, string>> = {
  "stable-diffusion": "Stable Diffusion",
  "stable-diffusion-xl": "Stable Diffusion XL",
  "stable-diffusion-3": "Stable Diffusion 3",
  flux: "Flux",
};

/** A report as lines for a terminal. */
export function formatReport(report: ModelReport): string {
  const { id, family, className, bytes, components, scheduler, can, cannot, words } = report;
  const familyName = families[family] ?? "unknown family";
  const missing = components.filter(({ isHere }) => !isHere);
  const lines = [
    `${id}: ${familyName}${className && ` (${className})`}, ${byteText(bytes)}`,
    "",
    ...table(components.map(row)),
  ];
  if (scheduler)
    lines.push("", `scheduler  ${scheduler.className}, predicts ${scheduler.prediction}`);
  if (missing.length > 0) {
    const size = missing.reduce((sum, part) => sum + part.bytes, 0);
    lines.push(
      "",
      `not here yet: ${missing.map(({ name }) => name).join(", ")}; ${byteText(size)} to fetch`,
    );
  }
  if (words) lines.push("", `knows ${words.length} things: --words lists them`);
  if (can.length > 0) lines.push("", "can", ...can.map((ability) => `  + ${ability}`));
  if (cannot.length > 0) lines.push("", "cannot", ...cannot.map((ability) => `  - ${ability}`));
  return `${lines.map(printable).join("\n")}\n`;
}

function row({ name, bytes, header, externalData, problem }: ComponentReport): string[] {
  const apart = externalData.length > 0 ? ` in ${externalData.join(", ")}` : "";
  if (!header) return [name, byteText(bytes), problem ? "broken" : "not here yet", "", ""];
  return [
    name,
    byteText(bytes),
    `${weightsText(header.weights)}${apart}`,
    header.inputs.map(valueText).join(", "),
    header.outputs.map(valueText).join(", "),
  ];
}

/** "int8 97 %, float32 3 %": the types that make up the weights, the largest first. */
function weightsText(weights: Readonly<Record<string, number>>): string {
  const total = Object.values(weights).reduce((sum, bytes) => sum + bytes, 0);
  const shares = Object.entries(weights)
    .map(([type, bytes]) => ({ type, percent: Math.round((100 * bytes) / total) }))
    .filter(({ percent }) => percent > 0)
    .sort((a, b) => b.percent - a.percent);
  if (shares.length === 1) return shares[0]!.type;
  return shares.map(({ type, percent }) => `${type} ${percent} %`).join(", ");
}

function valueText({ name, type }: GraphPort): string {
  return `${name} ${type}`;
}

/** Columns of equal width, under a line of titles; inputs and outputs on lines of their own. */
function table(rows: readonly (readonly string[])[]): string[] {
  const width = (column: number): number => Math.max(...rows.map((cells) => cells[column]!.length));
  return rows.flatMap(([name, size, weights, inputs, outputs]) => {
    const indent = " ".repeat(width(0) + 2);
    return [
      `${name!.padEnd(width(0))}  ${size!.padStart(width(1))}  ${weights}`,
      ...(inputs ? [`${indent}${inputs} → ${outputs}`] : []),
    ];
  });
}
