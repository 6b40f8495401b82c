// Going on after a stop: finds the files that places were in, under whatever name they have by now, and what was rotated
// since and never read.

import type { Log } from "../../core/log.ts";
import { type FilePlace, hashHead, headOf, keyOfFilePlace } from "../place.ts";
import { openRegular } from "./file-open.ts";
import { findRotated, type Rotated } from "./file-rotated.ts";
import { OpenLog } from "./open-log.ts";
import { headOfPacked, isPackedCopy, PackedRest } from "./packed-rest.ts";

export interface ResumeOptions {
  readonly path: string;
  readonly places: readonly FilePlace[];
  /** What stands at the path; its place is set here. */
  readonly current: OpenLog | undefined;
  readonly log: Log;
  readonly wake: () => void;
}

export interface Resumed {
  readonly packed: readonly PackedRest[];
  readonly rotated: readonly OpenLog[];
  /** Places whose files are gone, with what was not read of them. */
  readonly lost: number;
  /** Keys of places that say nothing any more. */
  readonly forgotten: readonly string[];
}

/** Sets the current file to its place and opens the rests of earlier ones, oldest first. */
export async function resumeTail(options: ResumeOptions): Promise<Resumed> {
  const { places, current } = options;
  if (places.length === 0) return { packed: [], rotated: [], lost: 0, forgotten: [] };
  const siblings = findRotated(options.path);
  const left = places.filter(
    (place) => !(current !== undefined && isOf(place, current, siblings) && current.resume(place)),
  );
  const found = new Map<Rotated, FilePlace>();
  let lost = 0;
  for (const place of left) {
    const file = await findFile(place, siblings);
    if (file !== undefined) found.set(file, place);
    else if (place.headLength > 0) lost++;
  }
  if (lost > 0) options.log.warn("logs.rest-lost", { path: options.path, files: lost });
  // The current file was read before: everything that was rotated is older than what is known of it.
  const isCurrentKnown = left.length < places.length;
  const since = isCurrentKnown ? Number.POSITIVE_INFINITY : sinceOf(found, left);
  const unread = siblings.filter(
    (file) => found.has(file) || (file.changedAt > since && !isCurrentFile(file, current)),
  );
  const rests = await open(unread, found, options);
  const kept = [
    ...rests.rotated,
    ...rests.packed.map(({ place }) => place),
    ...(current === undefined ? [] : [current]),
  ];
  const keys = new Set(kept.map(keyOfFilePlace));
  return { ...rests, lost, forgotten: places.map(keyOfFilePlace).filter((key) => !keys.has(key)) };
}

function isCurrentFile(file: Rotated, current: OpenLog | undefined): boolean {
  return current !== undefined && file.inode === current.inode && file.device === current.device;
}

/** The current file is the place's own, or a copy of it in a folder that was put back; not when the original was rotated. */
function isOf(place: FilePlace, current: OpenLog, siblings: readonly Rotated[]): boolean {
  if (place.inode === current.inode && place.device === current.device) return true;
  return !siblings.some(({ inode, device }) => inode === place.inode && device === place.device);
}

/** Rotated files that changed after this were written while we were away. */
function sinceOf(found: ReadonlyMap<Rotated, FilePlace>, left: readonly FilePlace[]): number {
  const times = found.size > 0 ? [...found.keys()].map((file) => file.changedAt) : left.map((place) => place.at);
  return Math.max(...times);
}

/** By its numbers first, then by its beginning, then among the packed ones. */
async function findFile(place: FilePlace, siblings: readonly Rotated[]): Promise<Rotated | undefined> {
  const plain = siblings.filter(({ isPacked, sizeBytes }) => !isPacked && sizeBytes >= place.offset);
  const own = plain.find(({ inode, device }) => inode === place.inode && device === place.device);
  for (const file of own === undefined ? plain : [own, ...plain]) if (isCopy(file, place)) return file;
  for (const file of siblings.filter(({ isPacked }) => isPacked).reverse()) {
    if (await isPackedCopy(file.path, place)) return file;
  }
  return undefined;
}

function isCopy(file: Rotated, place: FilePlace): boolean {
  const opened = openRegular(file.path);
  if (typeof opened !== "object" || !("fd" in opened)) return false;
  const log = new OpenLog(place.path, opened);
  const is = log.resume(place);
  log.close();
  return is;
}

async function open(
  unread: readonly Rotated[],
  found: ReadonlyMap<Rotated, FilePlace>,
  { path, log, wake }: ResumeOptions,
): Promise<Pick<Resumed, "packed" | "rotated">> {
  const packed: PackedRest[] = [];
  const rotated: OpenLog[] = [];
  for (const file of unread) {
    const known = found.get(file);
    if (file.isPacked) {
      const place = known === undefined ? await wholePlace(path, file) : { ...known, ...identityOf(file) };
      packed.push(new PackedRest(file.path, place, wake, (text) => log.warn("logs.archive", { text })));
      continue;
    }
    const opened = openRegular(file.path);
    if (typeof opened !== "object" || !("fd" in opened)) continue;
    const rest = new OpenLog(path, opened);
    if (known === undefined || !rest.resume(known)) rest.startOver();
    rotated.push(rest);
  }
  return { packed, rotated };
}

function identityOf({ device, inode }: Rotated): Pick<FilePlace, "device" | "inode"> {
  return { device, inode };
}

async function wholePlace(path: string, file: Rotated): Promise<FilePlace> {
  const head = headOf((await headOfPacked(file.path)) ?? Buffer.alloc(0));
  const known = head === undefined ? { head: "", headLength: 0 } : { head: hashHead(head), headLength: head.length };
  return { path, ...identityOf(file), offset: 0, ...known, at: file.changedAt };
}
