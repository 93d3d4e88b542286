import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import type { InferenceBackend, InferenceSession } from "../backend/contract.js";
import { createOrtBackend } from "../backend/ort.js";
import { isUnderpaintError } from "../errors.js";
import { folderSource, memorySource, modelFolder } from "./fakes/sources.js";
import { openModel } from "./model.js";
import type { ModelProgress } from "./progress.js";
import type { ModelSource } from "./source.js";

const files = {
  "model_index.json": '{"_class_name": "StableDiffusionPipeline"}',
  "text_encoder/model.onnx": "1",
  "unet/model.onnx": "12",
  "unet/weights.pb": "12345678",
  "vae_decoder/model.onnx": "1234",
  "tokenizer/tokenizer.json": "{}",
  "scheduler/scheduler_config.json": "{}",
};

type Opening = NonNullable<Parameters<ModelSource["open"]>[1]>;

/** A source whose opening goes on when the test says so, and a backend that counts. */
function stage(options: { heedsAbort?: boolean; more?: Record<string, string> } = {}) {
  const opened: { file: string; options: Opening; go(error?: unknown): void }[] = [];
  const loaded: string[] = [];
  const disposed: string[] = [];
  const memory = memorySource({ ...files, ...options.more });
  const source: ModelSource = {
    ...memory,
    open(file, open = {}) {
      return new Promise((resolve, reject) => {
        if (options.heedsAbort ?? true) {
          open.signal?.addEventListener("abort", () => reject(open.signal!.reason));
        }
        const go = (error?: unknown) => (error ? reject(error) : resolve({ path: file }));
        opened.push({ file, options: open, go });
      });
    },
  };
  const backend: InferenceBackend = {
    name: "fake",
    async createSession(model, { label = "" } = {}) {
      if (!("path" in model)) throw new Error("the source gives paths");
      loaded.push(label);
      return {
        inputs: [],
        outputs: [],
        run: async () => ({}),
        dispose: async () => {
          disposed.push(label);
        },
      } satisfies InferenceSession;
    },
  };
  return { source, backend, opened, loaded, disposed };
}

