import { describe, expect, test } from "vitest";
import { asksForJson, parseCommand } from "./arguments.js";
import { UsageError } from "./usage-error.js";

function complaint(...argv: string[]): string {
  try {
    parseCommand(argv);
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  throw new Error("nothing was wrong");
}

describe("parseCommand", () => {
  test("reads every option, long and short", () => {
    const long = parseCommand([
      "a red apple",
      ...["--output", "a.png", "--model", "hub:a/b", "--steps", "12", "--scheduler", "euler"],
      ...["--guidance=0", "--seed", "18446744073709551615", "--count", "3", "--size", "512x384"],
      ...["--negative", "blurry", "--image", "in.png", "--strength", ".5", "--device", "cpu"],
      ...["--mask", "m.png", "--only-masked", "--control", "lineart=sheet.png:0.8:0-0.7"],
      ...["-c", "palette=#e4572e,tan/#29335c,red:control-first"],
      "--json",
    ]);
    expect(long).toEqual({
      kind: "generate",
      json: true,
      arguments: {
        prompt: "a red apple",
        output: "a.png",
        model: "hub:a/b",
        steps: 12,
        scheduler: "euler",
        guidance: 0,
        seed: "18446744073709551615",
        count: 3,
        size: { width: 512, height: 384 },
        negative: "blurry",
        image: "in.png",
        strength: 0.5,
        device: "cpu",
        mask: "m.png",
        onlyMasked: true,
        controls: [
          {
            kind: "lineart",
            model: undefined,
            from: "sheet.png",
            weight: 0.8,
            range: [0, 0.7],
            mode: undefined,
          },
          {
            kind: "palette",
            model: undefined,
            from: "#e4572e,tan/#29335c,red",
            weight: undefined,
            range: undefined,
            mode: "controlFirst",
          },
        ],
      },
    });
    const short = parseCommand(
      "apple -o a.png -m hub:a/b -s 12 -g 0 -n 3 -i in.png -d cpu".split(" "),
    );
    expect(short).toMatchObject({
      json: false,
      arguments: {
        steps: 12,
        guidance: 0,
        count: 3,
        image: "in.png",
        device: "cpu",
        size: undefined,
      },
    });
  });

  test("words without quotes are one prompt, and after -- all is prompt", () => {
    expect(parseCommand(["a", "red", "apple"])).toMatchObject({
      arguments: { prompt: "a red apple" },
    });
    expect(parseCommand(["-s", "3", "--", "--json", "x"])).toMatchObject({
      json: false,
      arguments: { prompt: "--json x" },
    });
    expect(parseCommand([""])).toMatchObject({ arguments: { prompt: "" } });
  });

  test("reads a control's parts in any order, models and drives included", () => {
    const control = (text: string) => {
      const command = parseCommand(["x", "--control", text]);
      return command.kind === "generate" ? command.arguments.controls[0] : undefined;
    };
    const none = { model: undefined, weight: undefined, range: undefined, mode: undefined };
    expect(control("canny@hub:a/b@v1=photo.png:.2-1:-1.5")).toEqual({
      ...none,
      kind: "canny",
      model: "hub:a/b@v1",
      from: "photo.png",
      range: [0.2, 1],
      weight: -1.5,
    });
    expect(control("depth=C:\\maps\\a.png:prompt-first:2")).toEqual({
      ...none,
      kind: "depth",
      from: "C:\\maps\\a.png",
      mode: "promptFirst",
      weight: 2,
    });
    expect(control("scribble=a=b.png")).toEqual({ ...none, kind: "scribble", from: "a=b.png" });
  });

  test("knows the commands, and a prompt that begins like one", () => {
    expect(parseCommand(["info", "./model"])).toEqual({
      kind: "info",
      model: "./model",
      words: false,
      json: false,
    });
    expect(parseCommand(["info", "--json", "--words"])).toEqual({
      kind: "info",
      model: "starter",
      words: true,
      json: true,
    });
    expect(parseCommand(["schedulers"])).toEqual({ kind: "schedulers", json: false });
    expect(parseCommand(["help"])).toEqual({ kind: "help" });
    expect(parseCommand(["-h", "x"])).toEqual({
      kind: "help",
    });
    expect(parseCommand(["--version"])).toEqual({ kind: "version" });
    expect(parseCommand(["info", "desk", "at", "night"])).toMatchObject({
      arguments: { prompt: "info desk at night" },
    });
  });

  test("tells the nearest option for one that is not there", () => {
    expect(complaint("x", "--setps", "3")).toBe(
      "there is no option --setps; did you mean --steps?",
    );
    expect(complaint("x", "--cfg-scale", "3")).toContain("did you mean --guidance?");
    expect(complaint("x", "--constructor")).toContain("there is no option --constructor;");
    expect(complaint("x", "-z")).toBe("there is no option -z; underpaint --help lists them");
  });

  test.each([
    [["x", "--steps", "many"], '--steps must be a number (found "many")'],
    [["x", "--steps", "0x10"], '--steps must be a number (found "0x10")'],
    [["x", "--guidance", "NaN"], '--guidance must be a number (found "NaN")'],
    [["x", "--steps"], "--steps needs a value; one that begins with - is written --steps=VALUE"],
    [["x", "--steps", "--json"], "--steps needs a value"],
    [["x", "--negative", "-blurry"], "is written --negative=VALUE"],
    [["x", "--guidance", "-1"], undefined],
    [["x", "--json=yes"], "--json takes no value"],
    [["x", "--steps", "1", "-s", "2"], "--steps is given twice"],
    [["x", "--seed", "1.5"], "--seed must be a whole number"],
    [["x", "--seed=-1"], "--seed must be a whole number"],
    [["x", "--size", "512"], undefined],
    [["x", "--size", "512x"], "--size must be WIDTHxHEIGHT"],
    [["x", "--size", "axb"], "--size must be WIDTHxHEIGHT"],
    [["x", "-o", "picture.jpg"], "--output must end in .png"],
    [["x", "-o", ".png"], "--output must end in .png"],
    [[], "there is no prompt"],
    [["--steps", "3"], "there is no prompt"],
    [["a cat", "--words"], '--words goes with "underpaint info"'],
    [["x", "--control", "sheet.png"], "there is no ="],
    [["x", "--control", "linart=a.png"], "did you mean lineart?"],
    [["x", "--control", "zzz=a.png"], "known: lineart, scribble"],
    [["x", "--control", "lineart="], "lineart has no picture"],
    [["x", "--control", "lineart=a.jpg"], 'ends in .png (found "a.jpg")'],
    [["x", "--control", "palette=a.jpg"], "or colours"],
    [["x", "--control", "lineart=a.png:11"], 'a weight is -10 to 10 (found "11")'],
    [["x", "--control", "lineart=a.png:0.7-0.2"], 'the smaller first (found "0.7-0.2")'],
    [["x", "--control", "lineart=a.png:0-1.5"], "from 0 to 1"],
    [["x", "--control", "lineart=a.png:promt-first"], "did you mean prompt-first?"],
    [["x", "--control", "lineart=a.png:1:2"], "has two weights"],
    [["x", "--control", "lineart=a.png:"], '"" is no weight (0.8)'],
    [["x", "--control", "lineart@=a.png"], "names no model"],
    [["x", "--control", "hint=a.png"], "hint needs a model: hint@MODEL=FILE.png"],
    [["x", "--mask", "m.png"], "--mask goes with --image"],
    [["x", "-i", "a.png", "--only-masked"], "--only-masked goes with --mask"],
    [["info", "m", "--control", "lineart=a.png"], "--control does not go with"],
    [["info", "m", "--steps", "3"], '--steps does not go with "underpaint info"'],
  ] as const)("%j", (argv, expected) => {
    if (expected === undefined) expect(() => parseCommand(argv)).not.toThrow();
    else expect(complaint(...argv)).toContain(expected);
  });

  test("JSON is seen even where the rest cannot be read", () => {
    expect(asksForJson(["--wrong", "--json"])).toBe(true);
    expect(asksForJson(["--", "--json"])).toBe(false);
  });
});
