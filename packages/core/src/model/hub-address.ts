import { UnderpaintError } from "../errors.js";

/** A model of the hub, at a revision. */
export interface HubAddress {
  /** "owner/name", or "name" for the few without an owner. */
  readonly repository: string;
  /** A branch, a tag or a commit. */
  readonly revision: string;
}

/**
 * Reads `hub:owner/name@revision`; the revision is `main` when left out. The rules for names are
 * the hub's own, as huggingface_hub checks them.
 *
 * @throws UnderpaintError `invalid-request` for anything else.
 */
export function parseHubAddress(address: string): HubAddress {
  const [, repository = "", revision = "main"] = /^hub:([^@]*)(?:@(.*))?$/s.exec(address) ?? [];
  const isRepository =
    /^(?:\w[\w.-]{0,95}\/)?\w[\w.-]{0,95}$/.test(repository) &&
    repository.split("/").every((part) => /\w$/.test(part)) &&
    !/--|\.\.|\.git$/.test(repository);
  const isRevision =
    /^\w[\w./+-]{0,254}$/.test(revision) &&
    revision.split("/").every((part) => part !== "" && !part.startsWith(".")) &&
    !revision.includes("..");
  if (!isRepository || !isRevision) {
    throw new UnderpaintError({
      code: "invalid-request",
      what: "this is no model of the hub",
      value: address,
      allowed: '"hub:owner/name" or "hub:owner/name@revision"',
      remedy: "copy the model's name from its page on the hub",
    });
  }
  return { repository, revision };
}

/** Whether a revision is a whole commit hash, whose content never changes. */
export function isCommit(revision: string): boolean {
  return /^[0-9a-f]{40}$/.test(revision);
}
