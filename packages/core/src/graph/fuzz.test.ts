import { describe, expect, it } from "vitest";
import { message } from "../backend/fakes/onnx-graph.js";
import { isUnderpaintError } from "../errors.js";
import { type ByteRange, bytesRange } from "./byte-range.js";
import { makeControllable } from "./controllable.js";
import { externalLocations } from "./external-locations.js";
import { exportOf } from "./fakes/exports.js";
import { conditional, smallUNet } from "./fakes/small-unet.js";
import type { OnnxGraph, Place } from "./graph.js";
import { applyPatch, patchGraph } from "./patch.js";
import { readGraph, readGraphBytes } from "./read-graph.js";
import { wireGraph } from "./wiring.js";

/** Numbers that are the same on every run (Lehmer's generator). */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 48271) % 2147483647;
    return state % below;
  };
}

/** A file like the given one, but for a change or three of the kinds that break parsers. */
function mutated(valid: Uint8Array, random: (below: number) => number): Uint8Array {
  let bytes = [...valid];
  for (let change = random(3); change >= 0; change--) {
    const at = random(bytes.length);
    switch (random(9)) {
      case 0:
        bytes[at] = random(256);
        break;
      case 1:
        bytes[at] = bytes[at]! ^ (1 << random(8));
        break;
      case 2:
        bytes = bytes.slice(0, at + 1);
        break;
      case 3:
        bytes.splice(at, 1 + random(20));
        break;
      case 4:
        bytes.splice(at, 0, ...Array.from({ length: 1 + random(20) }, () => random(256)));
        break;
      case 5:
        // A number that is larger than all there is.
        bytes.splice(at, 1, ...new Array<number>(1 + random(10)).fill(255));
        break;
      case 6: {
        // Another letter in a name.
        const letters = bytes.flatMap((byte, place) => (byte > 96 && byte < 123 ? place : []));
        bytes[letters[random(letters.length)] ?? 0] = 97 + random(26);
        break;
      }
      case 7: {
        // A piece of the file in place of another.
        const length = random(12);
        bytes.splice(at, length, ...bytes.slice(random(bytes.length)).slice(0, length));
        break;
      }
      default:
        // A piece of the file again, in another place.
        bytes.splice(random(bytes.length), 0, ...bytes.slice(at, at + random(200)));
    }
    if (bytes.length === 0) bytes = [0];
  }
  return Uint8Array.from(bytes);
}

function inside({ start, end }: Place, size: number): boolean {
  return start >= 0 && start < end && end <= size;
}

/** What must be true of whatever the reader lets through, whoever wrote it. */
function requireSound(graph: OnnxGraph): void {
  for (const { record, inputs, outputs, attributes } of graph.nodes) {
    expect(inside(record, graph.size)).toBe(true);
    for (const name of [...inputs, ...outputs]) expect(name.length).toBeLessThanOrEqual(4096);
    for (const { tensor } of attributes) if (tensor) requirePlace(tensor.place, graph.size);
  }
  for (const tensor of graph.initializers.values()) {
    expect(inside(tensor.record, graph.size)).toBe(true);
    expect(tensor.dims.every((size) => Number.isSafeInteger(size) && size >= 0)).toBe(true);
    requirePlace(tensor.place, graph.size);
  }
  const { order, producers } = wireGraph(graph);
  const rank = new Map(order.map(({ index }, place) => [index, place]));
  expect(order).toHaveLength(graph.nodes.length);
  for (const node of order) {
    for (const name of [...node.inputs, ...node.captured]) {
      const producer = producers.get(name);
      if (producer) expect(rank.get(producer.index)).toBeLessThan(rank.get(node.index)!);
    }
  }
}

function requirePlace(
  place: { kind: string; offset?: number; length?: number | undefined },
  size: number,
) {
  if (place.kind === "inside") expect(place.offset! + place.length!).toBeLessThanOrEqual(size);
}

/** Does everything with a file; what it refuses, it refuses with a typed error. */
async function digest(bytes: Uint8Array): Promise<"read" | "wired" | "patched" | "refused"> {
  let reached: "read" | "wired" | "patched" | "refused" = "refused";
  try {
    externalLocations(bytes, "g");
    const graph = readGraphBytes(bytes);
    reached = "read";
    wireGraph(graph);
    reached = "wired";
    requireSound(graph);
    const { edits } = makeControllable(graph);
    if (edits) {
      const patched = applyPatch(bytes, await patchGraph(bytesRange(bytes), graph, edits));
      requireSound(readGraphBytes(patched));
    }
    reached = "patched";
  } catch (error) {
    const codes = ["model-invalid", "model-unsupported", "invalid-request"] as const;
    if (!codes.some((code) => isUnderpaintError(error, code))) throw error;
  }
  return reached;
}

describe("a changed file", () => {
  // Its output's name is one that the small network does not have yet.
  const branches = message(7, conditional("flag", "second", "chosen"), message(5, flag()));

  function flag(): Uint8Array {
    const name = new TextEncoder().encode("flag");
    return Uint8Array.of(16, 9, 66, name.length, ...name, 74, 1, 1);
  }

  it("is refused or sound, 3,000 times", async () => {
    const valid = new Uint8Array([...smallUNet(), ...branches]);
    expect(await digest(valid)).toBe("patched");
    const random = createRandom(20_260);
    const outcomes = { read: 0, wired: 0, patched: 0, refused: 0 };
    for (let count = 0; count < 3000; count++) outcomes[await digest(mutated(valid, random))]++;
    // The changes reach every depth: files that are no messages, graphs that do not hang together,
    // networks without skip connections, and ones that work on.
    expect(outcomes.refused).toBeGreaterThan(1000);
    expect(outcomes.read).toBeGreaterThan(50);
    expect(outcomes.wired).toBeGreaterThan(3);
    expect(outcomes.patched).toBeGreaterThan(100);
  });

  it("is so when it is cut at every byte", async () => {
    const valid = new Uint8Array([...smallUNet(), ...branches]);
    for (let length = 0; length < valid.length; length++) await digest(valid.slice(0, length));
  });

  it("of an exporter's, is so from memory and from a file, and reads no byte often", async () => {
    const valid = exportOf("dynamo-fp16-external").bytes;
    const random = createRandom(7);
    for (let count = 0; count < 60; count++) {
      const bytes = mutated(valid, random);
      await digest(bytes);
      let total = 0;
      const range: ByteRange = {
        size: bytes.length,
        async read(offset, length) {
          total += length;
          return bytes.subarray(offset, offset + length);
        },
      };
      const [one, other] = await Promise.allSettled([
        readGraph(range),
        (async () => readGraphBytes(bytes))(),
      ]);
      if (one.status === "rejected" && other.status === "rejected") {
        expect(String(one.reason)).toBe(String(other.reason));
      } else expect(one).toEqual(other);
      expect(total).toBeLessThan(3 * bytes.length + 10_000);
    }
  });
});
