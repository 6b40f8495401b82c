import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { sql } from "kysely";
import { needs } from "../../tests/needs.ts";
import { PostgresRig } from "../../tests/postgres-rig.ts";
import { ManualClock } from "../core/clock.ts";
import { Problem, type ProblemCode } from "../core/problem.ts";
import type { RuleSet } from "../core/rules.ts";
import { saveSiteText } from "./account-history.ts";
import { addTold, everyNode } from "./account-told.ts";
import { type CopyOptions, copiedTables, copyStore } from "./copy.ts";
import type { Store } from "./db.ts";
import { findDecisions } from "./decisions.ts";
import { openStore } from "./open.ts";
import { applyRules, readRules } from "./policies.ts";
import { saveRaise } from "./raises.ts";

const folder = mkdtempSync(join(tmpdir(), "postvarta-copy-"));
after(() => rmSync(folder, { recursive: true }));
const clock = new ManualClock();
const end = clock.now() + 3_600_000;
const options: CopyOptions = { clock, node: "mx1", force: false, dryRun: false };
const sqliteUrl = (name: string) => `sqlite:${join(folder, name)}`;
const cells = 2_345;

const is = (code: ProblemCode) => (error: unknown) => error instanceof Problem && error.code === code;

const rules: RuleSet = {
  policies: [],
  groups: [{ name: "g", enabled: true, comment: "ü", members: ["$a", "@b.example"] }],
};

const decision = {
  ...{
    id: "d",
    at: 1,
    lastAt: 2,
    count: 3,
    account: "ann",
    sender: "s",
    recipient: "r",
    client: "192.0.2.1",
    queueId: "Q",
  },
  ...{ instance: "i", rule: "p/q", key: "k\u0000", verdict: "reject", text: "LIMIT", trail: "{}" },
};

const change = { address: "192.0.2.7/32", jail: "j", act: "removed" };

async function fill(store: Store): Promise<void> {
  await store.facts.transaction().execute(async (tx) => {
    await tx
      .insertInto("ban_changes")
      .values({ seq: 7, ...change })
      .execute();
    await saveSiteText(tx, everyNode, "applied", "80");
  });
  await applyRules(store, rules, { prune: false, by: "root", now: 1 });
  await saveRaise(store, { key: "k", max: 5, until: 9, changedAt: 1, changedBy: "root" });
  const keys = Array.from({ length: cells }, (_, i) => `k\u0000\u0001${i}`);
  await store.cells.charge(keys, (view) => {
    for (const [i, key] of keys.entries()) view.put(key, [0, i, 1.5], end);
    view.saveMessage({ id: "m\u0001", openedAt: 5, body: "b\u0000" });
    view.saveDecision(decision);
  });
}

async function look(store: Store) {
  const listed = await store.cells.list({ prefix: "k\u0000", limit: 500 });
  return {
    rules: await readRules(store),
    listed,
    one: await store.cells.peek("k\u0000\u00012344"),
    messages: await store.cells.openMessages(),
    decisions: (await findDecisions(store, { limit: 10 })).map((row) => ({ ...row, key: row.key.slice(0, 1) })),
  };
}

test("every table of a store is copied, but those that are each store's own", async () => {
  await using store = await openStore("scratch:", { clock });
  const { rows } = await sql<{ name: string }>`select name from sqlite_schema where type = 'table'`.execute(
    store.facts,
  );
  assert.deepEqual(rows.map((row) => row.name).sort(), [...copiedTables, "journal", "migrations"].sort());
});

