/** Milliseconds that a request spent, by component. */
export interface Timings {
  /** Loading graphs that were not loaded yet. */
  readonly load: number;
  readonly textEncoder: number;
  readonly vaeEncoder: number;
  readonly network: number;
  /** What controls compute beside the network, and the mixing of it. */
  readonly controls: number;
  readonly vaeDecoder: number;
  /** From the call of `generate` to its result. */
  readonly total: number;
  /** What remains: solver, guidance, noise, conversions, and the caller's own `onStep`. */
  readonly outside: number;
}

/** A part of a request that is timed on its own. */
export type TimedPart = Exclude<keyof Timings, "total" | "outside">;

/** Adds up the time of parts of one request. */
export interface Stopwatch {
  /** Runs `work` and adds its time to `part`. */
  time<T>(part: TimedPart, work: () => Promise<T>): Promise<T>;
  /** Milliseconds since it was made. */
  elapsed(): number;
  /** The sums so far. */
  read(): Timings;
}

/** A stopwatch that starts now. */
export function createStopwatch(): Stopwatch {
  const start = performance.now();
  const parts: Record<TimedPart, number> = {
    load: 0,
    textEncoder: 0,
    vaeEncoder: 0,
    network: 0,
    controls: 0,
    vaeDecoder: 0,
  };
  const elapsed = (): number => performance.now() - start;
  return {
    elapsed,
    async time(part, work) {
      const begin = performance.now();
      try {
        return await work();
      } finally {
        parts[part] += performance.now() - begin;
      }
    },
    read() {
      const total = elapsed();
      const inside = Object.values(parts).reduce((sum, time) => sum + time, 0);
      return { ...parts, total, outside: total - inside };
    },
  };
}
