import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

const root = new URL("../../../", import.meta.url);
const page = readFileSync(new URL("docs/testing.md", root), "utf8");
const quoted = [...page.matchAll(/<!-- (\S+) -->\n```ts\n([\s\S]*?)```/g)];

it.each(quoted.map(([, file, code]) => [file!, code!]))(
  "docs/testing.md quotes %s",
  (file, code) => {
    expect(code).toBe(readFileSync(new URL(file, root), "utf8"));
  },
);

it("docs/testing.md quotes every example, each of which the tests run", () => {
  const examples = readdirSync(new URL("packages/testing/src/examples", root));
  const names = quoted.map(([, file]) => file!.replace("packages/testing/src/examples/", ""));
  expect(names.sort()).toEqual(examples.sort());
});