test("from SQLite to PostgreSQL and back nothing is lost", { skip: needs("postgres") }, async () => {
  await using rig = await PostgresRig.start();
  const url = await rig.createDatabase();
  const open = (where: string, node = "mx1") => openStore(where, { clock, node });
  let before: Awaited<ReturnType<typeof look>>;
  {
    await using store = await open(sqliteUrl("first.db"));
    await fill(store);
    before = await look(store);
  }
  const seen: number[] = [];
  const counts = await copyStore(sqliteUrl("first.db"), url, {
    ...options,
    onProgress: (done) => void seen.push(done),
  });
  assert.equal(counts.cells, cells);
  assert.equal(
    seen.at(-1),
    Object.values(counts).reduce((sum, rows) => sum + rows, 0),
  );
  {
    // Times of cells are the database's there, and the fixture's lie far back.
    const { openPostgres } = await import("./engines/postgres.ts");
    await using store = await openPostgres({ url, clock, node: "mx1", cellTime: "clock" });
    assert.deepEqual(await look(store), before);
    await assert.rejects(copyStore(url, sqliteUrl("busy.db"), options), is("store/locked"));
  }
  for (const dryRun of [true, false])
    await assert.rejects(copyStore(sqliteUrl("first.db"), url, { ...options, dryRun }), is("store/not-empty"));
  const untouched = await rig.createDatabase();
  assert.equal((await copyStore(sqliteUrl("first.db"), untouched, { ...options, dryRun: true })).cells, cells);
  await copyStore(sqliteUrl("first.db"), url, { ...options, force: true, dryRun: true });
  await copyStore(sqliteUrl("first.db"), url, { ...options, force: true });
  {
    await using store = await open(url);
    const numbers = await store.facts
      .transaction()
      .execute(async (tx) => [
        await addTold(tx, { node: "mx1", at: 1, body: "" }),
        (await tx.insertInto("ban_changes").values(change).returning("seq").executeTakeFirstOrThrow()).seq,
      ]);
    assert.deepEqual(numbers, [81, 8], "behind what was copied, and behind what a judge has heard");
    for (const [table, seq] of [
      ["account_told", 81],
      ["ban_changes", 8],
    ] as const)
      await store.facts.deleteFrom(table).where("seq", "=", seq).execute();
  }
  await copyStore(url, sqliteUrl("second.db"), options);
  await using store = await open(sqliteUrl("second.db"));
  assert.deepEqual(await look(store), before);
});

test("a dry run counts and makes nothing; a source that is not there, or is in use, is refused", async () => {
  {
    await using store = await openStore(sqliteUrl("dry.db"), { clock });
    await fill(store);
    await assert.rejects(copyStore(sqliteUrl("dry.db"), sqliteUrl("none.db"), options), is("store/locked"));
  }
  const counts = await copyStore(sqliteUrl("dry.db"), sqliteUrl("none.db"), { ...options, dryRun: true });
  assert.equal(counts.cells, cells);
  assert.equal(existsSync(join(folder, "none.db")), false);
  const dry = { ...options, dryRun: true };
  await assert.rejects(copyStore(sqliteUrl("dry.db"), sqliteUrl("dry.db"), dry), is("store/locked"));
  {
    await using store = await openStore(sqliteUrl("full.db"), { clock });
    await fill(store);
    await assert.rejects(copyStore(sqliteUrl("dry.db"), sqliteUrl("full.db"), dry), is("store/locked"));
  }
  await assert.rejects(copyStore(sqliteUrl("dry.db"), sqliteUrl("full.db"), dry), is("store/not-empty"));
  writeFileSync(join(folder, "text.db"), "no database, but long enough to be looked at ".repeat(50));
  await assert.rejects(copyStore(sqliteUrl("dry.db"), sqliteUrl("text.db"), dry), is("store/unusable"));
  await assert.rejects(copyStore(sqliteUrl("nothing.db"), sqliteUrl("none.db"), options), is("store/unusable"));
  assert.equal(existsSync(join(folder, "nothing.db")), false);
  await assert.rejects(copyStore(sqliteUrl("dry.db"), sqliteUrl("dry.db"), options), is("store/locked"));
});

test("a copy that fails leaves the target empty", async () => {
  const target = sqliteUrl("half.db");
  let pages = 0;
  const failing = copyStore(sqliteUrl("dry.db"), target, {
    ...options,
    onProgress: () => {
      if (++pages === 7) throw new Error("cut short");
    },
  });
  await assert.rejects(failing, /cut short/);
  await copyStore(sqliteUrl("dry.db"), target, options);
});
