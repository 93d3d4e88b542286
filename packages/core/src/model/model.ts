import type { InferenceBackend, InferenceSession, ModelFile } from "../backend/contract.js";
import type { GraphFiles } from "../backend/edit-model.js";
import { UnderpaintError } from "../errors.js";
import type { GraphEdits } from "../graph/edits.js";
import type { OnnxGraph } from "../graph/graph.js";
import {
  type ComponentManifest,
  type ComponentName,
  type ModelManifest,
  readManifest,
} from "./manifest.js";
import { createLoadMeter, type LoadMeter, type ModelProgress } from "./progress.js";
import { type SharedLoad, shareLoad } from "./shared-load.js";
import type { ModelSource } from "./source.js";

/** A component's graph with edits applied while it is loaded. */
export interface GraphVariant {
  /** By which variants are told apart. */
  readonly name: string;
  /** The edits, or undefined where none are needed. */
  edit(graph: OnnxGraph): GraphEdits | undefined;
}

/** How a component is loaded. */
export interface LoadOptions {
  /**
   * The graph as edited; as it is in its file when left out. A component is in memory once: where
   * it is there in another form, that one is given back, at once or when it is let go.
   */
  readonly variant?: GraphVariant;
  /** Names of variants that will do as well, where one of them is in memory already. */
  readonly orVariants?: readonly string[];
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
  /**
   * As {@link session}, for several runs: the session is not given back for the sake of another
   * variant before `release` is called. Unloading does not wait for that.
   */
  borrow(component: ComponentName, options?: LoadOptions): Promise<BorrowedSession>;
  /** Loads several components, one after the other, with one total over all their files. */
  load(components: readonly ComponentName[], options?: LoadOptions): Promise<void>;
  /** Whether a component is in memory. */
  isLoaded(component: ComponentName): boolean;
  /** Gives a component's memory back, or that of all, when its running calls have ended. */
  unload(component?: ComponentName): Promise<void>;
  /** Unloads everything; the model cannot be used any more. Calling it again does nothing. */
  dispose(): Promise<void>;
}

/** A session that is in use. */
export interface BorrowedSession {
  readonly session: InferenceSession;
  /** Lets go of it. Calling it again does nothing. */
  release(): void;
}

/** What {@link openModel} is given. */
export interface ModelOptions {
  readonly source: ModelSource;
  readonly backend: InferenceBackend;
  /** How graphs that are given by their paths are read, for those that are edited. */
  readonly graphFiles?: GraphFiles;
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
  readonly variant: string | undefined;
  session?: InferenceSession;
  /** Requests that hold it. */
  holders: number;
  /** Whether another has taken its place. */
  retired: boolean;
}

/**
 * Opens a model: reads its manifest, and no weights.
 *
 * @throws UnderpaintError as {@link readManifest} does.
 */
export async function openModel(options: ModelOptions): Promise<Model> {
  const { source, backend, graphFiles, signal } = options;
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

  async function editedAs(
    { edit }: GraphVariant,
    file: ModelFile,
    label: string,
    signal: AbortSignal,
  ): Promise<ModelFile> {
    // Most requests edit no graph: what reads and writes them is loaded by those that do.
    const { editModel } = await import("../backend/edit-model.js");
    return editModel(file, edit, { label, signal, ...(graphFiles && { files: graphFiles }) });
  }

  function begin(part: ComponentManifest, name: ComponentName, variant?: GraphVariant): Entry {
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
      const edited = variant ? await editedAs(variant, file, part.graph, signal) : file;
      return backend.createSession(edited, { signal, label: part.graph });
    };
    const entry: Entry = {
      progress,
      variant: variant?.name,
      holders: 0,
      retired: false,
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

  /** Makes room for another variant: at once, or when those who use it have let go. */
  async function retire(name: ComponentName, entry: Entry): Promise<void> {
    entries.delete(name);
    entry.retired = true;
    const session = entry.session ?? (await entry.load.wait().catch(() => undefined));
    if (entry.holders === 0) await session?.dispose();
  }

  async function wait(
    name: ComponentName,
    meter: LoadMeter,
    { variant, orVariants = [], signal }: LoadOptions,
  ): Promise<BorrowedSession> {
    const part = component(name);
    let entry = entries.get(name);
    const wanted = [variant?.name, ...orVariants];
    if (entry && !entry.load.abandoned && !wanted.includes(entry.variant)) {
      // The other may have come, or gone, in the meantime.
      await retire(name, entry);
      signal?.throwIfAborted();
      return wait(name, meter, {
        ...(variant && { variant }),
        orVariants,
        ...(signal && { signal }),
      });
    }
    if (!entry || entry.load.abandoned) entry = begin(part, name, variant);
    const used = entry;
    used.holders++;
    let isHeld = true;
    const release = (): void => {
      if (!isHeld) return;
      isHeld = false;
      used.holders--;
      if (used.retired && used.holders === 0) void used.session?.dispose();
    };
    used.progress.add(meter.update);
    try {
      const session = await used.load.wait(signal);
      for (const [file, bytes] of Object.entries(part.files)) meter.update(file, bytes);
      return { session, release };
    } catch (error) {
      release();
      throw error;
    } finally {
      used.progress.delete(meter.update);
    }
  }

  async function borrow(name: ComponentName, options: LoadOptions = {}): Promise<BorrowedSession> {
    options.signal?.throwIfAborted();
    return wait(name, createLoadMeter([component(name)], options.onProgress), options);
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
    async session(name, options = {}) {
      const { session, release } = await borrow(name, options);
      release();
      return session;
    },
    borrow,
    async load(names, { signal, onProgress } = {}) {
      signal?.throwIfAborted();
      const meter = createLoadMeter(names.map(component), onProgress);
      for (const name of names) (await wait(name, meter, signal ? { signal } : {})).release();
    },
    isLoaded: (name) => entries.get(name)?.session !== undefined,
    unload: (name) => (name === undefined ? unloadAll() : unload(name)),
    async dispose() {
      disposed = true;
      await unloadAll();
    },
  };
}
