// Accounts under the whole daemon: lines of a log → watch → the group → a question that is limited; restart, kill -9, the breaker.

import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import { burst, home, quietDays } from "../account-lines.ts";
import { PolicyClient } from "../policy-client.ts";
import { DaemonChild } from "./daemon.ts";

const full = process.env["POSTVARTA_FULL"] === "1";

const root = mkdtempSync(join(tmpdir(), "postvarta-accounts-"));
process.on("exit", () => rmSync(root, { recursive: true, force: true }));

const rules = `
[[groups]]
name = "newuser"
members = ["$noman"]
[[policies]]
name = "newusers"
members = [{ source = "%newuser" }]
[[policies.access]]
verdict = "reject"
text = "LIMIT AT QUOTAUSE"
`;

async function start(text: string, mode = "enforce"): Promise<{ daemon: DaemonChild; path: string }> {
  const path = join(mkdtempSync(join(root, "l-")), "mail.log");
  writeFileSync(path, text);
  const sections = `[[logs]]\npath = "${path}"\nfrom = "start"\n[accounts]\nmode = "${mode}"\n`;
  return { daemon: await DaemonChild.start({ rules, sections }), path };
}

function rows(daemon: DaemonChild, sql: string): Record<string, unknown>[] {
  const db = new DatabaseSync(daemon.storeFile, { readOnly: true });
  const found = db.prepare(sql).all();
  db.close();
  return found;
}

async function until(isTrue: () => boolean | Promise<boolean>, ms = 20_000): Promise<boolean> {
  const deadline = performance.now() + ms;
  while (performance.now() < deadline) {
    if (await isTrue()) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}

async function isLimited(daemon: DaemonChild, user: string): Promise<boolean> {
  using client = await PolicyClient.connect({ port: daemon.port });
  const answer = await client.ask({
    protocol_state: "RCPT",
    instance: `i${process.hrtime.bigint()}`,
    sasl_username: user,
    sender: user,
    recipient: "x@there.example",
    client_address: home,
  });
  return answer.includes("LIMIT AT QUOTAUSE");
}

const user = "olena@poshta.example";

describe("a stolen account", () => {
  test("is under watch, and its next question is limited; others are not", async () => {
    const now = Date.now();
    const { daemon, path } = await start(quietDays(user, now) + quietDays("petro@poshta.example", now));
    await using _ = daemon;
    assert.equal(await isLimited(daemon, user), false);
    appendFileSync(path, burst(user, now - 60_000));
    assert.ok(await until(() => rows(daemon, "select * from watches").length > 0));
    const written = performance.now();
    assert.ok(await until(() => isLimited(daemon, user)));
    const ms = performance.now() - written;
    assert.ok(ms < (full ? 2_000 : 5_000), `the next question obeys after ${ms} ms`);
    assert.equal(await isLimited(daemon, "petro@poshta.example"), false);
    assert.equal(rows(daemon, "select * from watches").length, 1);
  });
});
