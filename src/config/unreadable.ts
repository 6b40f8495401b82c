// Why a file cannot be read, in words.

import { Problem } from "../core/problem.ts";

export function unreadable(where: string, message: string, hint: string): Problem {
  return new Problem(message, { code: "config/unreadable", where, hint });
}

/** True for the errors of the file system that say: nothing is there. */
export function isMissing(error: unknown): boolean {
  return codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR";
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ENOTDIR: "there is no such file",
  EACCES: "we have no right to read it",
  EISDIR: "it is a directory",
};

export function reasonOf(error: unknown): string {
  return reasons[codeOf(error)] ?? (error instanceof Error ? error.message : String(error));
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
