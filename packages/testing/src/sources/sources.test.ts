import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type ModelSource, UnderpaintError } from "@underpaint/core";
import { afterAll, describe, expect, it } from "vitest";
import { serveFiles } from "../../../node/src/sources/fakes/file-server.js";
import { folderSource } from "../../../node/src/sources/folder.js";
import { httpsSource } from "../../../node/src/sources/https.js";
import { failures } from "../check.js";
import { memorySource } from "../fakes/memory-source.js";
import { modelSourceChecks, type SourceFactory } from "./source-checks.js";

const undo: (() => Promise<unknown>)[] = [];
afterAll(async () => {
  for (const each of undo) await each();
});

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "underpaint-sources-"));
  undo.push(() => rm(path, { recursive: true, force: true }));
  return path;
}

const inFolder: SourceFactory = async (files) => {
  const place = await folder();
  await writeFile(join(place, "secret.txt"), "secret");
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(place, "model", path)), { recursive: true });
    await writeFile(join(place, "model", path), content);
  }
  return folderSource(join(place, "model"));
};

const onServer: SourceFactory = async (files) => {
  const served = Object.entries(files).map(([path, content]) => [`/m/${path}`, content] as const);
  const server = await serveFiles(new Map([...served, ["/secret.txt", Uint8Array.of(1)]]));
  undo.push(() => server.close());
  return httpsSource(`${server.address}/m`, { cacheFolder: await folder() });
};

const outside = "../secret.txt";

describe.each<[string, SourceFactory, Parameters<typeof modelSourceChecks>[1]]>([
  ["memorySource", (files) => memorySource(files), {}],
  ["folderSource", inFolder, { readFile, outside }],
  ["httpsSource", onServer, { readFile, outside }],
])("%s", (_, create, options) => {
  for (const check of modelSourceChecks(create, options)) it(check.name, check.run);
});

type Breach = (sound: ModelSource) => Partial<ModelSource>;

const untyped = (error: unknown): never => {
  throw new Error((error as Error).message);
};

const leave = "refuses paths that leave the model";
const wholeFile = "reads a small file whole";
const tooMuch = "reads nothing that is larger than is allowed, or missing";
const missing = "opens nothing that is missing, or lacks weights";
const progress = "tells how far it has come, up to the whole of each file";
const aborted = "does nothing for a signal that is aborted";

