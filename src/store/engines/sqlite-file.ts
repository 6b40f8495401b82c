// The database's file: who may read it, who holds it, and how its connections are set up.

import { chmodSync, closeSync, existsSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Problem } from "../../core/problem.ts";

/** Longer than any of our own transactions; another program's lock beyond that is an error. */
const busyTimeoutMs = 5_000;

/** After a burst the log's file shrinks back to this when it starts over. */
const walSizeMaxBytes = 64 * 1024 * 1024;

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
