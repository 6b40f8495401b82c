// Brings a store's schema to this version: backup first, then one transaction a step. The caller holds the store's lock.

import { closeSync, existsSync, fsyncSync, openSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { Problem } from "../../core/problem.ts";
import type { Migration } from "./migration.ts";
import { refuseNewer } from "./newer-store.ts";

/** Backups kept beside the database: enough to go back over a bad week of upgrades. */
const backupsMax = 3;

export interface MigrateOptions {
  readonly migrations: readonly Migration[];
  /** ms since the epoch: the stamp of rows and backups. */
  readonly now: number;
  /** The database's file; undefined in memory, where nothing is backed up. */
  readonly path: string | undefined;
}

/**
 * Applies what is missing and returns the versions applied.
 * A store of a newer version is a Problem `store/newer`, a database that is not a store `store/unusable`; neither is touched.
 */
export function migrate(db: DatabaseSync, options: MigrateOptions): readonly number[] {
  const current = readVersion(db, options.path);
  const latest = options.migrations.at(-1)?.version ?? 0;
  refuseNewer({
    version: current,
    latest,
    where: options.path,
    hint: "install the newer version again, or put back the backup that it made beside the database",
  });
  const missing = options.migrations.filter((migration) => migration.version > current);
  if (missing.length === 0) return [];
  if (current > 0 && options.path !== undefined) backUp(db, options.path, current, options.now);
  for (const migration of missing) applyOne(db, migration, options.now);
  return missing.map((migration) => migration.version);
}

function readVersion(db: DatabaseSync, path: string | undefined): number {
  const tables = db.prepare("select name from sqlite_schema where type = 'table'").all();
  if (tables.length === 0) return 0;
  if (!tables.some((table) => table["name"] === "migrations")) {
    throw new Problem("The file is an SQLite database of something else", {
      code: "store/unusable",
      where: path,
      hint: "name a file of its own in [store] url",
    });
  }
  return Number(db.prepare("select coalesce(max(version), 0) as version from migrations").get()?.["version"]);
}

function applyOne(db: DatabaseSync, migration: Migration, now: number): void {
  db.exec("begin immediate");
  try {
    db.exec(
      "create table if not exists migrations (version integer primary key, name text not null, applied_at integer not null) strict",
    );
    migration.up(db);
    db.prepare("insert into migrations (version, name, applied_at) values (?, ?, ?)").run(
      migration.version,
      migration.name,
      now,
    );
    db.exec("commit");
  } catch (error) {
    if (db.isTransaction) db.exec("rollback");
    throw error;
  }
}

/** A whole copy under a name that sorts by time; a copy cut short keeps its `.part` name and is removed by the next. */
function backUp(db: DatabaseSync, path: string, version: number, now: number): void {
  const stamp = new Date(now).toISOString().replace(/[-:]|\.\d+/g, "");
  const target = `${path}.backup-${stamp}-v${version}`;
  const part = `${target}.part`;
  for (const name of listBackups(path, /\.part(-journal)?$/)) rmSync(name);
  // Made by us and empty, so that the copy has the database's mode and not the umask's.
  const file = openSync(part, "wx", 0o600);
  try {
    db.prepare("vacuum into ?").run(part);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(part, target);
  for (const name of listBackups(path, /-v\d+$/).slice(0, -backupsMax)) rmSync(name);
}

function listBackups(path: string, ending: RegExp): string[] {
  const folder = dirname(path);
  if (!existsSync(folder)) return [];
  const start = `${basename(path)}.backup-`;
  const names = readdirSync(folder).filter((name) => name.startsWith(start) && ending.test(name));
  return names.sort().map((name) => join(folder, name));
}
