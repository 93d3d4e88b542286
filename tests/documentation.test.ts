import { fileURLToPath } from "node:url";
import ts from "typescript";
import { beforeAll, describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const packages = ["core", "schedulers", "controlnet", "testing", "node", "web"];
const entry = (name: string): string => `${root}packages/${name}/src/index.ts`;

let program: ts.Program;
beforeAll(() => {
  const config = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root);
  program = ts.createProgram(packages.map(entry), { ...options, noEmit: true });
}, 60_000);

/** Exports without a docstring. */
function undocumented(name: string): string[] {
  const checker = program.getTypeChecker();
  const module = checker.getSymbolAtLocation(program.getSourceFile(entry(name))!)!;
  const missing: string[] = [];
  for (const exported of checker.getExportsOfModule(module)) {
    const symbol =
      exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    if (symbol.getDocumentationComment(checker).length === 0) missing.push(exported.name);
  }
  return missing;
}

describe("documentation", () => {
  it.each(packages)("covers every export of @underpaint/%s", (name) => {
    expect(undocumented(name)).toEqual([]);
  });
});
