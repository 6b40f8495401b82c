// One path that is followed through all its rotations. What was rotated away is read to its end before what came after it,
// and is kept open for a while, because writers go on in it until they are told.

import type { Log } from "../../core/log.ts";
import { type FilePlace, keyOfFilePlace, renderFilePlace } from "../place.ts";
import type { Piece } from "../source.ts";
import { FilesRead, findMissed, type Missed, type MissedOptions, type OpenPacked, openRest } from "./file-missed.ts";
import { identityAt, openRegular } from "./file-open.ts";
import { OpenLog } from "./open-log.ts";
import type { PackedRest } from "./packed-rest.ts";
import { resumeTail } from "./tail-resume.ts";

/** A rotated file is let go when nothing was written to it for this long. */
const quietMs = 10_000;
/** Rotated files of one path that are open; more only when a writer rotates faster than it writes. */
const rotatedMax = 8;
/** Attempts to find all rests between two renames; a rotation is over within milliseconds, a packer within seconds. */
const triesMax = 40;

export interface TailOptions {
  readonly path: string;
  /** Where to begin when nothing is remembered. */
  readonly from: "end" | "start";
  /** Places remembered for this path. */
  readonly places: readonly FilePlace[];
  readonly now: () => number;
  readonly log: Log;
  readonly wake: () => void;
}

interface RotatedLog {
  readonly file: OpenLog;
  grewAt: number;
}

export class FileTail {
  readonly #options: TailOptions;
  /** Packed rests of what was rotated while we were away, then rotated files, then the current one: the order of reading. */
  readonly #packed: PackedRest[] = [];
  readonly #rotated: RotatedLog[] = [];
  #current: OpenLog | undefined;
  readonly #read = new FilesRead();
  /** When the current file had changed last as it was opened or read to its end: an older copy holds nothing unread. */
  #endedAt = 0;
  /** Nothing was read of the current file since it was opened or truncated: another truncation since shows in nothing but the copies. */
  #isUnread = false;
  /** Places that moved without a line. */
  #moved: { readonly key: string; readonly place: FilePlace | undefined }[] = [];
  readonly #kept: string[] = [];
  #trouble: string | undefined;
  #resuming: Promise<void> | undefined;
  #closed = false;
  #skipped = 0;
  #lost = 0;

  constructor(options: TailOptions) {
    this.#options = options;
  }

  get path(): string {
    return this.#options.path;
  }

  get trouble(): string | undefined {
    return this.#trouble;
  }

  get skipped(): number {
    return (
      this.#skipped + (this.#current?.skipped ?? 0) + this.#rotated.reduce((sum, { file }) => sum + file.skipped, 0)
    );
  }

  /** Rests of files that could not be found again. */
  get lost(): number {
    return this.#lost;
  }

  /** `offset of size`. */
  get position(): string {
    const current = this.#current;
    return current === undefined ? "not there" : `${current.offset} of ${current.sizeBytes} bytes`;
  }

  /** Opens what is there and goes on at the remembered place. */
  async start(buffer: Buffer): Promise<void> {
    this.#resuming = this.#resume(buffer);
    await this.#resuming;
    this.#resuming = undefined;
  }

