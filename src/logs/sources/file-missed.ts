// What came and was rotated away between two looks: where no event tells of a rotation, several can lie between them.

import { closeSync } from "node:fs";
import type { FilePlace } from "../place.ts";
import { openRegular } from "./file-open.ts";
import { findRotated, type Rotated } from "./file-rotated.ts";
import { OpenLog } from "./open-log.ts";
import { headOfPacked, isHeadOf, PackedRest, wholePlace } from "./packed-rest.ts";

/** Listings while files are being renamed under them; a rotation is over within milliseconds. */
const triesMax = 5;
/** Files that were read and let go, by which their names are known again. */
const doneMax = 64;
/** A packer keeps the time of what it packed, some of them in whole seconds. */
const packedSlackMs = 1_000;

/** Which files need not be read again. */
export class FilesRead {
  readonly #done = new Set<string>();

  /** Kept with its time: the number of a file that is gone is given to another. */
  add(file: Pick<Rotated, "device" | "inode" | "changedAt">): void {
    this.#done.add(markOf(file));
    const [oldest] = this.#done;
    if (this.#done.size > doneMax && oldest !== undefined) this.#done.delete(oldest);
  }

  has(file: Rotated): boolean {
    return this.#done.has(markOf(file));
  }
}

function markOf({ device, inode, changedAt }: Pick<Rotated, "device" | "inode" | "changedAt">): string {
  return `${device}:${inode}:${changedAt}`;
}

export interface MissedOptions {
  readonly path: string;
  /** ms since the epoch, by the clock of the file system: what changed before was read or is no concern. */
  readonly since: number;
  readonly open: readonly OpenLog[];
  readonly read: FilesRead;
}

/** A packed file that stands open, whatever its name becomes. */
export interface OpenPacked {
  readonly file: Rotated;
  readonly fd: number;
}

export interface Missed {
  /** Oldest first, each at its first byte. */
  readonly plain: readonly OpenLog[];
  readonly packed: readonly OpenPacked[];
}

/** Rotated files of a path that nobody has read. */
export function findMissed(options: MissedOptions): Missed {
  for (let tries = 1; ; tries++) {
    const { missed, isWhole } = lookOnce(options);
    if (isWhole || tries === triesMax) {
      // Once is enough: they are unpacked in the background.
      for (const { file } of missed.packed) options.read.add(file);
      return missed;
    }
    for (const file of missed.plain) file.close();
    for (const { fd } of missed.packed) closeSync(fd);
  }
}

function lookOnce({ path, since, open, read }: MissedOptions): { readonly missed: Missed; readonly isWhole: boolean } {
  const isOpen = (file: Rotated) => open.some(({ inode, device }) => file.inode === inode && file.device === device);
  const isUnread = (file: Rotated) =>
    file.changedAt >= (file.isPacked ? since - packedSlackMs : since) && !isOpen(file) && !read.has(file);
  const plain: OpenLog[] = [];
  const packed: OpenPacked[] = [];
  let isWhole = true;
  for (const file of findRotated(path).filter(isUnread)) {
    const opened = openRegular(file.path);
    if (typeof opened !== "object" || !("fd" in opened)) {
      isWhole &&= opened !== "missing";
      continue;
    }
    isWhole &&= opened.inode === file.inode && opened.device === file.device;
    if (file.isPacked) packed.push({ file, fd: opened.fd });
    else plain.push(atItsStart(new OpenLog(path, opened)));
  }
  return { missed: { plain, packed }, isWhole };
}

function atItsStart(log: OpenLog): OpenLog {
  log.startOver();
  return log;
}

export interface PackedOptions {
  readonly path: string;
  /** Places of the plain files that stand open: what is packed of them is not read again. */
  readonly known: readonly FilePlace[];
  /** Where a file that was truncated had been read to: its packed copy goes on there. */
  readonly continued: FilePlace | undefined;
  readonly wake: () => void;
  readonly warn: (text: string) => void;
}

/** The rest that is a packed file, from its first byte or from where it was read to; undefined when it is known already. */
export async function openRest({ file, fd }: OpenPacked, options: PackedOptions): Promise<PackedRest | undefined> {
  const path = `/dev/fd/${fd}`;
  const warn = (text: string) => options.warn(text.replace(path, file.path));
  try {
    const head = await headOfPacked(path);
    if (head !== undefined && options.known.some((place) => isHeadOf(place, head))) return undefined;
    const rest = new PackedRest(path, restOf(file, head, options), options.wake, warn);
    await rest.opened;
    return rest;
  } finally {
    closeSync(fd);
  }
}

function restOf(file: Rotated, head: Buffer | undefined, { path, continued }: PackedOptions): FilePlace {
  if (continued === undefined || head === undefined || !isHeadOf(continued, head)) return wholePlace(path, file, head);
  return { ...continued, device: file.device, inode: file.inode };
}
