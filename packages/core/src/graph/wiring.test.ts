import { describe, expect, it } from "vitest";
import { message, type Node, onnxGraph } from "../backend/fakes/onnx-graph.js";
import { isUnderpaintError } from "../errors.js";
import { conditional } from "./fakes/small-unet.js";
import { readGraphBytes } from "./read-graph.js";
import { type Wirable, wireGraph } from "./wiring.js";

const port = { name: "x", type: "float32", dims: [4] } as const;

function graphOf(nodes: readonly Node[], more: readonly Uint8Array[] = []) {
  const bytes = onnxGraph({ inputs: [port], outputs: [{ ...port, name: "y" }], nodes });
  return readGraphBytes(new Uint8Array([bytes, ...more].flatMap((part) => [...part])), {
    label: "g",
  });
}

function failure(nodes: readonly Node[]): string {
  try {
    wireGraph(graphOf(nodes));
  } catch (error) {
    if (isUnderpaintError(error, "model-invalid")) return error.message;
    throw error;
  }
  return "";
}

const node = (op: string, inputs: string[], outputs: string[]): Node => ({ op, inputs, outputs });

describe("wireGraph", () => {
  it("finds an order for operators that are in none", () => {
    const graph = graphOf([
      node("Abs", ["b"], ["y"]),
      node("Add", ["a", "x"], ["b"]),
      node("Neg", ["x"], ["a"]),
    ]);
    const wiring = wireGraph(graph);
    expect(wiring.order.map(({ op }) => op)).toEqual(["Neg", "Add", "Abs"]);
    expect(wiring.producers.get("b")?.op).toBe("Add");
    expect(wiring.uses.get("x")?.map(({ node, input }) => [node.op, input])).toEqual([
      ["Add", 1],
      ["Neg", 0],
    ]);
  });

  it("counts what branches use among what an operator needs", () => {
    const inIf = message(7, conditional("x", "a", "y"));
    const graph = graphOf([node("Neg", ["x"], ["a"])], [inIf]);
    expect(wireGraph(graph).order.map(({ op }) => op)).toEqual(["Neg", "If"]);
  });

  it.each<[string, Node[], RegExp]>([
    [
      "a circle",
      [node("Add", ["x", "b"], ["a"]), node("Neg", ["a"], ["b"]), node("Abs", ["b"], ["y"])],
      /Add no\. 0 needs, by way of others/,
    ],
    ["an operator that needs itself", [node("Add", ["x", "y"], ["y"])], /needs, by way of others/],
    [
      "a value from nowhere",
      [node("Neg", ["z"], ["y"])],
      /Neg no\. 0 uses "z", which nothing gives/,
    ],
    [
      "a value given twice",
      [node("Neg", ["x"], ["y"]), node("Abs", ["x"], ["y"])],
      /Abs no\. 1 gives "y", which is there already/,
    ],
    ["an input given again", [node("Neg", ["x"], ["x"])], /gives "x", which is there already/],
    ["an output from nowhere", [node("Neg", ["x"], ["a"])], /its output "y" is given by nothing/],
  ])("refuses %s", (_, nodes, message) => {
    expect(failure(nodes)).toMatch(message);
  });

  it("takes time linear in the operators", () => {
    const chain = (length: number): Wirable => ({
      label: "g",
      inputs: [port],
      outputs: [{ name: `v${length}` }],
      initializers: new Map(),
      sparseInitializers: new Set(),
      nodes: Array.from({ length }, (_, index) => ({
        index,
        op: "Neg",
        domain: "",
        name: "",
        inputs: [`v${length - index - 1}`.replace(/^v0$/, "x")],
        outputs: [`v${length - index}`],
        attributes: [],
        captured: [],
        record: { start: 0, end: 0 },
      })),
    });
    const time = (length: number): number => {
      const graph = chain(length);
      let best = Number.POSITIVE_INFINITY;
      for (let run = 0; run < 5; run++) {
        // Of the processor: others that want it as well do not count.
        const began = process.cpuUsage();
        expect(wireGraph(graph).order).toHaveLength(length);
        const { user, system } = process.cpuUsage(began);
        best = Math.min(best, user + system);
      }
      return best;
    };
    time(2_000);
    // Sixteen times the work; what is quadratic would take 256 times as long.
    expect(time(64_000) / time(4_000)).toBeLessThan(100);
  });
});
