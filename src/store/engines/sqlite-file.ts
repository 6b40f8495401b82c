// The database's file: who may read it, who holds it, and how its connections are set up.

import {
  chmodSync,
  closeSync,
  existsSync,
  fdatasyncSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  statfsSync,
  writevSync,
} from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Problem } from "../../core/problem.ts";

/** Longer than any of our own transactions; another program's lock beyond that is an error. */
const busyTimeoutMs = 5_000;

/** After a burst the log's file shrinks back to this when it starts over. */
const walSizeMaxBytes = 64 * 1024 * 1024;

/** What a log is grown to: what comes between two checkpoints under load, and the commits that come during one. */
const logBytes = 16 * 1024 * 1024;

/** One part of the log's growth: a few milliseconds of a disk. */
const logBlockBytes = 64 * 1024;
const blocksPerPart = 8;

/** A disk with less free space than so many logs keeps it for what has to be kept. */
const logsFreeMin = 16;

/** Creates what is missing (directory 0700, file 0600; -wal and -shm take the file's mode). A path that cannot be used is `store/unusable`. */
export function prepareFile(path: string): void {
  try {
    if (!existsSync(dirname(path))) mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    closeSync(openSync(path, "a", 0o600));
  } catch (error) {
    throw unusable(path, error);
  }
}

/**
 * Takes `PATH.lock` for this process, or throws `store/locked` at once. The lock is an exclusive SQLite transaction on a file that stays
 * empty: the system drops it with the process, however that ends. Close the result to let go.
 */
export function takeLock(path: string): DatabaseSync {
  const lockPath = `${path}.lock`;
  const db = new DatabaseSync(lockPath, { timeout: 0 });
  try {
    // No journal: a full disk would refuse it, and nothing is ever written here.
    db.exec("pragma journal_mode = memory; begin exclusive");
    chmodSync(lockPath, 0o600);
    return db;
  } catch (error) {
    db.close();
    if (!isBusy(error)) throw unusable(lockPath, error);
    throw new Problem("Another Postvarta uses this store", {
      code: "store/locked",
      where: path,
      hint: "stop the other copy, or give this one a store of its own in [store] url",
    });
  }
}

/** A connection with our settings: WAL, every commit synced, foreign keys, checkpoints only when asked for. */
export function openDatabase(path: string): DatabaseSync {
  try {
    const db = new DatabaseSync(path, { timeout: busyTimeoutMs, enableForeignKeyConstraints: true });
    db.exec(
      `pragma journal_mode = wal; pragma synchronous = full; pragma wal_autocheckpoint = 0; pragma journal_size_limit = ${walSizeMaxBytes}`,
    );
    return db;
  } catch (error) {
    throw unusable(path, error);
  }
}

/**
 * Adds noughts to the log of `db`, a part of its usual size at each call; false when it is as large as it should be, or there is no room. A
 * sync of a file that grows has to write its new size and blocks too, which costs a commit three times as much as one that overwrites, and
 * SQLite by itself overwrites only after the first checkpoint. A log ends where its checksums end: what stands behind is nothing.
 */
export function growLog(db: DatabaseSync, path: string): boolean {
  const file = openSync(logPath(path), "r+");
  try {
    // Whoever writes besides, by hand, would write where we do.
    db.exec("begin immediate");
    const { size } = fstatSync(file);
    if (size >= logBytes || !hasRoomForLog(path)) return false;
    const blocks = new Array<Buffer>(blocksPerPart).fill(Buffer.alloc(logBlockBytes));
    if (writevSync(file, blocks, size) === blocksPerPart * logBlockBytes) return true;
    ftruncateSync(file, size);
    return false;
  } finally {
    if (db.isTransaction) db.exec("rollback");
    closeSync(file);
  }
}

/** Brings what growLog wrote to the disk, beside the commits: they wait for this part at most. */
export function syncLog(path: string): void {
  const file = openSync(logPath(path), "r+");
  try {
    fdatasyncSync(file);
  } finally {
    closeSync(file);
  }
}

function logPath(path: string): string {
  return `${path}-wal`;
}

function hasRoomForLog(path: string): boolean {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize >= logsFreeMin * logBytes;
}

function unusable(path: string, error: unknown): Problem {
  const reason = error instanceof Error ? error.message : String(error);
  return new Problem(`The store cannot be opened (${reason})`, {
    code: "store/unusable",
    where: path,
    hint: "the directory must be writable for Postvarta and the file an SQLite database",
  });
}

/** SQLITE_BUSY (5) and SQLITE_LOCKED (6), with their extended codes in the upper bits. */
function isBusy(error: unknown): boolean {
  const code = error instanceof Error && "errcode" in error ? Number(error.errcode) & 0xff : 0;
  return code === 5 || code === 6;
}
