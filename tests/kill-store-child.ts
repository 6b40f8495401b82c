// A process to be killed: it counts as fast as it can and prints each count once it was told that it is on disk.
// Arguments: `charge PATH`, `migrate PATH`, or `migrate postgres://…`.

import { writeSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { sql } from "kysely";
import pg from "pg";
import { steadyClock } from "../src/core/clock.ts";
import type { CellView, Store } from "../src/store/db.ts";
import { migrations } from "../src/store/migrations/index.ts";
import { migrate } from "../src/store/migrations/migrate.ts";
import { migratePostgres } from "../src/store/migrations/migrate-postgres.ts";
import type { Migration } from "../src/store/migrations/migration.ts";
import { openStore } from "../src/store/open.ts";

const counters = Array.from({ length: 12 }, (_, i) => `counter-${i}`);
const say = (line: string) => writeSync(1, `${line}\n`);

async function charge(path: string): Promise<void> {
  await using store = await openStore(`sqlite:${path}`, { clock: steadyClock() });
  await sayWhatIsThere(store);
  say("ready");
  // Two callers a counter, so that one of them is always gathering while the other is on its way to the disk.
  await Promise.all([...counters, ...counters].map((key) => count(store, key)));
}

/** The cell, the message and the decision of one counter are always written together, so they must say the same. */
async function sayWhatIsThere(store: Store): Promise<void> {
  const integrity = await sql<{ integrity_check: string }>`pragma integrity_check`.execute(store.facts);
  say(`integrity ${integrity.rows.map((row) => row.integrity_check).join(" ")}`);
  const messages = new Map((await store.cells.openMessages()).map((message) => [message.id, message.body]));
  for (const key of counters) {
    const decision = await store.facts.selectFrom("decisions").select("count").where("id", "=", key).executeTakeFirst();
    const cell = await store.cells.peek(key);
    say(`there ${key} ${cell?.[0] ?? 0} ${messages.get(key) ?? 0} ${decision?.count ?? 0}`);
  }
}

async function count(store: Store, key: string): Promise<never> {
  for (;;) {
    const { result, recorded } = await store.cells.charge([key], (view) => countOne(view, key));
    if (recorded) say(`done ${key} ${result}`);
  }
}

function countOne(view: CellView, key: string): number {
  const used = (view.get(key)?.[0] ?? 0) + 1;
  const now = Date.now();
  view.put(key, [used], now + 86_400_000);
  view.saveMessage({ id: key, openedAt: now, body: String(used) });
  const names = {
    account: "",
    sender: "",
    recipient: "",
    client: "",
    queueId: "",
    instance: "",
    rule: "",
    verdict: "",
    text: "",
    trail: "",
  };
  view.saveDecision({ id: key, at: now, lastAt: now, count: used, key, ...names });
  return used;
}

/** Two versions after ours that take a while. */
function slowMigrations(): Migration[] {
  const slow = (version: number): Migration => ({
    version,
    name: `slow ${version}`,
    postgres: `create table slow_${version} (n integer);
      select pg_sleep(0.02);
      insert into slow_${version} select generate_series(1, 20000);
      update meta set value = value || '.' where key = 'steps';`,
    up: (db) => {
      db.exec(`create table slow_${version} (n integer) strict`);
      const insert = db.prepare(`insert into slow_${version} values (?)`);
      for (let n = 0; n < 20_000; n++) insert.run(n);
    },
  });
  return [...migrations, slow(migrations.length + 1), slow(migrations.length + 2)];
}

function migrateFile(path: string): void {
  const db = new DatabaseSync(path);
  db.exec("pragma journal_mode = wal");
  say("ready");
  migrate(db, { migrations: slowMigrations(), now: Date.now(), path });
  say("migrated");
}

async function migrateServer(url: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  say("ready");
  await migratePostgres(client, { migrations: slowMigrations(), now: Date.now(), where: url });
  say("migrated");
  await client.end();
}

const [what, path = ""] = process.argv.slice(2);
if (what === "charge") await charge(path);
else if (path.startsWith("postgres:")) await migrateServer(path);
else migrateFile(path);
