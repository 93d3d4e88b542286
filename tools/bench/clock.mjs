/**
 * Gives every moment to one phase: at each change the time since the last one goes to the phase
 * that was current. So phases add up to the whole, and nothing is counted twice.
 *
 * Work must be one thing at a time, as a single request is.
 */
export function createClock() {
  let sums = new Map();
  let current = "";
  let wall = performance.now();
  let cpu = cpuMs();

  /** Makes a phase the current one and returns the one before. */
  function enter(phase) {
    const [nowWall, nowCpu] = [performance.now(), cpuMs()];
    const sum = sums.get(current) ?? { wall: 0, cpu: 0, times: 0 };
    sum.wall += nowWall - wall;
    sum.cpu += nowCpu - cpu;
    sum.times += 1;
    sums.set(current, sum);
    const before = current;
    current = phase;
    wall = nowWall;
    cpu = nowCpu;
    return before;
  }

  return {
    enter,
    /** Runs work in a phase, then goes back to the one before. */
    async within(phase, work) {
      const before = enter(phase);
      try {
        return await work();
      } finally {
        enter(before);
      }
    },
    /** The phases so far, { wall, cpu, times } by name, in milliseconds; begins anew. */
    take() {
      enter(current);
      const taken = Object.fromEntries([...sums].filter(([phase]) => phase !== ""));
      sums = new Map();
      return taken;
    },
  };
}

/** Processor time of this process, its runtime's and its garbage collector's threads included. */
export function cpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
