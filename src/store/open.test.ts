import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import { ManualClock } from "../core/clock.ts";
import { Problem, type ProblemCode } from "../core/problem.ts";
import { migrations } from "./migrations/index.ts";
import { migrate } from "./migrations/migrate.ts";
import { openStore } from "./open.ts";

const folder = mkdtempSync(join(tmpdir(), "postvarta-open-"));
after(() => rmSync(folder, { recursive: true }));
const clock = new ManualClock();
const end = clock.now() + 1_000;

const is = (code: ProblemCode) => (error: unknown) => {
  assert.ok(error instanceof Problem, String(error));
  assert.equal(error.code, code);
  assert.doesNotMatch(error.line, /secret/);
  return true;
};

for (const url of [
  "postgres://user:secret@host/",
  "postgres://host/db",
  "postgresql://user:secret@host/db?sslmode=secret",
  "postgres://user:secret@host/db?password=secret",
  "postgres://user:sec/ret@host/db",
  "mysql://user:secret@host/db",
  "",
  "secret",
  "sqlite:",
  "sqlite:/tmp/",
]) {
  test(`the URL ${JSON.stringify(url.replace("secret", "…"))} is refused`, async () => {
    await assert.rejects(openStore(url, { clock }), is("store/url"));
  });
}

test("a second copy fails at once, in this process and from another, and the store is free after a close", async () => {
  const path = join(folder, "locked.db");
  {
    await using store = await openStore(`sqlite:${path}`, { clock });
    await store.cells.charge(["a"], (view) => view.put("a", [1], end));
    const from = performance.now();
    await assert.rejects(openStore(`sqlite:${path}`, { clock }), is("store/locked"));
    assert.ok(performance.now() - from < 3_000);
    const script = `import { openStore } from ${JSON.stringify(join(import.meta.dirname, "open.ts"))};
      await openStore(${JSON.stringify(`sqlite:${path}`)}, { clock: { now: () => 1 } }).catch((error) => console.log(error.code));`;
    const other = spawnSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
    assert.equal(other.stdout.trim(), "store/locked");
    assert.deepEqual((await store.cells.charge(["a"], (view) => view.get("a"))).result, [1]);
  }
  await using again = await openStore(`sqlite:${path}`, { clock });
  assert.deepEqual(await again.cells.peek("a"), [1]);
});

test("another process reads the database while it is open", async () => {
  const path = join(folder, "read.db");
  await using store = await openStore(`sqlite:${path}`, { clock });
  await store.facts.insertInto("meta").values({ key: "k", value: "v" }).execute();
  const script = `const { DatabaseSync } = require("node:sqlite");
    console.log(new DatabaseSync(${JSON.stringify(path)}, { readOnly: true }).prepare("select value from meta where key = 'k'").get().value);`;
  assert.equal(spawnSync(process.execPath, ["-e", script], { encoding: "utf8" }).stdout.trim(), "v");
  assert.ok((await store.sizeBytes()) > 4_096);
});

test("nobody else can read the files, and a directory that we make is ours alone", async () => {
  const path = join(folder, "deep/er/modes.db");
  await using store = await openStore(`sqlite:${path}`, { clock });
  await store.cells.charge(["a"], (view) => view.put("a", [1], end));
  const mode = (file: string) => (statSync(file).mode & 0o777).toString(8);
  assert.deepEqual([path, `${path}-wal`, `${path}-shm`, `${path}.lock`].map(mode), ["600", "600", "600", "600"]);
  assert.equal(mode(join(folder, "deep/er")), "700");
});

const unusable: readonly [string, (path: string) => void, ProblemCode][] = [
  [
    "text",
    (path) =>
      writeFileSync(
        path,
        "this is not a database, and it is longer than a header of one hundred bytes, so that SQLite looks at it",
      ),
    "store/unusable",
  ],
  ["a directory", (path) => mkdirSync(path), "store/unusable"],
  ["another program's database", (path) => exec(path, "create table jails (name text)"), "store/unusable"],
  [
    "a newer store",
    (path) => exec(path, "create table migrations (version integer); insert into migrations values (99)"),
    "store/newer",
  ],
];

function exec(path: string, sql: string): void {
  const db = new DatabaseSync(path);
  db.exec(sql);
  db.close();
}

for (const [what, make, code] of unusable) {
  test(`${what} is refused with ${code} and can be opened by whoever comes next`, async () => {
    const path = join(folder, `${what.replaceAll(" ", "-")}.db`);
    make(path);
    await assert.rejects(openStore(`sqlite:${path}`, { clock }), is(code));
    await assert.rejects(openStore(`sqlite:${path}`, { clock }), is(code));
  });
}

test("a store of an older version is copied before it is changed, and three copies are kept", () => {
  const path = join(folder, "old.db");
  const db = new DatabaseSync(path);
  const next = (version: number) => ({
    version,
    name: "next",
    postgres: "",
    up: (on: DatabaseSync) => on.exec(`create table t${version} (n integer)`),
  });
  const steps = [...migrations];
  const first = steps.length;
  assert.deepEqual(
    migrate(db, { migrations: steps, now: 0, path }),
    steps.map(({ version }) => version),
  );
  for (let day = 1; day <= 5; day++) {
    steps.push(next(first + day));
    assert.deepEqual(migrate(db, { migrations: steps, now: day * 86_400_000, path }), [first + day]);
    assert.deepEqual(migrate(db, { migrations: steps, now: 0, path }), []);
  }
  db.close();
  const copies = readdirSync(folder).filter((name) => name.startsWith("old.db.backup"));
  assert.deepEqual(copies, [
    `old.db.backup-19700104T000000Z-v${first + 2}`,
    `old.db.backup-19700105T000000Z-v${first + 3}`,
    `old.db.backup-19700106T000000Z-v${first + 4}`,
  ]);
  assert.equal((statSync(join(folder, copies[0] ?? "")).mode & 0o777).toString(8), "600");
});

test("a migration that fails leaves the store as it was", () => {
  const path = join(folder, "failed.db");
  const db = new DatabaseSync(path);
  migrate(db, { migrations, now: 0, path });
  const bad = {
    version: migrations.length + 1,
    name: "bad",
    postgres: "",
    up: (on: DatabaseSync) => on.exec("create table half (n integer); create table half (n integer)"),
  };
  assert.throws(() => migrate(db, { migrations: [...migrations, bad], now: 0, path }), /half/);
  assert.equal(db.prepare("select max(version) as v from migrations").get()?.["v"], migrations.length);
  assert.equal(db.prepare("select count(*) as n from sqlite_schema where name = 'half'").get()?.["n"], 0);
  db.close();
});