/** Lets everything that can go on go on. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return isUnderpaintError(error) ? error.code : String(error);
}

describe("openModel", () => {
  it("reads the manifest and opens no graph", async () => {
    const { source, backend, opened } = stage();
    const model = await openModel({ source, backend });
    expect(model.manifest.bytes).toBe(15);
    expect(model.isLoaded("unet")).toBe(false);
    expect(opened).toEqual([]);
  });

  it("loads and runs a real model", async () => {
    const backend = createOrtBackend({ ort, name: "cpu", sessionOptions: { logSeverityLevel: 4 } });
    const model = await openModel({ source: folderSource(modelFolder("tiny-legacy")), backend });
    const session = await model.session("unet");
    expect(session.inputs.map(({ name }) => name)).toContain("encoder_hidden_states");
    expect(model.isLoaded("unet")).toBe(true);
    await model.unload("unet");
    expect(model.isLoaded("unet")).toBe(false);
    expect(await codeOf(session.run({}))).toBe("disposed");
    expect(await model.session("unet")).not.toBe(session);
    await model.dispose();
  });

  it("names the graph in the errors of its loading", async () => {
    const memory = memorySource(files);
    const backend = createOrtBackend({ ort, name: "cpu", sessionOptions: { logSeverityLevel: 4 } });
    const model = await openModel({ source: memory, backend });
    const error = await model.session("unet").catch((reason) => reason);
    expect(isUnderpaintError(error, "model-invalid")).toBe(true);
    expect(error.message).toMatch(/^unet\/model.onnx is no ONNX graph/);
  });
});

describe("session", () => {
  it("is loaded once for all who ask", async () => {
    const { source, backend, opened, loaded } = stage();
    const model = await openModel({ source, backend });
    const asked = [model.session("unet"), model.session("unet")];
    await settle();
    asked.push(model.session("unet"));
    expect(opened.map(({ file }) => file)).toEqual(["unet/model.onnx"]);
    expect(opened[0]!.options.companions).toEqual(["weights.pb"]);
    opened[0]!.go();
    const sessions = await Promise.all([...asked, model.session("unet")]);
    expect(new Set(sessions).size).toBe(1);
    expect(loaded).toEqual(["unet/model.onnx"]);
  });

  it("can be asked for again after a failure", async () => {
    const { source, backend, opened } = stage();
    const model = await openModel({ source, backend });
    const failed = [model.session("unet"), model.session("unet")].map((work) =>
      work.catch((error) => error),
    );
    await settle();
    const broken = new Error("the network broke");
    opened[0]!.go(broken);
    expect(await Promise.all(failed)).toEqual([broken, broken]);
    const again = model.session("unet");
    await settle();
    expect(opened).toHaveLength(2);
    opened[1]!.go();
    await again;
    expect(model.isLoaded("unet")).toBe(true);
  });

  it("goes on loading for the others when one gives up, who is told at once", async () => {
    const { source, backend, opened } = stage();
    const model = await openModel({ source, backend });
    const controller = new AbortController();
    const [one, other] = [
      model.session("unet", { signal: controller.signal }),
      model.session("unet"),
    ];
    await settle();
    const reason = new Error("enough");
    controller.abort(reason);
    await expect(one).rejects.toBe(reason);
    expect(opened[0]!.options.signal!.aborted).toBe(false);
    opened[0]!.go();
    await other;
    expect(opened).toHaveLength(1);
  });

  it.each([true, false])(
    "stops loading when all have given up, and begins anew after (source heeds abort: %s)",
    async (heedsAbort) => {
      const { source, backend, opened, loaded, disposed } = stage({ heedsAbort });
      const model = await openModel({ source, backend });
      const controllers = [new AbortController(), new AbortController()];
      const asked = controllers.map(({ signal }) =>
        model.session("unet", { signal }).catch((error) => error),
      );
      await settle();
      for (const controller of controllers) controller.abort(new Error("enough"));
      expect((await Promise.all(asked)).map(String)).toEqual(["Error: enough", "Error: enough"]);
      expect(opened[0]!.options.signal!.aborted).toBe(true);

      const again = model.session("unet");
      await settle();
      expect(opened).toHaveLength(2);
      opened[0]!.go();
      opened[1]!.go();
      const session = await again;
      await settle();
      expect(await model.session("unet")).toBe(session);
      // What came after all had given up was given back; what is in use was not.
      expect(disposed).toEqual(loaded.slice(1));
    },
  );

  it("is not begun for a signal that is aborted already", async () => {
    const { source, backend, opened } = stage();
    const model = await openModel({ source, backend });
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    await expect(model.session("unet", { signal })).rejects.toBe(reason);
    expect(opened).toEqual([]);
  });

  it("of what the model lacks is refused", async () => {
    const { source, backend } = stage();
    const model = await openModel({ source, backend });
    const error = await model.session("vae_encoder").catch((reason) => reason);
    expect(isUnderpaintError(error, "model-invalid")).toBe(true);
    expect(error.message).toContain("text alone");
  });
});

describe("progress", () => {
  it("has one total over all files", async () => {
    const { source, backend, opened } = stage();
    const seen: ModelProgress[] = [];
    const model = await openModel({ source, backend, onProgress: (step) => seen.push(step) });
    const own: ModelProgress[] = [];
    const work = model.load(["text_encoder", "unet"], { onProgress: (step) => own.push(step) });
    await settle();
    opened[0]!.go();
    await settle();
    const tell = (file: string, loadedBytes: number, totalBytes: number) =>
      opened[1]!.options.onProgress?.({ file, loadedBytes, totalBytes });
    tell("unet/model.onnx", 2, 2);
    tell("unet/weights.pb", 3, 8);
    tell("unet/weights.pb", 1, 8);
    tell("unet/other", 5, 5);
    opened[1]!.go();
    await work;
    const steps = [
      ["text_encoder/model.onnx", 1],
      ["unet/model.onnx", 3],
      ["unet/weights.pb", 6],
      ["unet/weights.pb", 11],
    ];
    expect(own).toEqual(
      steps.map(([file, loadedBytes]) => ({ file, loadedBytes, totalBytes: 11 })),
    );
    expect(seen).toEqual(own.map((step) => ({ ...step, totalBytes: 15 })));
  });

  it("counts the VAE's encoder from when it is asked for, and begins anew after unloading", async () => {
    const { source, backend, opened } = stage({ more: { "vae_encoder/model.onnx": "12345" } });
    const seen: string[] = [];
    const model = await openModel({
      source,
      backend,
      onProgress: ({ loadedBytes, totalBytes }) => seen.push(`${loadedBytes}/${totalBytes}`),
    });
    const names = ["vae_decoder", "vae_encoder", "vae_decoder"] as const;
    for (const [index, name] of names.entries()) {
      if (index === 2) await model.unload();
      const work = model.session(name);
      await settle();
      opened[index]!.go();
      await work;
    }
    expect(seen).toEqual(["4/15", "9/20", "4/20"]);
  });

  it("is told to who comes later, too", async () => {
    const { source, backend, opened } = stage();
    const model = await openModel({ source, backend });
    const first = model.session("vae_decoder");
    await settle();
    const seen: ModelProgress[] = [];
    const second = model.session("vae_decoder", { onProgress: (step) => seen.push(step) });
    opened[0]!.go();
    await Promise.all([first, second]);
    const whole = [{ file: "vae_decoder/model.onnx", loadedBytes: 4, totalBytes: 4 }];
    expect(seen).toEqual(whole);
    await model.session("vae_decoder", { onProgress: (step) => seen.push(step) });
    expect(seen).toEqual([...whole, ...whole]);
  });
});

describe("unloading", () => {
  it("ends what is loading, and gives back what comes nevertheless", async () => {
    const { source, backend, opened, loaded, disposed } = stage({ heedsAbort: false });
    const model = await openModel({ source, backend });
    const work = codeOf(model.session("unet"));
    await settle();
    await model.unload();
    expect(await work).toBe("disposed");
    opened[0]!.go();
    await settle();
    expect(model.isLoaded("unet")).toBe(false);
    expect(disposed).toEqual(loaded);
  });

  it("gives back everything on dispose, for good", async () => {
    const { source, backend, opened, disposed } = stage();
    const model = await openModel({ source, backend });
    const names = ["unet", "vae_decoder"] as const;
    const work = names.map((name) => model.session(name));
    await settle();
    for (const { go } of opened) go();
    await Promise.all(work);
    await Promise.all([model.dispose(), model.dispose()]);
    expect(disposed).toEqual(["unet/model.onnx", "vae_decoder/model.onnx"]);
    expect(await codeOf(model.session("unet"))).toBe("disposed");
    expect(await codeOf(model.load(["unet"]))).toBe("disposed");
  });
});
