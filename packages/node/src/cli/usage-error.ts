/** The command line asks for something that is not there, or not rightly. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
