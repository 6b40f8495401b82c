// Going on after a stop: finds the files that places were in, under whatever name they have by now, and what was rotated
// since and never read.

import type { Log } from "../../core/log.ts";
import { type FilePlace, keyOfFilePlace } from "../place.ts";
import { identityAt, openRegular } from "./file-open.ts";
import { findRotated, type Rotated } from "./file-rotated.ts";
import { OpenLog } from "./open-log.ts";
import { headOfPacked, isPackedCopy, PackedRest, wholePlace } from "./packed-rest.ts";

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

/**
 * Sets the current file to its place and opens the rests of earlier ones, oldest first. Undefined when files were renamed,
 * packed or removed meanwhile: what was found is then not the whole, and it is to be tried again.
 */
export async function resumeTail(options: ResumeOptions): Promise<Resumed | undefined> {
  const { path, places, current } = options;
  if (places.length === 0) return { packed: [], rotated: [], lost: 0, forgotten: [] };
  const siblings = findRotated(path);
  const isIn = (place: FilePlace) => current !== undefined && isOf(place, current, siblings) && current.resume(place);
  const matched = places.filter(isIn);
  const left = places.filter((place) => !matched.includes(place));
  const found = new Map<Rotated, FilePlace>();
  for (const place of left) {
    const file = await findFile(place, siblings);
    if (file !== undefined) found.set(file, place);
  }
  const since = sinceOf(matched, found, left);
  const unread = siblings.filter(
    (file) => found.has(file) || (file.changedAt > since && !isCurrentFile(file, current)),
  );
  const rests = await open(unread, found, options);
  if (!rests.isWhole || !isSameListing(siblings, findRotated(path)) || !isStill(path, current)) {
    for (const rest of [...rests.rotated, ...rests.packed]) rest.close();
    return undefined;
  }
  const lost = left.filter((place) => place.headLength > 0 && ![...found.values()].includes(place)).length;
  const kept = [
    ...rests.rotated,
    ...rests.packed.map(({ place }) => place),
    ...(current === undefined ? [] : [current]),
  ];
  const keys = new Set(kept.map(keyOfFilePlace));
  return { ...rests, lost, forgotten: places.map(keyOfFilePlace).filter((key) => !keys.has(key)) };
}

function isSameListing(before: readonly Rotated[], after: readonly Rotated[]): boolean {
  const named = (files: readonly Rotated[]) =>
    files
      .map(({ path, inode }) => `${path} ${inode}`)
      .sort()
      .join("\n");
  return named(before) === named(after);
}

function isStill(path: string, current: OpenLog | undefined): boolean {
  if (current === undefined) return true;
  const there = identityAt(path);
  return there?.inode === current.inode && there.device === current.device;
}

function isCurrentFile(file: Rotated, current: OpenLog | undefined): boolean {
  return current !== undefined && file.inode === current.inode && file.device === current.device;
}

/** The current file is the place's own, or a copy of it in a folder that was put back; not when the original was rotated. */
function isOf(place: FilePlace, current: OpenLog, siblings: readonly Rotated[]): boolean {
  if (place.inode === current.inode && place.device === current.device) return true;
  return !siblings.some(({ inode, device }) => inode === place.inode && device === place.device);
}

/**
 * Rotated files that changed after this were written while we were away. When a line of the current file was read, there are
 * none: all of them are older. A place before the first line says only when the file was empty.
 */
function sinceOf(
  matched: readonly FilePlace[],
  found: ReadonlyMap<Rotated, FilePlace>,
  left: readonly FilePlace[],
): number {
  if (matched.some(({ headLength }) => headLength > 0)) return Number.POSITIVE_INFINITY;
  const times = [...matched.map(({ at }) => at), ...[...found.keys()].map(({ changedAt }) => changedAt)];
  return Math.max(...(times.length > 0 ? times : left.map(({ at }) => at)));
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
): Promise<Pick<Resumed, "packed" | "rotated"> & { readonly isWhole: boolean }> {
  const packed: PackedRest[] = [];
  const rotated: OpenLog[] = [];
  let isWhole = true;
  for (const file of unread) {
    const known = found.get(file);
    if (file.isPacked) {
      const place =
        known === undefined
          ? wholePlace(path, file, await headOfPacked(file.path))
          : { ...known, device: file.device, inode: file.inode };
      packed.push(new PackedRest(file.path, place, wake, (text) => log.warn("logs.archive", { text })));
      continue;
    }
    const opened = openRegular(file.path);
    if (typeof opened !== "object" || !("fd" in opened)) {
      isWhole &&= opened !== "missing";
      continue;
    }
    const rest = new OpenLog(path, opened);
    isWhole &&= rest.inode === file.inode && rest.device === file.device;
    if (known === undefined || !rest.resume(known)) rest.startOver();
    rotated.push(rest);
  }
  for (const { opened } of packed) isWhole &&= await opened;
  return { packed, rotated, isWhole };
}
