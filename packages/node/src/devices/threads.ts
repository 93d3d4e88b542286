import { readFileSync } from "node:fs";

/** Settings of ONNX Runtime's sessions that concern the processor. */
export interface ThreadSettings {
  readonly intraOpNumThreads?: number;
  readonly extra: { readonly session: { readonly intra_op: { readonly allow_spinning: "0" } } };
}

/**
 * How sessions use the processor.
 *
 * The number of threads is the runtime's own choice, one a core, unless the caller gave one or a
 * container's quota allows fewer: the runtime does not know of quotas, and threads beyond one make
 * all of them wait. Threads that wait for work sleep rather than spin: each session has threads of
 * its own, and spinning ones take the cores from the rest of the pipeline and of the application
 * (measured: docs/decisions/device-choice.md).
 */
export function threadSettings(threads?: number, quota = cpuQuota()): ThreadSettings {
  const count = threads ?? quota;
  return {
    ...(count === undefined ? {} : { intraOpNumThreads: count }),
    extra: { session: { intra_op: { allow_spinning: "0" } } },
  };
}

/**
 * The whole cores that this process may use by Linux's control groups, or undefined where nothing
 * limits it.
 */
export function cpuQuota(read: (path: string) => string = readText): number | undefined {
  try {
    // Version 2: "150000 100000" is one and a half cores, "max 100000" no limit.
    const [quota, period] = read("/sys/fs/cgroup/cpu.max").trim().split(" ");
    return coresOf(Number(quota), Number(period));
  } catch {
    // Not version 2.
  }
  try {
    const quota = Number(read("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"));
    return coresOf(quota, Number(read("/sys/fs/cgroup/cpu/cpu.cfs_period_us")));
  } catch {
    return undefined;
  }
}

function coresOf(quota: number, period: number): number | undefined {
  return quota > 0 && period > 0 ? Math.max(1, Math.floor(quota / period)) : undefined;
}

function readText(path: string): string {
  return readFileSync(path, "utf8");
}
