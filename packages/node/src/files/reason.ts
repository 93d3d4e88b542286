import { systemCode } from "../sources/errors.js";

const words: Record<string, string> = {
  ENOENT: "there is no such file",
  ENOTDIR: "a part of its path is no folder",
  EISDIR: "it is a folder",
  EACCES: "this user may not",
  EPERM: "this user may not",
  ENOSPC: "the disk is full",
  EROFS: "the disk is read-only",
  ENAMETOOLONG: "its name is too long",
};

/** Why a system call on a file failed, in words where they are known. */
export function reason(error: unknown): string {
  const code = systemCode(error);
  return (code && words[code]) ?? code ?? "for a reason that the system does not tell";
}