  async #resume(buffer: Buffer): Promise<void> {
    const { path, places, from, log, wake } = this.#options;
    let current = this.#open();
    let resumed = await resumeTail({ path, places, current, log, wake });
    for (let tries = 1; resumed === undefined && tries < triesMax; tries++) {
      await new Promise((resolve) => setTimeout(resolve, tries * 10));
      current?.close();
      current = this.#open();
      resumed = await resumeTail({ path, places, current, log, wake });
    }
    // Something renames without a pause: better to go on than to wait for ever. The places stay for another start.
    resumed ??= { packed: [], rotated: [], lost: places.length, forgotten: [] };
    this.#noteLost(resumed.lost);
    if (this.#closed) {
      current?.close();
      return;
    }
    this.#packed.push(...resumed.packed);
    for (const { place } of resumed.packed) this.#moved.push({ key: keyOfFilePlace(place), place });
    for (const file of resumed.rotated) {
      this.#rotated.push({ file, grewAt: this.#options.now() });
      this.#note(file);
    }
    for (const key of resumed.forgotten) this.#moved.push({ key, place: undefined });
    this.#begin(current);
    if (current === undefined) return;
    if (places.length === 0 && from === "end") current.goToEnd(buffer);
    this.#note(current);
  }

  /** What stands at the path from here on. */
  #begin(current: OpenLog | undefined): void {
    this.#current = current;
    this.#endedAt = current?.changedAt ?? 0;
    this.#isUnread = current?.isAlike === true;
  }

  #noteLost(files: number): void {
    this.#lost += files;
    if (files > 0) this.#options.log.warn("logs.rest-lost", { path: this.path, files });
  }

  /** Looks whether another file stands at the path; true when there may be something to take. */
  look(): boolean {
    if (this.#resuming !== undefined || this.#closed) return false;
    const there = identityAt(this.path);
    const current = this.#current;
    const isSame = current !== undefined && there?.inode === current.inode && there.device === current.device;
    if (!isSame && (there !== undefined || current === undefined)) this.#change();
    else if (!isSame && current !== undefined && !current.isLinked) this.#rotate(current, undefined);
    return true;
  }

  /** Another file has come, or the first. */
  #change(): void {
    const next = this.#open();
    if (next === undefined) return;
    if (this.#current === undefined) {
      this.#begin(next);
      this.#note(next);
      for (const key of this.#kept.splice(0)) this.#moved.push({ key, place: undefined });
    } else {
      const old = this.#current;
      this.#rotate(old, next);
      this.#addMissed(findMissed(this.#missedSince(old.changedAt)));
    }
  }

  #missedSince(since: number): MissedOptions {
    const open = [...this.#rotated.map(({ file }) => file), ...(this.#current === undefined ? [] : [this.#current])];
    return { path: this.path, since, open, read: this.#read };
  }

  #addMissed({ plain, packed }: Missed, continued?: FilePlace): void {
    for (const file of plain) {
      this.#rotated.push({ file, grewAt: this.#options.now() });
      this.#note(file);
    }
    if (packed.length > 0) void this.#addPacked(packed, continued);
  }

  async #addPacked(packed: readonly OpenPacked[], continued: FilePlace | undefined): Promise<void> {
    const { log, wake, now } = this.#options;
    for (const { file } of this.#rotated) file.learnHead();
    const known = this.#rotated.map(({ file }) => file.place(now()));
    const warn = (text: string) => log.warn("logs.archive", { text });
    for (const file of packed) {
      const rest = await openRest(file, { path: this.path, known, continued, wake, warn });
      if (rest === undefined || this.#closed) {
        rest?.close();
        continue;
      }
      this.#packed.push(rest);
      this.#moved.push({ key: keyOfFilePlace(rest.place), place: rest.place });
    }
    wake();
  }

  #open(): OpenLog | undefined {
    const opened = openRegular(this.path);
    this.#trouble = typeof opened === "object" && "trouble" in opened ? opened.trouble : undefined;
    if (opened === "missing") this.#trouble = `${this.path}: there is no such file`;
    return typeof opened === "object" && "fd" in opened ? new OpenLog(this.path, opened) : undefined;
  }

  #rotate(old: OpenLog, next: OpenLog | undefined): void {
    this.#rotated.push({ file: old, grewAt: this.#options.now() });
    this.#begin(next);
    if (next !== undefined) this.#note(next);
    if (this.#rotated.length > rotatedMax) this.#close(this.#rotated.shift());
  }

  /** Of a file that nobody writes to any more the last line is read even without LF. */
  #takeQuiet(buffer: Buffer): Piece | undefined {
    const now = this.#options.now();
    const index = this.#rotated.findIndex(({ grewAt }) => now - grewAt >= quietMs);
    const [rotated] = index < 0 ? [] : this.#rotated.splice(index, 1);
    if (rotated === undefined) return undefined;
    const last = rotated.file.readUnended(buffer);
    this.#close(rotated);
    return this.#piece(last ?? buffer.subarray(0, 0));
  }

  #close(rotated: RotatedLog | undefined): void {
    if (rotated === undefined) return;
    const { file } = rotated;
    this.#skipped += file.skipped;
    this.#read.add(file);
    // The last place of a path stays until another file comes: that one is then known to be read from its beginning.
    if (this.#current === undefined && this.#rotated.length === 0) this.#kept.push(keyOfFilePlace(file));
    else this.#moved.push({ key: keyOfFilePlace(file), place: undefined });
    file.close();
    // Files that changed before this were read: of use as long as no line of the current one was.
    if (this.#current?.offset === 0) this.#note(this.#current);
  }

  #note(file: OpenLog): void {
    this.#moved.push({ key: keyOfFilePlace(file), place: file.place(this.#options.now()) });
  }

  /** The next lines, read into `buffer`. */
  take(buffer: Buffer): Piece | undefined {
    if (this.#resuming !== undefined || this.#closed) return undefined;
    const packed = this.#packed[0];
    if (packed !== undefined) return this.#takePacked(packed);
    for (const rotated of this.#rotated) {
      const piece = this.#takeFrom(rotated.file, buffer);
      if (piece === undefined) continue;
      rotated.grewAt = this.#options.now();
      return piece;
    }
    const piece =
      (this.#current === undefined ? undefined : this.#takeFrom(this.#current, buffer)) ?? this.#takeQuiet(buffer);
    return piece ?? (this.#moved.length > 0 ? this.#piece(buffer.subarray(0, 0)) : undefined);
  }

  #takeFrom(file: OpenLog, buffer: Buffer): Piece | undefined {
    if (file === this.#current && this.#isUnread && file.sizeBytes > file.offset) {
      file.learnHead();
      if (this.#hasMissed(file, false)) return this.#piece(buffer.subarray(0, 0));
    }
    const read = file.read(buffer);
    if (read === "end") {
      if (file === this.#current) this.#endedAt = file.changedAt;
      return undefined;
    }
    if (read === "replaced") {
      this.#truncated(file);
      return this.#piece(buffer.subarray(0, 0));
    }
    if (read !== "more") this.#note(file);
    return this.#piece(read === "more" ? buffer.subarray(0, 0) : read);
  }

  /** Truncated, as copytruncate does: what we had not read of it stands in the copy. Both places move in one commit. */
  #truncated(file: OpenLog): void {
    if (file === this.#current) this.#hasMissed(file, true);
    file.startOver();
    if (file === this.#current) this.#isUnread = file.isAlike;
    this.#note(file);
  }

  /**
   * Adds the copies that were made since this file was at its end; true when there were some. Of a file just truncated one
   * copy goes on where it was read to. Of one that was not read yet a copy may be just that.
   */
  #hasMissed(file: OpenLog, isTruncated: boolean): boolean {
    const { plain, packed } = findMissed(this.#missedSince(this.#endedAt));
    const first = isTruncated ? plain.findIndex((copy) => copy.resumeFrom(file)) : -1;
    const missed = plain.filter((copy, index) => index >= first && (isTruncated || !copy.hasHeadOf(file)));
    for (const copy of plain.filter((one) => !missed.includes(one))) {
      this.#read.add(copy);
      copy.close();
    }
    this.#addMissed({ plain: missed, packed }, file.place(this.#options.now()));
    this.#isUnread = false;
    return missed.length > 0;
  }

  #takePacked(packed: PackedRest): Piece | undefined {
    const piece = packed.take();
    const key = keyOfFilePlace(packed.place);
    if (piece !== undefined) {
      const place = { ...packed.place, offset: piece.offset, at: this.#options.now() };
      this.#moved.push({ key, place });
      return this.#piece(piece.bytes);
    }
    if (!packed.isDone) return undefined;
    this.#packed.shift();
    this.#moved.push({ key, place: undefined });
    return this.#piece(Buffer.alloc(0));
  }

  #piece(bytes: Buffer): Piece {
    const places = this.#moved.map(({ key, place }) => ({
      source: "file",
      key,
      body: place === undefined ? undefined : renderFilePlace(place),
    }));
    this.#moved = [];
    return { bytes, stream: this.path, places };
  }

  close(): void {
    this.#closed = true;
    for (const packed of this.#packed) packed.close();
    for (const { file } of this.#rotated) file.close();
    this.#current?.close();
    this.#current = undefined;
    this.#rotated.length = 0;
  }
}
