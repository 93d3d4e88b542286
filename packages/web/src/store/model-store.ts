import { UnderpaintError } from "@underpaint/core";
import { modelNote } from "./keeper.js";
import { openKeptFile } from "./kept-file.js";
import { withLock } from "./locks.js";
import { type PieceStore, StorageFailure } from "./pieces.js";
import { estimate, openStorage } from "./storage.js";

/** A model that is kept in this browser. */
export interface StoredModel {
  /** What it is called, here and in `delete`: its address without a query, or "hub:owner/name@revision". */
  readonly model: string;
  /** All that is kept of it, in bytes. */
  readonly bytes: number;
  /** Whether no download of it was cut off. */
  readonly isWhole: boolean;
}

/** How much room there is. */
export interface StoreSize {
  /** What models take, in bytes. */
  readonly bytes: number;
  /** What this origin takes with everything that it keeps, as the browser estimates. */
  readonly usage: number | undefined;
  /** What this origin may take in all, as the browser estimates. */
  readonly quota: number | undefined;
  /** Whether the browser keeps it until the user deletes it, rather than until room is short. */
  readonly isPersistent: boolean;
}

/** The models that this browser keeps for this origin, whichever page, tab or worker fetched them. */
export interface ModelStore {
  /** What is kept; empty where nothing can be. */
  list(): Promise<readonly StoredModel[]>;
  /**
   * Deletes a model, unfinished downloads of it too. Pipelines that have it loaded work on.
   *
   * @returns whether it was there.
   * @throws UnderpaintError `invalid-request` while it is being downloaded, here or in another tab.
   */
  delete(model: string, options?: { readonly signal?: AbortSignal }): Promise<boolean>;
  /** How much the models take, and how much room there is. */
  size(): Promise<StoreSize>;
  /**
   * Asks the browser not to delete what is kept when room is short; some ask the user. Call it in
   * answer to a click.
   *
   * @returns whether it will be kept.
   */
  persist(): Promise<boolean>;
}

interface Found extends StoredModel {
  readonly place: string;
}

const patienceMs = 2_000;

/** See {@link ModelStore}. */
export const modelStore: ModelStore = {
  async list() {
    return (await all()).map(({ place: _, ...model }) => model);
  },
  async delete(model, { signal } = {}) {
    signal?.throwIfAborted();
    const store = await opened();
    const name = model.startsWith("hub:") && !model.includes("@") ? `${model}@main` : model;
    const found = (await all()).filter((each) => sameModel(each.model, name));
    for (const { place } of found) {
      const limit = AbortSignal.timeout(patienceMs);
      const either = signal ? AbortSignal.any([signal, limit]) : limit;
      try {
        await withLock(`model:${place}`, either, async () => store?.remove([place]));
      } catch (cause) {
        signal?.throwIfAborted();
        throw inUse(model, cause);
      }
    }
    return found.length > 0;
  },
  async size() {
    const [models, { usage, quota }] = await Promise.all([all(), estimate()]);
    const bytes = models.reduce((sum, each) => sum + each.bytes, 0);
    const isPersistent = (await navigator.storage?.persisted?.().catch(() => false)) ?? false;
    return { bytes, usage, quota, isPersistent };
  },
  async persist() {
    return (await navigator.storage?.persist?.().catch(() => false)) ?? false;
  },
};

/** An address may be given with or without its last slash, query and index file. */
function sameModel(known: string, given: string): boolean {
  const plain = (name: string): string =>
    name.replace(/[?#].*$/s, "").replace(/\/(model_index\.json)?$/, "");
  return plain(known) === plain(given);
}

async function opened(): Promise<PieceStore | undefined> {
  return openStorage().catch((error: unknown) => {
    if (!(error instanceof StorageFailure)) throw error;
    return undefined;
  });
}

async function all(): Promise<readonly Found[]> {
  const store = await opened();
  const found: Found[] = [];
  for (const place of (await store?.folders([])) ?? []) {
    const model = await modelOf(store!, place);
    let bytes = 0;
    let isWhole = true;
    for (const name of await store!.folders([place])) {
      const file = await openKeptFile(store!, [place, name], "");
      bytes += file.bytes;
      isWhole &&= file.whole !== undefined;
    }
    found.push({ place, model, bytes, isWhole });
  }
  return found;
}

async function modelOf(store: PieceStore, place: string): Promise<string> {
  try {
    const note = JSON.parse((await (await store.find([place], modelNote))?.text()) ?? "") as {
      model: string;
    };
    return note.model;
  } catch {
    // Its note was never written, or broke: it can still be listed and deleted.
    return `unknown:${place}`;
  }
}

function inUse(model: string, cause: unknown): UnderpaintError {
  return cause instanceof StorageFailure
    ? new UnderpaintError({
        code: "invalid-request",
        what: `the model ${model} cannot be deleted (${cause.message})`,
        remedy: "close other tabs of this page, or clear the site's data in the browser's settings",
        cause,
      })
    : new UnderpaintError({
        code: "invalid-request",
        what: `the model ${model} is being downloaded, here or in another tab`,
        remedy: "abort the download first",
        cause,
      });
}
