import { memoryPart } from "./memory-part.js";
import type { Part } from "./part.js";
import { StorageFailure } from "./pieces.js";

/** What a {@link shelteredPart} asks and tells. */
export interface Shelter {
  /** How many bytes can still be kept, as far as the browser tells. */
  room(): Promise<number>;
  /** Told when a part moves to memory, which is `part` from now on. */
  onMoved(part: Part, failure: StorageFailure): void;
}

/**
 * A part in storage that moves to memory where storage fails or has no room: what came is not lost,
 * and what was written is given back.
 */
export function shelteredPart(stored: Part, { room, onMoved }: Shelter): Part {
  let current = stored;

  /** Moves to memory; whoever calls has nothing of value in storage, or has taken it along. */
  async function move(failure: unknown, memory: Part): Promise<void> {
    if (!(failure instanceof StorageFailure)) throw failure;
    current = memory;
    onMoved(memory, failure);
    await stored.discard().catch(() => {});
  }

  async function copied(): Promise<Part> {
    const memory = memoryPart();
    await memory.begin(stored.validator);
    for await (const piece of stored.pieces()) await memory.append(piece);
    return memory;
  }

  return {
    get bytes() {
      return current.bytes;
    },
    get validator() {
      return current.validator;
    },
    async begin(validator, total) {
      if (current === stored) {
        try {
          const free = await room();
          if ((total ?? 0) > free) {
            const why = new DOMException(`${free} bytes are free`, "QuotaExceededError");
            throw new StorageFailure(why);
          }
          return await stored.begin(validator, total);
        } catch (error) {
          await move(error, memoryPart());
        }
      }
      await current.begin(validator, total);
    },
    async append(bytes) {
      if (current === stored) {
        try {
          return await stored.append(bytes);
        } catch (error) {
          if (!(error instanceof StorageFailure)) throw error;
          await move(error, await copied());
        }
      }
      await current.append(bytes);
    },
    pieces: () => current.pieces(),
    async finish(signal) {
      if (current === stored) {
        try {
          return await stored.finish(signal);
        } catch (error) {
          if (!(error instanceof StorageFailure)) throw error;
          await move(error, await copied());
        }
      }
      return current.finish(signal);
    },
    discard: () => current.discard(),
  };
}
