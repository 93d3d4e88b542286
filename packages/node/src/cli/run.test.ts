import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createImage } from "@underpaint/core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { loadPng, loadRecipe, savePng } from "../files/png-file.js";
import { run } from "./run.js";

let place: string;

beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "underpaint-cli-"));
});

afterEach(() => rm(place, { recursive: true, force: true }));

/** Runs a command line, as a terminal would see it. */
async function underpaint(argv: string[], signal = new AbortController().signal) {
  let stdout = "";
  let stderr = "";
  const exitCode = await run(argv, {
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    signal,
  });
  return { exitCode, stdout, stderr };
}

const quick = ["--steps", "2", "--device", "cpu"];

describe("underpaint", () => {
  test("makes a picture, and tells where it is and the seed that makes it again", async () => {
    const first = join(place, "first.png");
    const made = await underpaint(["a red apple", "-o", first, ...quick]);
    expect(made.exitCode).toBe(0);
    expect(made.stderr).toMatch(/^a red apple {2}2 steps in \d/);
    const [, file, seed] = /^(.*) {2}seed (\d+)\n$/.exec(made.stdout) ?? [];
    expect(file).toBe(first);
    expect(await loadRecipe(first)).toMatchObject({ prompt: "a red apple", seed: Number(seed) });

    const second = join(place, "second.png");
    await underpaint(["a red apple", "-o", second, "--seed", seed!, ...quick]);
    expect(await readFile(second)).toEqual(await readFile(first));
    expect((await readdir(place)).sort()).toEqual(["first.png", "second.png"]);
  });

  test("prints one JSON object, for several pictures too", async () => {
    const output = join(place, "fish.png");
    const made = await underpaint([
      ...["a blue fish", "-o", output, "-n", "2", "--seed", "18446744073709551614", "--json"],
      ...quick,
    ]);
    expect(made.exitCode).toBe(0);
    const { pictures, device, recipe, timings, warnings } = JSON.parse(made.stdout);
    expect(pictures).toEqual([
      { file: join(place, "fish-1.png"), seed: "18446744073709551614", width: 128, height: 128 },
      { file: join(place, "fish-2.png"), seed: "18446744073709551615", width: 128, height: 128 },
    ]);
    expect({ device, warnings }).toEqual({ device: "cpu", warnings: [] });
    expect(recipe).toMatchObject({ count: 2, steps: 2 });
    expect(timings.total).toBeGreaterThan(0);
    expect((await readdir(place)).sort()).toEqual(["fish-1.png", "fish-2.png"]);
  });

  test("begins from a picture", async () => {
    const [from, to] = [join(place, "from.png"), join(place, "to.png")];
    await underpaint(["a red apple", "-o", from, "--seed", "1", ...quick]);
    const options = ["--image", from, "--strength", "0.5", "--negative", "dark", "--seed", "2"];
    const made = await underpaint(["a green apple", "-o", to, ...options, ...quick]);
    expect(made.exitCode).toBe(0);
    expect(await loadRecipe(to)).toMatchObject({ strength: 0.5, negativePrompt: "dark" });
  });

  test("paints into a picture by a mask; what is black in it stays byte for byte", async () => {
    const [from, to, mask] = ["from.png", "to.png", "m.png"].map((name) => join(place, name));
    await underpaint(["a red apple", "-o", from!, "--seed", "1", ...quick]);
    const white = createImage(128, 128);
    for (let i = 0; i < 128 ** 2; i++) white.data.fill(i % 128 < 80 ? 0 : 255, 4 * i, 4 * i + 3);
    for (let i = 0; i < 128 ** 2; i++) white.data[4 * i + 3] = 255;
    await savePng(mask!, white);
    const options = ["--image", from!, "--mask", mask!, "--only-masked", "--seed", "2"];
    const made = await underpaint(["a blue fish", "-o", to!, ...options, ...quick]);
    expect(made.stderr).not.toContain("underpaint:");
    const [before, after] = [await loadPng(from!), await loadPng(to!)];
    let changed = 0;
    for (let i = 0; i < 128 ** 2; i++) {
      const same = [0, 1, 2, 3].every((c) => before.data[4 * i + c] === after.data[4 * i + c]);
      if (i % 128 < 80) expect(same).toBe(true);
      else if (!same) changed++;
    }
    expect(changed).toBeGreaterThan(500);
  });

  test("steers by controls, and tells the recipe of them", async () => {
    const fixtures = (path: string) =>
      fileURLToPath(new URL(`../../../../fixtures/${path}`, import.meta.url));
    const lines = `lineart@${fixtures("controls/lines")}=${fixtures("controls/hints/lines-64x64.png")}`;
    const make = async (name: string, ...controls: string[]) => {
      const output = join(place, name);
      const made = await underpaint([
        ...["an apple", "-o", output, "--seed", "3", "--size", "64", "--json"],
        ...["-m", fixtures("models/tiny"), ...controls.flatMap((text) => ["--control", text])],
        ...quick,
      ]);
      expect(made.exitCode, made.stderr).toBe(0);
      return { ...JSON.parse(made.stdout), bytes: await readFile(output) };
    };
    const plain = await make("plain.png");
    const steered = await make("steered.png", `${lines}:0.8:0-1`);
    expect(steered.recipe.controls).toMatchObject([
      { name: "lineArt", weight: 0.8, start: 0, end: 1, mode: "balanced" },
    ]);
    expect(steered.warnings[0].message).toMatch(/^lineArt: looks white on black: kept as it is\.$/);
    expect((await loadPng(join(place, "steered.png"))).data).not.toEqual(
      (await loadPng(join(place, "plain.png"))).data,
    );
    const off = await make("off.png", `${lines}:0`);
    expect((await loadPng(join(place, "off.png"))).data).toEqual(
      (await loadPng(join(place, "plain.png"))).data,
    );
    expect([plain.recipe.controls, off.recipe.controls[0].weight]).toEqual([undefined, 0]);
  });

  test.each([
    [["x", "--control", "lineart=./none.png"], 1, "the picture cannot be read"],
    [["x", "--setps", "3"], 2, "did you mean --steps?"],
    [["x", "--steps", "0"], 2, "a whole number from 1 to 1000"],
    [["x", "--device", "gpu"], 2, "did you mean auto?"],
    [["x", "--scheduler", "eular"], 2, "did you mean euler?"],
    [["x", "--strength", "0.5"], 2, "strength is given without an image"],
    [["x", "--model", "./nowhere"], 1, "there is no such model folder"],
    [["x", "--image", "./none.png"], 1, "the picture cannot be read"],
    [["x", "-o", join(tmpdir(), ".png/x.txt")], 2, "--output must end in .png"],
    [["info", "./nowhere"], 1, "there is no such model folder"],
  ])("%j ends with %i", async (argv, exitCode, message) => {
    const failed = await underpaint([...argv]);
    expect(failed).toMatchObject({ exitCode, stdout: "" });
    expect(failed.stderr).toContain(message);
  });

  test("failures are one JSON object too, where that is asked for", async () => {
    const failed = await underpaint(["x", "--steps", "0", "--json"]);
    expect(failed.exitCode).toBe(2);
    expect(JSON.parse(failed.stdout).error).toMatchObject({ code: "invalid-request" });
    expect(JSON.parse((await underpaint(["--nope", "--json"])).stdout).error.code).toBe("usage");
  });

  test("an interruption ends it with 130 and leaves no file", async () => {
    const controller = new AbortController();
    const output = join(place, "a.png");
    const running = underpaint(["a", "-o", output, "-s", "500", "-d", "cpu"], controller.signal);
    setTimeout(() => controller.abort(), 1500);
    const { exitCode, stdout, stderr } = await running;
    expect({ exitCode, stdout }).toEqual({ exitCode: 130, stdout: "" });
    expect(stderr).toContain("interrupted; nothing was written");
    expect(await readdir(place)).toEqual([]);
  });

  test("tells what it can do", async () => {
    expect((await underpaint(["--help"])).stdout).toContain("--scheduler");
    expect((await underpaint(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect((await underpaint(["schedulers"])).stdout).toMatch(/^euler {2,}\S/m);
    const list = JSON.parse((await underpaint(["schedulers", "--json"])).stdout);
    expect(list.map(({ name }: { name: string }) => name)).toContain("dpmpp-2m");
  });

  test("info tells what a model is", async () => {
    const { exitCode, stdout } = await underpaint(["info"]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^starter@.*: Stable Diffusion \(/);
    expect(stdout).toContain("+ text to image, made for 128 × 128 pixels");
    const words = (await underpaint(["info", "--words"])).stdout.trimEnd().split("\n");
    expect(words).toEqual([...words].sort());
    expect(words).toContain("red apple");
    const report = JSON.parse((await underpaint(["info", "starter", "--json"])).stdout);
    expect(report).toMatchObject({ family: "stable-diffusion", isUsable: true });
  });
});
