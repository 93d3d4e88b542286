import type { InferenceBackend, InferenceSession } from "../backend/contract.js";
import { UnderpaintError } from "../errors.js";
import {
  type ComponentManifest,
  type ComponentName,
  type ModelManifest,
  readManifest,
} from "./manifest.js";
import { createLoadMeter, type LoadMeter, type ModelProgress } from "./progress.js";
import { type SharedLoad, shareLoad } from "./shared-load.js";
import type { ModelSource } from "./source.js";

/** How a component is loaded. */
export interface LoadOptions {
  /** Ends the waiting at once; the load itself ends when nobody else waits for it. */
  readonly signal?: AbortSignal;
  /** Told of every piece that arrives: one total over all files of the components asked for. */
  readonly onProgress?: (progress: ModelProgress) => void;
}

/** A model: its manifest, and the sessions of its components, loaded when they are first needed. */
export interface Model {
  readonly manifest: ModelManifest;
  readonly source: ModelSource;
  readonly backend: InferenceBackend;
  /**
   * A component's session, loaded once however often and by however many it is asked for. After a
   * failure or an abort the next call loads anew.
   *
   * @throws UnderpaintError `model-invalid` when the model has no such component, or its files are
   * broken; `download-failed`, `operator-unsupported`; `disposed` after {@link dispose}, and when
   * the component is unloaded while it loads.
   */
  session(component: ComponentName, options?: LoadOptions): Promise<InferenceSession>;
  /** Loads several components, one after the other, with one total over all their files. */
  load(components: readonly ComponentName[], options?: LoadOptions): Promise<void>;
  /** Whether a component is in memory. */
  isLoaded(component: ComponentName): boolean;
  /** Gives a component's memory back, or that of all, when its running calls have ended. */
  unload(component?: ComponentName): Promise<void>;
  /** Unloads everything; the model cannot be used any more. Calling it again does nothing. */
  dispose(): Promise<void>;
}

/** What {@link openModel} is given. */
export interface ModelOptions {
  readonly source: ModelSource;
  readonly backend: InferenceBackend;
  /** Ends the reading of the manifest. */
  readonly signal?: AbortSignal;
  /**
   * Told of every piece that arrives, for as long as the model lives: one total over the files of
   * the components that every picture needs, and those of the VAE's encoder from when it is asked
   * for.
   */
  readonly onProgress?: (progress: ModelProgress) => void;
}

interface Entry {
  readonly load: SharedLoad<InferenceSession>;
  readonly progress: Set<(file: string, loadedBytes: number) => void>;
  session?: InferenceSession;
}

/**
 * Opens a model: reads its manifest, and no weights.
 *
 * @throws UnderpaintError as {@link readManifest} does.
 */
export async function openModel(options: ModelOptions): Promise<Model> {
  const { source, backend, signal } = options;
  const manifest = await readManifest(source, signal && { signal });
  const { text_encoder, unet, vae_decoder } = manifest.components;
  const whole = createLoadMeter([text_encoder, unet, vae_decoder], options.onProgress);
  const entries = new Map<ComponentName, Entry>();
  let disposed = false;

  function component(name: ComponentName): ComponentManifest {
    if (disposed) throw new UnderpaintError({ code: "disposed", what: "the model was disposed" });
    const found = Object.hasOwn(manifest.components, name) && manifest.components[name];
    if (found) return found;
    throw new UnderpaintError({
      code: "model-invalid",
      what: `the model has no ${name}`,
      value: source.id,
      remedy:
        name === "vae_encoder"
          ? "make pictures from text alone, or use an export with a vae_encoder"
          : "fetch the model again, whole",
    });
  }

  function begin(part: ComponentManifest, name: ComponentName): Entry {
    const progress: Entry["progress"] = new Set([whole.update]);
    whole.add(part);
    const tell = (file: string, loadedBytes: number): void => {
      for (const listener of progress) listener(file, loadedBytes);
    };
    const start = async (signal: AbortSignal): Promise<InferenceSession> => {
      const file = await source.open(part.graph, {
        companions: part.externalData,
        signal,
        onProgress: ({ file, loadedBytes }) => tell(file, loadedBytes),
      });
      for (const [path, bytes] of Object.entries(part.files)) tell(path, bytes);
      return backend.createSession(file, { signal, label: part.graph });
    };
    const entry: Entry = {
      progress,
      load: shareLoad(async (signal) => {
        try {
          const session = await start(signal);
          // Nobody waits any more, and the backend could not stop half way.
          if (signal.aborted) await session.dispose();
          signal.throwIfAborted();
          entry.session = session;
          return session;
        } catch (error) {
          if (entries.get(name) === entry) entries.delete(name);
          throw error;
        }
      }),
    };
    entries.set(name, entry);
    return entry;
  }

  async function wait(
    name: ComponentName,
    meter: LoadMeter,
    signal?: AbortSignal,
  ): Promise<InferenceSession> {
    const part = component(name);
    let entry = entries.get(name);
    if (!entry || entry.load.abandoned) entry = begin(part, name);
    entry.progress.add(meter.update);
    try {
      const session = await entry.load.wait(signal);
      for (const [file, bytes] of Object.entries(part.files)) meter.update(file, bytes);
      return session;
    } finally {
      entry.progress.delete(meter.update);
    }
  }

  async function unload(name: ComponentName): Promise<void> {
    const entry = entries.get(name);
    if (!entry) return;
    entries.delete(name);
    entry.load.cancel(
      new UnderpaintError({
        code: "disposed",
        what: `the ${name} was unloaded while it was loaded`,
      }),
    );
    const part = manifest.components[name];
    if (part) whole.forget(part);
    await entry.session?.dispose();
  }

  async function unloadAll(): Promise<void> {
    await Promise.all([...entries.keys()].map(unload));
  }

  return {
    manifest,
    source,
    backend,
    async session(name, { signal, onProgress } = {}) {
      signal?.throwIfAborted();
      return wait(name, createLoadMeter([component(name)], onProgress), signal);
    },
    async load(names, { signal, onProgress } = {}) {
      signal?.throwIfAborted();
      const meter = createLoadMeter(names.map(component), onProgress);
      for (const name of names) await wait(name, meter, signal);
    },
    isLoaded: (name) => entries.get(name)?.session !== undefined,
    unload: (name) => (name === undefined ? unloadAll() : unload(name)),
    async dispose() {
      disposed = true;
      await unloadAll();
    },
  };
}
