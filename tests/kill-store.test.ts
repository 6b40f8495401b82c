// kill -9 at any moment: what was acknowledged is there, and nothing is there twice.

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, test } from "node:test";
import { migrations } from "../src/store/migrations/index.ts";
import { migrate } from "../src/store/migrations/migrate.ts";
import { type Round, runAndKill } from "./killed-child.ts";

const full = process.env["POSTVARTA_FULL"] === "1";
const folder = mkdtempSync(join(tmpdir(), "postvarta-kill-"));
after(() => rmSync(folder, { recursive: true }));

/** A counter's callers: so many charges may be on disk without having been acknowledged when the process dies. */
const callersPerCounter = 2;

/** Takes in what one child printed; `acknowledged` grows from round to round. */
function check(round: Round, acknowledged: Map<string, number>): void {
  for (const line of round.lines) {
    const [word, key = "", ...figures] = line.split(" ");
    const [cell = 0, message, decision] = figures.map(Number);
    if (word === "integrity") assert.equal(line, "integrity ok");
    else if (word === "there") {
      const told = acknowledged.get(key) ?? 0;
      assert.ok(cell >= told, `${key}: ${told} acknowledged, ${cell} there`);
      assert.ok(cell <= told + callersPerCounter, `${key}: ${told} acknowledged, ${cell} there: counted twice`);
      assert.deepEqual([message, decision], [cell, cell], `${key}: cell, message and decision differ`);
      acknowledged.set(key, cell);
    } else if (word === "done") {
      assert.ok(cell > 0);
      acknowledged.set(key, Math.max(acknowledged.get(key) ?? 0, cell));
    }
  }
}

test(`after ${full ? 200 : 10} kills no acknowledged charge is lost and none is there twice`, async () => {
  const path = join(folder, "charges.db");
  const acknowledged = new Map<string, number>();
  const rounds = full ? 200 : 10;
  let served = 0;
  for (let i = 0; i < rounds; i++) {
    // Every fourth dies at any moment of its start, while what the one before left is being folded.
    const round =
      i % 4 === 3
        ? await runAndKill("charge", path, Math.random() * 600, true)
        : await runAndKill("charge", path, Math.random() * 250, false);
    if (round.ready) served++;
    check(round, acknowledged);
  }
  assert.ok(served >= rounds / 2, `only ${served} of ${rounds} got as far as serving`);
  assert.ok([...acknowledged.values()].every((count) => count > 0));
});

test("a migration that is killed is whole or not there, and the next start finishes it", async () => {
  const rounds = full ? 40 : 4;
  const path = join(folder, "migrate.db");
  const db = new DatabaseSync(path);
  migrate(db, { migrations, now: 1, path });
  db.prepare("insert into meta (key, value) values ('mark', 'kept')").run();
  db.close();
  for (let i = 0; i < rounds; i++) {
    await runAndKill("migrate", path, Math.random() * 40, false);
    assertWhole(path);
  }
  const last = await runAndKill("migrate", path, 60_000, false);
  assert.ok(last.lines.includes("migrated"));
  assert.equal(assertWhole(path), migrations.length + 2);
  const backups = readdirSync(folder).filter((name) => name.startsWith("migrate.db.backup-"));
  assert.ok(backups.length >= 1 && backups.length <= 3, backups.join(" "));
  for (const name of backups) assertWhole(join(folder, name));
});

/** Integrity, the row from before, and exactly the tables of the version that the store says it has. */
function assertWhole(path: string): number {
  const db = new DatabaseSync(path);
  try {
    assert.deepEqual({ ...db.prepare("pragma integrity_check").get() }, { integrity_check: "ok" });
    assert.deepEqual({ ...db.prepare("select value from meta where key = 'mark'").get() }, { value: "kept" });
    const version = Number(db.prepare("select max(version) as version from migrations").get()?.["version"]);
    for (const later of [migrations.length + 1, migrations.length + 2]) {
      const there = db.prepare("select count(*) as n from sqlite_schema where name = ?").get(`slow_${later}`)?.["n"];
      assert.equal(there, later <= version ? 1 : 0);
      if (there === 1) assert.equal(db.prepare(`select count(*) as n from slow_${later}`).get()?.["n"], 20_000);
    }
    return version;
  } finally {
    db.close();
  }
}
