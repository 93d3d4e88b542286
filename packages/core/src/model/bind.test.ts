import { describe, expect, it } from "vitest";
import type { TensorSpec } from "../backend/contract.js";
import { isUnderpaintError } from "../errors.js";
import { bindInputs, bindOutputs, type Port } from "./bind.js";

const picture: Port = {
  names: ["sample", "latent"],
  ranks: [4],
  elements: "float",
  meaning: "latents [batch, channels, height, width]",
};
const time: Port = {
  names: ["timestep"],
  ranks: [0, 1],
  elements: "number",
  meaning: "a timestep",
};
const states: Port = {
  names: ["encoder_hidden_states"],
  ranks: [3],
  elements: "float",
  meaning: "text states [batch, tokens, width]",
};
const ports = { picture, time, states };

function spec(name: string, type: string, ...dims: (number | string)[]): TensorSpec {
  return { name, type, dims };
}

const known = [
  spec("sample", "float32", "b", 4, "h", "w"),
  spec("timestep", "int64", 1),
  spec("encoder_hidden_states", "float16", "b", 77, 768),
];

function names(bound: Record<string, TensorSpec | undefined>): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(bound).map(([role, found]) => [role, found?.name]));
}

function failure(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (isUnderpaintError(error, "model-invalid")) return error.message;
    throw error;
  }
  throw new Error("nothing was thrown");
}

describe("bindInputs", () => {
  it("finds ports by their names, whatever their order", () => {
    expect(names(bindInputs("g", [...known].reverse(), ports))).toEqual({
      picture: "sample",
      time: "timestep",
      states: "encoder_hidden_states",
    });
  });

  it("finds ports of other names by rank and element type", () => {
    const inputs = [
      spec("c", "float32", 2, 77, 768),
      spec("a", "float32", 2, 4, 64, 64),
      spec("b", "int64"),
    ];
    expect(names(bindInputs("g", inputs, ports))).toEqual({ picture: "a", time: "b", states: "c" });
  });

  it("prefers the more usual name", () => {
    const inputs = [spec("latent", "float32", 1, 4, 8, 8), spec("sample", "float32", 1, 4, 8, 8)];
    expect(bindOutputs("g", inputs, { picture }).picture.name).toBe("sample");
  });

  it("does not take a name for a port of another shape", () => {
    const inputs = [spec("sample", "float32", "b", 77, 768), spec("x", "float32", "b", 4, 8, 8)];
    const found = bindInputs("g", inputs, { picture, states });
    expect(names(found)).toEqual({ picture: "x", states: "sample" });
  });

  it("leaves optional ports out, and takes them by name alone", () => {
    const condition: Port = {
      names: ["timestep_cond"],
      ranks: [2],
      elements: "float",
      meaning: "w",
    };
    expect(names(bindInputs("g", known, ports, { condition }))).not.toHaveProperty("condition");
    const all = [...known, spec("timestep_cond", "float32", "b", 256)];
    expect(bindInputs("g", all, ports, { condition }).condition?.name).toBe("timestep_cond");
    const other = [...known, spec("cond", "float32", "b", 256)];
    expect(failure(() => bindInputs("g", other, ports, { condition }))).toContain("cond float32");
  });

  it("lists inputs that are not known, with their shapes, and what was expected", () => {
    const inputs = [...known, spec("control", "float32", "b", 3, "", 512), spec("flag", "bool")];
    expect(failure(() => bindInputs("unet/model.onnx", inputs, ports))).toBe(
      "unet/model.onnx has inputs that are not known: control float32 [b, 3, ?, 512], flag bool []; " +
        "allowed: sample: latents [batch, channels, height, width], timestep: a timestep, " +
        "encoder_hidden_states: text states [batch, tokens, width]; " +
        "export the model with optimum, whose graphs have just these.",
    );
  });

  it("guesses nothing where two would fit", () => {
    const inputs = [spec("a", "float32", 1, 4, 8, 8), spec("b", "float32", 1, 4, 8, 8)];
    expect(failure(() => bindInputs("g", inputs, { picture }))).toContain(
      "a float32 [1, 4, 8, 8], b",
    );
  });

  it("says which input is missing", () => {
    const message = failure(() => bindInputs("g", known.slice(0, 2), ports));
    expect(message).toContain("no input for text states [batch, tokens, width]; it has sample");
  });

  it("does not take integers for floats", () => {
    const inputs = [spec("sample", "int64", 1, 4, 8, 8)];
    expect(failure(() => bindInputs("g", inputs, { picture }))).toContain("sample int64");
  });
});

describe("bindOutputs", () => {
  it("does not mind outputs that are not needed", () => {
    const outputs = [spec("other", "bool"), spec("noise", "float32", 1, 4, 8, 8)];
    expect(bindOutputs("g", outputs, { picture }).picture.name).toBe("noise");
  });

  it("says what the graph has when nothing fits", () => {
    expect(failure(() => bindOutputs("g", [spec("other", "bool")], { picture }))).toContain(
      "no output for latents [batch, channels, height, width]; it has other bool []",
    );
  });
});
