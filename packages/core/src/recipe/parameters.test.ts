import { describe, expect, it } from "vitest";
import { formatParameters, parseParameters } from "./parameters.js";

const settings = new Map([
  ["Steps", "20"],
  ["Sampler", "Euler a"],
  ["CFG scale", "7.5"],
  ["Seed", "18446744073709551615"],
  ["Size", "512x768"],
]);

describe("formatParameters", () => {
  it("writes what stable-diffusion-webui's readers expect", () => {
    const text = formatParameters({ prompt: "a cat", negativePrompt: "blurry, dog", settings });
    expect(text).toBe(
      "a cat\nNegative prompt: blurry, dog\n" +
        "Steps: 20, Sampler: Euler a, CFG scale: 7.5, Seed: 18446744073709551615, Size: 512x768",
    );
  });

  it("leaves an empty negative prompt out", () => {
    const text = formatParameters({ prompt: "a cat", negativePrompt: "", settings });
    expect(text).toMatch(/^a cat\nSteps: 20, /);
  });

  it.each([
    ["hub:owner/name@main", '"hub:owner/name@main"'],
    ["a, b", '"a, b"'],
    ["two\nlines", '"two\\nlines"'],
    ['"x"', '"\\"x\\""'],
    ["猫: 1", '"猫: 1"'],
    ["plain (x) [y]", "plain (x) [y]"],
  ])("quotes %j where it must", (value, written) => {
    const text = formatParameters({
      prompt: "",
      negativePrompt: "",
      settings: new Map([["Model", value]]),
    });
    expect(text).toBe(`\nModel: ${written}`);
  });

  it.each(["", "A", "a:b", "a,b", "-x", "a\nb"])("refuses the setting name %j", (key) => {
    const write = () =>
      formatParameters({ prompt: "", negativePrompt: "", settings: new Map([[key, "1"]]) });
    expect(write).toThrow(/a setting has a name/);
  });
});

describe("parseParameters", () => {
  it.each<[string, string, string]>([
    ["nothing", "", ""],
    ["lines", "one\n\n two \nthree", "four\nfive"],
    ["a line like the settings", "a cat, Steps: 3\nSteps: 3, Sampler: x, Seed: 1", "no"],
    ["quotes and backslashes", 'a "cat" \\"\\\\ \\n', '"'],
    ["emoji and scripts", "\u{1f431}\u{1f3fd} 猫 \u05e9\u05dc\u05d5\u05dd", "\u{1f415}"],
    ["weights and brackets", "(a:1.2), [b:c:0.5], {d|e}, <lora:x:1>", "(worst quality:1.4)"],
    ["spaces at the ends", "  a  ", "  b  "],
    ["a carriage return", "a\r\nb", "c\r"],
    ["a negative alone", "", "x\n"],
    ["the mark within a line", "say Negative prompt: no", "Negative prompt: yes"],
    ["line separators that are none here", "a\u2028b\u0085c\v", "d"],
  ])("gives back what was written: %s", (_, prompt, negativePrompt) => {
    const read = parseParameters(formatParameters({ prompt, negativePrompt, settings }));
    expect(read).toEqual({ prompt, negativePrompt, settings });
  });

  it("gives back hostile values", () => {
    const hostile = new Map([
      ["Steps", "20"],
      ["Model", 'a "b", c: d\\'],
      ["Model hash", "\\"],
      ["Lora hashes", '"x: 1, y: 2"'],
      ["Version", " v1 "],
      ["Schedule type", 'Seed: 3, "'],
      ["TI hashes", "a\nb\tc"],
      ["VAE/decoder", 'x"y'],
    ]);
    const text = formatParameters({ prompt: "p", negativePrompt: "", settings: hostile });
    expect(parseParameters(text)).toEqual({ prompt: "p", negativePrompt: "", settings: hostile });
  });

  it("reads a text as other tools write it", () => {
    const text =
      "(masterpiece:1.1), a lighthouse,\nat dusk\nNegative prompt: lowres, text\nwatermark\n" +
      "Steps: 28, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 6, Seed: 4, Size: 512x640, " +
      'Model hash: 0123abcd, Model: sd-v1-5, VAE: vae: x, Lora hashes: "one: 12ab, two: 34cd", ' +
      "Version: v1.10.1\n";
    const { prompt, negativePrompt, settings: read } = parseParameters(text);
    expect(prompt).toBe("(masterpiece:1.1), a lighthouse,\nat dusk");
    expect(negativePrompt).toBe("lowres, text\nwatermark");
    expect([...read]).toEqual([
      ["Steps", "28"],
      ["Sampler", "DPM++ 2M"],
      ["Schedule type", "Karras"],
      ["CFG scale", "6"],
      ["Seed", "4"],
      ["Size", "512x640"],
      ["Model hash", "0123abcd"],
      ["Model", "sd-v1-5"],
      ["VAE", "vae: x"],
      ["Lora hashes", "one: 12ab, two: 34cd"],
      ["Version", "v1.10.1"],
    ]);
  });

  it("takes a last line with fewer than three settings for the prompt", () => {
    const two = "a cat\nratio: 16/9, mood: calm";
    expect(parseParameters(two)).toEqual({ prompt: two, negativePrompt: "", settings: new Map() });
    expect(parseParameters(`${two}, year: 1900`).prompt).toBe("a cat");
    expect(parseParameters("a cat").prompt).toBe("a cat");
    expect(parseParameters("")).toEqual({ prompt: "", negativePrompt: "", settings: new Map() });
  });

  it.each(["a", " ", "a:", 'ab:"', 'ab:"\\', "\n", "ab: ", "-:", ",", "ab:,"])(
    "takes linear time on repeated %j",
    (unit) => {
      const time = (count: number) => {
        const text = unit.repeat(count / unit.length);
        const begin = performance.now();
        parseParameters(`${text}x`);
        parseParameters(text);
        return performance.now() - begin;
      };
      const least = (count: number) => Math.min(time(count), time(count), time(count));
      // 16 times as long, and garbage to collect; quadratic work would take 256 times as long.
      expect(least(1_600_000)).toBeLessThan(100 * Math.max(10, least(100_000)));
    },
  );
});
