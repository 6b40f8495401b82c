// Accounts under the whole daemon, with SQLite: what every engine has to show, and restart, kill -9, the breaker.

import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import { burst, quietDays } from "../account-lines.ts";
import { isLimited, playContainment, playWatch, show, startWithLog, until, user } from "./account-circle.ts";
import type { DaemonChild } from "./daemon.ts";

function rows(daemon: DaemonChild, sql: string): Record<string, unknown>[] {
  const db = new DatabaseSync(daemon.storeFile, { readOnly: true });
  const found = db.prepare(sql).all();
  db.close();
  return found;
}

function watched(daemon: DaemonChild): unknown[] {
  return rows(daemon, "select account from watches order by account").map(({ account }) => account);
}

const place = {
  start: startWithLog,
  rows: async (daemon: DaemonChild, sql: string) => rows(daemon, sql),
};

describe("a stolen account", () => {
  test("case 40, 41, 45: is under watch, and its next question is limited; a manual removal is respected; others are left alone", () =>
    playWatch(place));

  test("is contained by one list of steps, and given back by another", () => playContainment(place));

  test("case 47, 48, 49: kill -9 in the middle changes nothing of what is known, and marks count at once", async () => {
    const now = Date.now();
    const { daemon, path } = await startWithLog(quietDays(user, now));
    await using _ = daemon;
    appendFileSync(path, burst(user, now - 120_000, 4));
    assert.ok(await until(async () => (await show(daemon, user)).logins === 28));
    const before = await show(daemon, user);
    await daemon.kill();
    appendFileSync(path, burst(user, now - 60_000, 4));
    await daemon.run();
    assert.ok(await until(async () => (await show(daemon, user)).logins === 32));
    const after = await show(daemon, user);
    assert.ok(after.score >= before.score - 1, `${before.score} before, ${after.score} after`);
    assert.ok(await until(() => watched(daemon).length === 1));

    const marked = await daemon.command("accounts", "mark", user, "--mine", "all", "--note", "on a journey");
    assert.equal(marked.code, 0, marked.stderr);
    const mine = await show(daemon, user);
    assert.ok(mine.score < after.score);
    assert.ok(mine.marks.length >= 4 && mine.marks.every(({ kind, by }) => kind === "mine" && by.includes("claimed")));
    assert.equal((await daemon.command("accounts", "erase", user)).code, 0);
    assert.equal((await daemon.command("accounts", "show", user)).code, 4);
  });

  test("case 43, 44: in observe mode no group changes, and thirty at once are taken for a fault of ours", async () => {
    const now = Date.now();
    const { daemon, path } = await startWithLog(quietDays(user, now), "observe");
    await using _ = daemon;
    appendFileSync(path, burst(user, now - 60_000));
    assert.ok(await until(() => watched(daemon).length > 0));
    assert.equal(await isLimited(daemon, user), false);
    assert.match((await daemon.command("group", "show", "newuser")).stdout, /1 members/);

    const names = Array.from({ length: 30 }, (_, i) => `u${i}@poshta.example`);
    let text = "";
    for (const name of names) text += quietDays(name, now, 2) + burst(name, now - 50_000, 6, 1_000);
    const lines = text.trimEnd().split("\n").sort();
    appendFileSync(path, `${lines.join("\n")}\n`);
    const risen = () => rows(daemon, "select distinct account from account_levels where level in ('watch','high')");
    assert.ok(await until(() => risen().length === 31), `${risen().length}`);
    assert.ok(watched(daemon).length <= 21, `${watched(daemon).length}`);
    assert.equal(rows(daemon, "select * from notices where kind = 'watch_breaker'").length > 0, true);
  });
});
