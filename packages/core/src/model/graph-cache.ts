import type { InferenceBackend, InferenceSession } from "../backend/contract.js";
import { UnderpaintError } from "../errors.js";
import { weightNames } from "./manifest.js";
import { createLoadMeter, type LoadMeter, type ModelProgress } from "./progress.js";
import { type SharedLoad, shareLoad } from "./shared-load.js";
import type { ModelSource } from "./source.js";

/** What {@link createGraphCache} is given. */
export interface GraphCacheOptions {
  readonly backend: InferenceBackend;
  readonly onProgress?: (progress: ModelProgress) => void;
}

/** Graphs beside a model's own components, loaded once each and kept. */
export interface GraphCache {
  /**
   * A graph's session; its outputs stay on the device where it has one. Sources are told apart by
   * the object, not by their ids: two folders may have one name.
   *
   * @param files paths inside the source, of which the first that is there is loaded.
   * @throws UnderpaintError `model-not-found` where none of them is there; errors of loading.
   */
  open(
    source: ModelSource,
    files: readonly string[],
    signal?: AbortSignal,
  ): Promise<{ readonly session: InferenceSession; readonly label: string }>;
  /** The source of that name: found at the first call, and the same from then on. */
  named(name: string, find: () => Promise<ModelSource>): Promise<ModelSource>;
  /** Gives all of them back. */
  unload(): Promise<void>;
}

interface Entry {
  readonly load: SharedLoad<InferenceSession>;
  session?: InferenceSession;
}

/** A {@link GraphCache} over a backend. */
export function createGraphCache({ backend, onProgress }: GraphCacheOptions): GraphCache {
  const entries = new Map<string, Entry>();
  const sources = new Map<string, Promise<ModelSource>>();
  const numbers = new WeakMap<ModelSource, number>();
  let count = 0;

  function numberOf(source: ModelSource): number {
    const number = numbers.get(source) ?? count++;
    numbers.set(source, number);
    return number;
  }

  function begin(source: ModelSource, file: string, label: string, key: string): Entry {
    const entry: Entry = {
      load: shareLoad(async (signal) => {
        try {
          const { companions, meter } = await companionsOf(source, file, signal, onProgress);
          const model = await source.open(file, {
            companions,
            signal,
            onProgress: (at) => meter.update(at.file, at.loadedBytes),
          });
          const options = { signal, label, deviceOutputs: "all" } as const;
          const session = await backend.createSession(model, options);
          if (signal.aborted) await session.dispose();
          signal.throwIfAborted();
          entry.session = session;
          return session;
        } catch (error) {
          if (entries.get(key) === entry) entries.delete(key);
          throw error;
        }
      }),
    };
    entries.set(key, entry);
    return entry;
  }

  return {
    async open(source, files, signal) {
      signal?.throwIfAborted();
      const file = await firstOf(source, files, signal);
      const key = `${numberOf(source)} ${file}`;
      const label = `${source.id}: ${file}`;
      let entry = entries.get(key);
      if (!entry || entry.load.abandoned) entry = begin(source, file, label, key);
      return { session: await entry.load.wait(signal), label };
    },
    named(name, find) {
      let found = sources.get(name);
      if (!found) {
        found = find();
        found.catch(() => sources.delete(name));
        sources.set(name, found);
      }
      return found;
    },
    async unload() {
      const all = [...entries.values()];
      entries.clear();
      sources.clear();
      const reason = new UnderpaintError({
        code: "disposed",
        what: "a control's graph was unloaded while it was loaded",
      });
      await Promise.all(
        all.map(async ({ load, session }) => {
          load.cancel(reason);
          await session?.dispose();
        }),
      );
    },
  };
}

async function firstOf(
  source: ModelSource,
  files: readonly string[],
  signal: AbortSignal | undefined,
): Promise<string> {
  for (const file of files) {
    if ((await source.size(file, signal && { signal })) !== undefined) return file;
  }
  throw new UnderpaintError({
    code: "model-not-found",
    what: "there is no such graph",
    value: source.id,
    allowed: `a source with ${files.join(" or ")}`,
    remedy: "give the folder that holds it, or its path inside the source",
  });
}

/** The files of weights beside a graph, and a meter over all of them. */
async function companionsOf(
  source: ModelSource,
  file: string,
  signal: AbortSignal,
  onProgress: GraphCacheOptions["onProgress"],
): Promise<{ companions: readonly string[]; meter: LoadMeter }> {
  const at = file.lastIndexOf("/") + 1;
  const [folder, name] = [file.slice(0, at), file.slice(at)];
  const wanted = new Set([...weightNames, `${name}_data`, `${name}.data`]);
  const files: Record<string, number> = { [file]: (await source.size(file, { signal })) ?? 0 };
  const companions: string[] = [];
  for (const companion of wanted) {
    const size = await source.size(folder + companion, { signal });
    if (size === undefined) continue;
    companions.push(companion);
    files[folder + companion] = size;
  }
  return { companions, meter: createLoadMeter([{ files }], onProgress) };
}
