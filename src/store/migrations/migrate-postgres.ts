// Brings a PostgreSQL schema to this version: all steps in one transaction, one node at a time.

import type { Client } from "pg";
import { Problem } from "../../core/problem.ts";
import { migrations } from "./index.ts";
import { refuseNewer } from "./newer-store.ts";

/** Any number, the same for every version: two nodes that start at once migrate one after the other. */
const migrationLock = 1_886_353_266;

/** Applies what is missing. A store of a newer version is a Problem `store/newer`, and not touched; so is a database of something else. */
export async function migratePostgres(
  client: Client,
  options: { readonly now: number; readonly where: string },
): Promise<void> {
  await client.query("begin");
  await client.query("select pg_advisory_xact_lock($1)", [migrationLock]);
  const current = await readVersion(client, options.where);
  const latest = migrations.at(-1)?.version ?? 0;
  refuseNewer({
    version: current,
    latest,
    where: options.where,
    hint: "install the newer version again, on every node that shares the store",
  });
  for (const { version, name, postgres } of migrations) {
    if (version <= current) continue;
    await client.query(postgres);
    const row = [version, name, options.now];
    await client.query("insert into migrations (version, name, applied_at) values ($1, $2, $3)", row);
  }
  await client.query("commit");
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
