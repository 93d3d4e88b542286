import type { PipelineWarning } from "@underpaint/web";
import { type Engine, type EngineOptions, openEngine } from "./engine.js";

/** What is told while an engine is opened. */
export interface KeeperEvents {
  /** `share` of the model's bytes, 0 to 1, are there. */
  onLoading(share: number): void;
  onReady(engine: Engine, warnings: readonly PipelineWarning[]): void;
  onFailed(error: unknown): void;
}

/** Keeps one engine, and opens another in its place after a failure. */
export interface Keeper {
  /** Opens an engine; the one before is given back. */
  open(): void;
  /** The engine, as soon as it is there; rejects where it could not be opened. */
  ready(): Promise<Engine>;
  /** The engine, where it is there. */
  readonly engine: Engine | undefined;
}

export function createKeeper(device: EngineOptions["device"], events: KeeperEvents): Keeper {
  let opening: Promise<Engine> | undefined;
  let engine: Engine | undefined;

  async function openNew(before: Engine | undefined): Promise<Engine> {
    const warnings: PipelineWarning[] = [];
    await before?.dispose();
    events.onLoading(0);
    try {
      engine = await openEngine({
        device,
        onProgress({ loadedBytes, totalBytes }) {
          // Parts that are first needed later, such as for drawings, are small.
          if (!engine) events.onLoading(loadedBytes / totalBytes);
        },
        onWarning: (warning) => warnings.push(warning),
      });
    } catch (error) {
      events.onFailed(error);
      throw error;
    }
    events.onReady(engine, warnings);
    return engine;
  }

  function open(): void {
    const before = engine;
    engine = undefined;
    opening = openNew(before);
    // Told by the event; whoever waits is told besides.
    opening.catch(() => {});
  }

  return {
    open,
    ready: () => opening ?? Promise.reject(new Error("no engine was opened")),
    get engine() {
      return engine;
    },
  };
}
