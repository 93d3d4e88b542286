import { UnderpaintError } from "@underpaint/core";

/**
 * Refuses one step where the options leave no way for it to go: it would begin at the end of the
 * noise levels, or end where it began.
 *
 * @throws UnderpaintError `invalid-request`.
 */
export function refuseOneStep(steps: number, options: string): void {
  if (steps > 1) return;
  throw new UnderpaintError({
    code: "invalid-request",
    what: `${options} cannot be done in one step`,
    value: steps,
    allowed: "2 steps or more",
  });
}
