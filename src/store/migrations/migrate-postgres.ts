// Brings a PostgreSQL schema to this version: all steps in one transaction, one node at a time. PostgreSQL's DDL is part of the
// transaction: a step that fails, or a node that is killed, leaves the store as it was, rows and schema.

import type { Client } from "pg";
import { Problem } from "../../core/problem.ts";
import type { Migration } from "./migration.ts";
import { refuseNewer } from "./newer-store.ts";

/** Any number, the same for every version: two nodes that start at once migrate one after the other. */
const migrationLock = 1_886_353_266;

/** For another node's migration, and for the locks of nodes that run. */
const lockWaitMsDefault = 60_000;

/** A node that is gone without closing its connection holds the lock so long, once its statement has ended. */
const idleMsMax = 60_000;

export interface MigratePostgresOptions {
  readonly migrations: readonly Migration[];
  /** ms since the epoch: the stamp of rows. */
  readonly now: number;
  readonly where: string;
  readonly lockWaitMs?: number;
}

/**
 * Applies what is missing and returns the versions applied; throws and changes nothing when a step fails.
 * A store of a newer version is a Problem `store/newer`, and not touched; so is a database of something else (`store/unusable`).
 */
export async function migratePostgres(client: Client, options: MigratePostgresOptions): Promise<readonly number[]> {
  await client.query("begin");
  try {
    await client.query(`set local lock_timeout = ${options.lockWaitMs ?? lockWaitMsDefault}`);
    await client.query(`set local idle_in_transaction_session_timeout = ${idleMsMax}`);
    await client.query("select pg_advisory_xact_lock($1)", [migrationLock]);
    const applied = await applyMissing(client, options);
    await client.query("commit");
    return applied;
  } catch (error) {
    // A connection that is lost has no transaction any more.
    await client.query("rollback").catch(() => undefined);
    throw isLockTimeout(error) ? lockedProblem(options.where) : error;
  }
}

async function applyMissing(
  client: Client,
  { migrations, now, where }: MigratePostgresOptions,
): Promise<readonly number[]> {
  const current = await readVersion(client, where);
  refuseNewer({
    version: current,
    latest: migrations.at(-1)?.version ?? 0,
    where,
    hint: "install the newer version again, on every node that shares the store",
  });
  const missing = migrations.filter(({ version }) => version > current);
  for (const { version, name, postgres } of missing) {
    await client.query(postgres);
    const row = [version, name, now];
    await client.query("insert into migrations (version, name, applied_at) values ($1, $2, $3)", row);
  }
  return missing.map(({ version }) => version);
}

/** SQLSTATE lock_not_available. */
function isLockTimeout(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "55P03";
}

function lockedProblem(where: string): Problem {
  return new Problem(
    "The tables are held by another node or program, and the store cannot be brought to this version",
    {
      code: "store/locked",
      where,
      hint: "select * from pg_locks join pg_stat_activity using (pid) where not granted or mode like '%Exclusive%'",
    },
  );
}

async function readVersion(client: Client, where: string): Promise<number> {
  const { rows } = await client.query<{ ours: boolean; cells: boolean }>(
    "select to_regclass('migrations') is not null as ours, to_regclass('cells') is not null as cells",
  );
  if (rows[0]?.ours === true) {
    const found = await client.query<{ version: number }>(
      "select coalesce(max(version), 0) as version from migrations",
    );
    return found.rows[0]?.version ?? 0;
  }
  if (rows[0]?.cells === true) {
    throw new Problem("The database holds tables of something else", {
      code: "store/unusable",
      where,
      hint: "give Postvarta a database, or a schema, of its own",
    });
  }
  await client.query(
    "create table migrations (version integer primary key, name text not null, applied_at bigint not null)",
  );
  return 0;
}
