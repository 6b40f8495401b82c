// What came and was rotated away between two looks: where no event tells of a rotation, several can lie between them.

import type { FilePlace } from "../place.ts";
import { identityAt, openRegular } from "./file-open.ts";
import { findRotated, type Rotated } from "./file-rotated.ts";
import { OpenLog } from "./open-log.ts";
import { headOfPacked, isHeadOf, PackedRest, wholePlace } from "./packed-rest.ts";

/** Listings while files are being renamed under them; a rotation is over within milliseconds. */
const triesMax = 5;
/** Files that were read and let go, by which their names are known again. */
const doneMax = 64;
/** A packed one is opened within milliseconds as well, but not by a machine that is busy. */
const packedTriesMax = 20;
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

export interface Missed {
  /** Oldest first, each at its first byte. */
  readonly plain: readonly OpenLog[];
  readonly packed: readonly Rotated[];
}

/** Rotated files of a path that nobody has read. */
export function findMissed(options: MissedOptions): Missed {
  for (let tries = 1; ; tries++) {
    const { missed, isWhole } = lookOnce(options);
    if (isWhole || tries === triesMax) return missed;
    for (const file of missed.plain) file.close();
  }
}

function lookOnce({ path, since, open, read }: MissedOptions): { readonly missed: Missed; readonly isWhole: boolean } {
  const isOpen = (file: Rotated) => open.some(({ inode, device }) => file.inode === inode && file.device === device);
  const unread = findRotated(path).filter((file) => !isOpen(file) && !read.has(file));
  const plain: OpenLog[] = [];
  let isWhole = true;
  for (const file of unread.filter(({ isPacked, changedAt }) => !isPacked && changedAt >= since)) {
    const opened = openRegular(file.path);
    if (typeof opened !== "object" || !("fd" in opened)) {
      isWhole &&= opened !== "missing";
      continue;
    }
    const log = new OpenLog(path, opened);
    isWhole &&= log.inode === file.inode && log.device === file.device;
    log.startOver();
    plain.push(log);
  }
  const packed = unread.filter(({ isPacked, changedAt }) => isPacked && changedAt >= since - packedSlackMs);
  // Once is enough: they are opened in the background.
  if (isWhole) for (const file of packed) read.add(file);
  return { missed: { plain, packed }, isWhole };
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

/** The rest that is a packed file, from its first byte or from where it was read to; `known` when it is a copy, `gone` when it is not to be had any more. */
export async function openPacked(file: Rotated, options: PackedOptions): Promise<PackedRest | "known" | "gone"> {
  const { path, known, wake, warn } = options;
  for (let tries = 0; tries < packedTriesMax; tries++) {
    const there = findRotated(path).find(({ inode, device }) => inode === file.inode && device === file.device);
    if (there === undefined) return "gone";
    const head = await headOfPacked(there.path);
    const rest = new PackedRest(there.path, restOf(there, head, options), wake, warn);
    const isOpen = await rest.opened;
    const at = identityAt(there.path);
    // It may have been renamed meanwhile, and another one opened that stands in its place.
    const isStill = at?.inode === file.inode && at.device === file.device;
    const isKnown = head !== undefined && known.some((place) => isHeadOf(place, head));
    if (isOpen && isStill && !isKnown) return rest;
    rest.close();
    if (isStill) return isKnown ? "known" : "gone";
  }
  return "gone";
}

function restOf(file: Rotated, head: Buffer | undefined, { path, continued }: PackedOptions): FilePlace {
  if (continued === undefined || head === undefined || !isHeadOf(continued, head)) return wholePlace(path, file, head);
  return { ...continued, device: file.device, inode: file.inode };
}
