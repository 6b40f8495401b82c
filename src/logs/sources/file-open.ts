// Opening a log that somebody else can put things in the place of: only regular files, no link of a stranger, and never a wait.

import { closeSync, constants, fstatSync, lstatSync, openSync, realpathSync } from "node:fs";

export interface OpenedFile {
  readonly fd: number;
  readonly device: string;
  readonly inode: string;
  readonly sizeBytes: number;
}

export interface FileIdentity {
  readonly device: string;
  readonly inode: string;
}

/** An fd opened for reading, or one sentence that says why not; `missing` when there is nothing of that name. */
export function openRegular(path: string): OpenedFile | "missing" | { readonly trouble: string } {
  try {
    return openAt(path);
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT" || code === "ENOTDIR") return "missing";
    if (code === "ELOOP") return openLink(path);
    return { trouble: `${path}: ${reasons.get(code) ?? `it cannot be opened (${code})`}` };
  }
}

const reasons = new Map([
  ["EACCES", "we may not read it: put our user into the group that may"],
  ["ENXIO", "it is no regular file"],
  ["EMFILE", "too many files are open"],
]);

/** O_NONBLOCK: a FIFO without a writer would keep us waiting for ever. */
const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;

function openAt(path: string): OpenedFile | { readonly trouble: string } {
  const fd = openSync(path, flags);
  const stat = fstatSync(fd, { bigint: true });
  if (!stat.isFile()) {
    closeSync(fd);
    return { trouble: `${path}: it is no regular file` };
  }
  return { fd, device: String(stat.dev), inode: String(stat.ino), sizeBytes: Number(stat.size) };
}

/** A link is followed when root or we made it: in a directory that others may write to it could lead anywhere. */
function openLink(path: string): OpenedFile | "missing" | { readonly trouble: string } {
  try {
    if (!isOurLink(path)) return { trouble: `${path}: it is a symbolic link of another user` };
    return openAt(realpathSync(path));
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT") return "missing";
    return { trouble: `${path}: the file behind this link cannot be opened (${code})` };
  }
}

function isOurLink(path: string): boolean {
  const { uid } = lstatSync(path);
  return uid === 0 || uid === process.geteuid?.();
}

/** Which file stands at `path`, without opening it; undefined when there is none that could be read. */
export function identityAt(path: string): FileIdentity | undefined {
  try {
    const stat = lstatSync(path, { bigint: true });
    if (!stat.isSymbolicLink()) return { device: String(stat.dev), inode: String(stat.ino) };
    return isOurLink(path) ? identityAt(realpathSync(path)) : undefined;
  } catch {
    return undefined;
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}
