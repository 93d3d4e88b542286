import { describe, expect, it } from "vitest";
import { parsePythonJson } from "./json.js";

describe("parsePythonJson", () => {
  it("reads what Python writes and JSON has not", () => {
    const text =
      '{"lambda_min_clipped": -Infinity, "a": [Infinity, NaN, 1], "b": "is -Infinity \\" NaN"}';
    expect(parsePythonJson(text)).toEqual({
      lambda_min_clipped: -Infinity,
      a: [Infinity, null, 1],
      b: 'is -Infinity " NaN',
    });
  });

  it("refuses what is broken otherwise", () => {
    expect(() => parsePythonJson('{"a": -Infinity, }')).toThrow(SyntaxError);
    expect(() => parsePythonJson("{a: 1}")).toThrow(SyntaxError);
    expect(() => parsePythonJson('{"a": Infinityx}')).toThrow(SyntaxError);
  });
});