const mutants: readonly [told: string, clause: string, breach: Breach][] = [
  ["has no id", "has an id of one line", () => ({ id: "" })],
  [
    "tells 0 of a missing file",
    "tells the size of a file, and undefined of what is none",
    (sound) => ({ size: async (...given) => (await sound.size(...given)) ?? 0 }),
  ],
  [
    "is a byte off",
    "tells the size of a file, and undefined of what is none",
    (sound) => ({
      async size(...given) {
        const found = await sound.size(...given);
        return found === undefined ? found : found + 1;
      },
    }),
  ],
  [
    "cuts off the last byte where much more is allowed",
    wholeFile,
    (sound) => ({
      async read(file, options) {
        const content = await sound.read(file, options);
        return options.maxBytes > 100_000 ? content.subarray(1) : content;
      },
    }),
  ],
  [
    "gives the beginning of what is too large",
    tooMuch,
    (sound) => ({
      async read(file, options) {
        const content = await sound.read(file, { ...options, maxBytes: 1e9 });
        return content.subarray(0, options.maxBytes);
      },
    }),
  ],
  [
    "tells of a missing file in an error that is not typed",
    tooMuch,
    (sound) => ({
      read: (file, options) =>
        file === "none.json" ? sound.read(file, options).catch(untyped) : sound.read(file, options),
    }),
  ],
  [
    "gives out its own bytes",
    "gives each reader bytes of its own",
    (sound) => {
      const kept = new Map<string, Promise<Uint8Array>>();
      return {
        async read(file, options) {
          const reading = kept.get(file) ?? sound.read(file, options);
          kept.set(file, reading);
          return (await reading).length > options.maxBytes ? sound.read(file, options) : reading;
        },
      };
    },
  ],
  [
    "opens another graph at first",
    "opens a graph",
    (sound) => {
      let calls = 0;
      return {
        open: (file, options) =>
          calls++ === 0 && file === "unet/model.onnx" && options === undefined
            ? sound.open("vae_decoder/model.onnx")
            : sound.open(file, options),
      };
    },
  ],
  [
    "leaves the weights out",
    "opens a graph with the weights beside it",
    (sound) => ({
      async open(file, options) {
        const opened = await sound.open(file, options);
        return "bytes" in opened ? { bytes: opened.bytes } : opened;
      },
    }),
  ],
  [
    "opens without the weights that are missing",
    missing,
    (sound) => ({
      async open(file, { companions = [], ...options } = {}) {
        const folder = file.slice(0, file.lastIndexOf("/") + 1);
        const sizes = await Promise.all(companions.map((name) => sound.size(folder + name)));
        const there = companions.filter((_, i) => sizes[i] !== undefined);
        return sound.open(file, { ...options, companions: there });
      },
    }),
  ],
  [
    "does not say what is missing",
    missing,
    (sound) => ({
      open: (file, options) =>
        sound.open(file, options).catch((cause) => {
          if (!(cause instanceof UnderpaintError)) throw cause;
          throw new UnderpaintError({ code: cause.code, what: "something is missing" });
        }),
    }),
  ],
  [
    "tells nothing of the weights",
    progress,
    (sound) => ({
      open: (file, { onProgress, ...options } = {}) =>
        sound.open(file, {
          ...options,
          onProgress: (at) => (at.file.endsWith("_data") ? undefined : onProgress?.(at)),
        }),
    }),
  ],
  [
    "goes back",
    progress,
    (sound) => ({
      open: (file, { onProgress, ...options } = {}) =>
        sound.open(file, {
          ...options,
          onProgress(at) {
            onProgress?.({ ...at, loadedBytes: at.loadedBytes + 1 });
            onProgress?.(at);
          },
        }),
    }),
  ],
  [
    "stops short",
    progress,
    (sound) => ({
      open: (file, { onProgress, ...options } = {}) =>
        sound.open(file, {
          ...options,
          onProgress: (at) => onProgress?.({ ...at, loadedBytes: at.loadedBytes - 1 }),
        }),
    }),
  ],
  [
    "tells undefined of a path that leaves",
    leave,
    (sound) => ({ size: (...given) => sound.size(...given).catch(ifNotAborted(given[1]?.signal)) }),
  ],
  [
    "refuses such paths in an error that is not typed",
    leave,
    (sound) => ({
      open: (file, options) =>
        file.startsWith("..")
          ? sound.open(file, options).catch(untyped)
          : sound.open(file, options),
    }),
  ],
  [
    "reads the size, whoever has had enough",
    aborted,
    (sound) => ({ size: (file) => sound.size(file) }),
  ],
  [
    "reads, whoever has had enough",
    aborted,
    (sound) => ({ read: (file, { maxBytes }) => sound.read(file, { maxBytes }) }),
  ],
  [
    "rejects with an error of its own",
    aborted,
    (sound) => ({
      async open(file, options) {
        if (options?.signal?.aborted) throw new Error("aborted");
        return sound.open(file, options);
      },
    }),
  ],
  [
    "keeps what is left of an aborted download",
    "works on after a signal was aborted meanwhile",
    (sound) => {
      let left: Uint8Array | undefined;
      return {
        async open(file, options) {
          const opened = await sound.open(file, options);
          if (left) return { bytes: left };
          await undefined;
          if (options?.signal?.aborted && "bytes" in opened) {
            left = opened.bytes.subarray(0, 100);
            throw options.signal.reason;
          }
          return opened;
        },
      };
    },
  ],
];

function ifNotAborted(signal: AbortSignal | undefined): (error: unknown) => undefined {
  return (error) => {
    if (signal?.aborted) throw error;
    return undefined;
  };
}

describe("a source that breaks one clause fails that one alone", () => {
  const broken = (breach: Breach) =>
    modelSourceChecks((files) => {
      const sound = memorySource(files);
      return { ...sound, ...breach(sound) };
    });

  it.each(mutants)("%s: %s", async (_, clause, breach) => {
    expect((await failures(broken(breach))).map(({ name }) => name)).toEqual([clause]);
  });

  it("follows a way out that leads somewhere", async () => {
    const follows: SourceFactory = async (files) => {
      const sound = await inFolder(files);
      return {
        ...sound,
        read: async (file, options) =>
          file === outside ? Uint8Array.of(1) : sound.read(file, options),
      };
    };
    const found = await failures(modelSourceChecks(follows, { readFile, outside }));
    expect(found.map(({ name }) => name)).toEqual([leave]);
    expect(await failures(modelSourceChecks(follows, { readFile }))).toEqual([]);
  });

  it("and there is one for every clause", () => {
    const clauses = modelSourceChecks(inFolder).map(({ name }) => name);
    expect(clauses.filter((name) => !mutants.some(([, clause]) => clause === name))).toEqual([]);
  });
});
