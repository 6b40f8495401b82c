// The very first start: rotated logs are read once, so that nobody starts unknown; what they tell of long ago bans, watches and tells
// nobody; killed in the middle it goes on, and nothing counts twice.

import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { burst, limitedGroup, quietDays } from "../account-lines.ts";
import { until } from "../until.ts";
import { DaemonChild } from "./daemon.ts";

const user = "olena@poshta.example";
const victim = "stolen@poshta.example";
const dayMs = 86_400_000;
const root = mkdtempSync(join(tmpdir(), "postvarta-first-"));
after(() => rmSync(root, { recursive: true, force: true }));

/** Three rotated logs of twelve days each, the middle one packed; an attack of long ago; an empty log of today. */
function writeLogs(): string {
  const folder = mkdtempSync(join(root, "l-"));
  const now = Date.now();
  const old = (name: string, text: string | Buffer, days: number) => {
    writeFileSync(join(folder, name), text);
    utimesSync(join(folder, name), new Date(now - days * dayMs), new Date(now - days * dayMs));
  };
  const oldDays = quietDays(user, now - 26 * dayMs) + quietDays(victim, now - 26 * dayMs);
  const lines = `${oldDays}${burst(victim, now - 27 * dayMs, 20, 60_000)}`.trim().split("\n").sort();
  old("mail.log.3", `${lines.join("\n")}\n`, 26);
  old("mail.log.2.gz", gzipSync(quietDays(user, now - 13 * dayMs)), 13);
  old("mail.log.1", quietDays(user, now - 1 * dayMs, 11), 1);
  old("mail.log.9", quietDays(user, now - 100 * dayMs), 100);
  writeFileSync(join(folder, "mail.log"), "");
  return join(folder, "mail.log");
}

function start(path: string, more = ""): Promise<DaemonChild> {
  const sections = `[[logs]]\npath = "${path}"\n[accounts]\nmode = "enforce"\n${more}`;
  return DaemonChild.start({ rules: limitedGroup, sections });
}

function rows(daemon: DaemonChild, table: string): unknown[] {
  const db = new DatabaseSync(daemon.storeFile, { readOnly: true });
  const found = db.prepare(`select * from ${table}`).all();
  db.close();
  return found;
}

interface Shown {
  readonly logins: number;
  readonly learning: boolean;
  readonly score: number;
  readonly networks: readonly { readonly familiar: boolean }[];
}

async function show(daemon: DaemonChild, account = user): Promise<Shown | undefined> {
  const { stdout, code } = await daemon.command("accounts", "show", account, "--json");
  return code === 0 ? (JSON.parse(stdout) as Shown) : undefined;
}

describe("older logs at the first start", () => {
  test("make the owner's networks familiar at once, and an attack of long ago is no alarm today", async () => {
    const path = writeLogs();
    await using daemon = await start(path);
    await until("the history is whole", async () => (await show(daemon))?.logins === 70);
    assert.match(daemon.log, /logs\.first-replay-begun files=3/);
    await until("it ends", () => /logs\.first-replay-done/.test(daemon.log));
    const shown = await show(daemon);
    assert.deepEqual([shown?.learning, shown?.networks.map(({ familiar }) => familiar)], [false, [true]]);
    const attacked = await show(daemon, victim);
    assert.equal(attacked?.logins, 44);
    assert.ok((attacked?.networks ?? []).filter(({ familiar }) => familiar).length <= 1, "an attack is not learned");
    for (const table of ["account_levels", "watches", "bans", "notices"])
      assert.deepEqual(rows(daemon, table), [], table);
    // Who is known is judged by what is usual: an attack of today shows at once.
    appendFileSync(path, burst(user, Date.now() - 60_000, 12));
    await until("an attack of today is seen", () => rows(daemon, "watches").length === 1);

    await daemon.kill("SIGTERM");
    await daemon.run();
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    assert.equal((await show(daemon, victim))?.logins, 44, "no second time");
    assert.equal(daemon.log.match(/first-replay-begun/g)?.length, 1);
  });

  test("are read once also when the daemon is killed again and again", async () => {
    const path = writeLogs();
    await using daemon = await start(path);
    for (let kill = 0; kill < 4; kill++) {
      await new Promise((resolve) => setTimeout(resolve, 700 * kill));
      await daemon.kill();
      await daemon.run();
    }
    await until("it ends", () => /logs\.first-replay-done/.test(daemon.log));
    await until("the history is whole", async () => (await show(daemon))?.logins === 70);
    assert.equal((await show(daemon, victim))?.logins, 44);
    assert.deepEqual(rows(daemon, "watches"), []);
  });

  test("can be left alone", async () => {
    await using daemon = await start(writeLogs(), "replay_days = 0\n");
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    assert.equal(await show(daemon), undefined);
    assert.doesNotMatch(daemon.log, /first-replay/);
  });
});
