import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import type pg from "pg";
import { runAndKill } from "../../../tests/killed-child.ts";
import { needs } from "../../../tests/needs.ts";
import { PostgresRig } from "../../../tests/postgres-rig.ts";
import { migrations } from "./index.ts";
import { migratePostgres } from "./migrate-postgres.ts";
import type { Migration } from "./migration.ts";

const rounds = process.env["POSTVARTA_FULL"] === "1" ? 40 : 6;
const latest = migrations.length;
const options = { migrations, now: 1, where: "postgres://test" };

function step(version: number, postgres: string): Migration {
  return { version, name: `step ${version}`, postgres, up: () => undefined };
}

describe("a PostgreSQL store of another version", { skip: needs("postgres"), timeout: 300_000 }, () => {
  let rig: PostgresRig;
  before(async () => {
    rig = await PostgresRig.start();
  });
  after(async () => {
    await rig?.[Symbol.asyncDispose]();
  });

  /** A store of this version with a row in it. */
  async function makeStore(): Promise<{ readonly url: string; readonly client: pg.Client }> {
    const url = await rig.createDatabase();
    const client = await rig.connect();
    assert.deepEqual(
      await migratePostgres(client, options),
      migrations.map(({ version }) => version),
    );
    await client.query("insert into meta (key, value) values ('steps', '')");
    return { url, client };
  }

  test("is left as it was by a step that fails, whatever the steps before it did", async () => {
    const { client } = await makeStore();
    const was = await everything(client);
    const steps = [
      step(latest + 1, "create table half (n integer); alter table meta add column more integer; delete from meta"),
      step(latest + 2, "create table half (n integer)"),
    ];
    await assert.rejects(migratePostgres(client, { ...options, migrations: [...migrations, ...steps] }), /half/);
    assert.deepEqual(await everything(client), was);
    const mended = [...migrations, step(latest + 1, "create table whole (n integer)")];
    assert.deepEqual(await migratePostgres(client, { ...options, migrations: mended }), [latest + 1]);
    assert.deepEqual(await migratePostgres(client, { ...options, migrations: mended }), []);
    await client.end();
  });

  test(`is whole after each of ${rounds} kills inside a migration, and the next start goes on`, async () => {
    const { url, client } = await makeStore();
    for (let i = 0; i < rounds; i++) {
      const { lines } = await runAndKill("migrate", url, Math.random() * 60, false);
      // The server may be at the killed node's last statement still.
      await untilAlone(client);
      const version = await versionOf(client);
      assert.ok(version === latest || version === latest + 2, "all steps or none");
      assert.ok(!lines.includes("migrated") || version === latest + 2);
      const { rows } = await client.query("select value from meta where key = 'steps'");
      assert.deepEqual(rows, [{ value: version === latest ? "" : ".." }]);
    }
    await runAndKill("migrate", url, 60_000, false);
    assert.equal(await versionOf(client), latest + 2);
    const { rows } = await client.query(`select count(*)::integer as n from slow_${latest + 2}`);
    assert.deepEqual(rows, [{ n: 20_000 }]);
    await client.end();
  });

  test("is migrated once by two nodes that start at the same time", async () => {
    const { client } = await makeStore();
    const other = await rig.connect();
    const slow = [...migrations, step(latest + 1, "select pg_sleep(0.2); create table once (n integer)")];
    const applied = await Promise.all(
      [client, other].map((node) => migratePostgres(node, { ...options, migrations: slow })),
    );
    assert.deepEqual(applied.flat(), [latest + 1]);
    await client.end();
    await other.end();
  });

  test("is refused, and not touched, by a program that is older than it", async () => {
    const { client } = await makeStore();
    const next = [...migrations, step(latest + 1, "create table newer (n integer)")];
    await migratePostgres(client, { ...options, migrations: next });
    const was = await everything(client);
    await assert.rejects(migratePostgres(client, options), { code: "store/newer" });
    assert.deepEqual(await everything(client), was);
    await client.end();
  });

  test("is not waited for without end: somebody holds the tables", async () => {
    const { client } = await makeStore();
    const holder = await rig.connect();
    await holder.query("begin; lock table meta in access exclusive mode");
    const next = [...migrations, step(latest + 1, "alter table meta add column more integer")];
    const limited = { ...options, migrations: next, lockWaitMs: 100 };
    await assert.rejects(migratePostgres(client, limited), { code: "store/locked" });
    await holder.end();
    assert.deepEqual(await migratePostgres(client, limited), [latest + 1]);
    await client.end();
  });
});

/** Every table with its columns, and the rows that the test has put in. */
async function everything(client: pg.Client): Promise<unknown> {
  const schema = await client.query(
    "select table_name, column_name, data_type from information_schema.columns where table_schema = 'public' order by 1, 2",
  );
  const rows = await client.query("select * from meta order by key");
  const versions = await client.query("select * from migrations order by version");
  return [schema.rows, rows.rows, versions.rows];
}

async function versionOf(client: pg.Client): Promise<number> {
  const { rows } = await client.query("select max(version)::integer as version from migrations");
  return rows[0].version;
}

async function untilAlone(client: pg.Client): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    const others = "from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
    const { rows } = await client.query(`select count(*)::integer as n ${others}`);
    if (rows[0].n === 0) return;
    await wait(20);
  }
  throw new Error("the killed node's connection is still there");
}
