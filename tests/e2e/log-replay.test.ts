// Old logs through the running daemon: each event once, whatever was followed or replayed before, with kill -9 in the middle.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { DaemonChild } from "./daemon.ts";

const root = mkdtempSync(join(tmpdir(), "postvarta-replay-"));
process.on("exit", () => rmSync(root, { recursive: true, force: true }));

const dayMs = 86_400_000;

function failure(at: number, n: number): string {
  const time = new Date(at).toISOString().replace("Z", "+00:00");
  return `${time} mx1 postfix/smtpd[1]: warning: unknown[192.0.2.${n % 250}]: SASL LOGIN authentication failed: UGFzc3dvcmQ6, sasl_username=u${n}@example.org\n`;
}

/** `count` failures, a minute apart, that end `daysAgo`. */
function textOf(count: number, daysAgo: number): string {
  const end = Date.now() - daysAgo * dayMs;
  return Array.from({ length: count }, (_, n) => failure(end - (count - n) * 60_000, n)).join("");
}

/** Failures on disk: followed, and replayed. */
function counted(daemon: DaemonChild, path: string): { readonly followed: number; readonly replayed: number } {
  const db = new DatabaseSync(daemon.storeFile, { readOnly: true });
  const of = (source: string) =>
    Number(
      db.prepare("select count from log_counts where kind = 'auth_failure' and source = ?").get(source)?.["count"] ?? 0,
    );
  const both = { followed: of(path), replayed: of("replay") };
  db.close();
  return both;
}

async function until(isTrue: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!isTrue() && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
}

test("old logs, in the order of the shell, beside the log that is followed: each event once", async () => {
  const path = join(root, "mail.log");
  writeFileSync(`${path}.2`, textOf(300, 20));
  execFileSync("gzip", [`${path}.2`]);
  writeFileSync(`${path}.1`, textOf(200, 10));
  writeFileSync(path, textOf(100, 1));
  // The first start would read them by itself.
  const sections = `[[logs]]\npath = "${path}"\n[accounts]\nreplay_days = 0\n`;
  await using daemon = await DaemonChild.start({ rules: "", sections });
  appendFileSync(path, failure(Date.now() + 1, 7).repeat(5));
  await until(() => counted(daemon, path).followed === 5);
  const files = ["--log", path, `${path}.1`, `${path}.2.gz`];
  const dry = JSON.parse((await daemon.command("log", "replay", ...files, "--dry-run", "--json")).stdout);
  assert.deepEqual([dry.dry_run, dry.running, dry.lines, dry.events], [true, false, 600, { auth_failure: 600 }]);
  assert.deepEqual(counted(daemon, path), { followed: 5, replayed: 0 });
  const since = await daemon.command("log", "replay", ...files, "--since", "15d", "--dry-run");
  assert.match(since.stdout, /would take {2}auth_failure 300\n/);
  assert.match(since.stdout, /left out {4}300 events before --since/);
  const done = await daemon.command("log", "replay", ...files);
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stdout, /taken {7}auth_failure 600\n/);
  assert.deepEqual(counted(daemon, path), { followed: 5, replayed: 600 });
  const again = await daemon.command("log", "replay", ...files);
  assert.match(again.stdout, /taken {7}nothing\n.*\d+ bytes that were read before/s);
  // A file rotated since: its end was followed.
  appendFileSync(path, failure(Date.now() + 1, 8).repeat(5));
  await until(() => counted(daemon, path).followed === 10);
  execFileSync("cp", [path, `${path}.3`]);
  appendFileSync(`${path}.3`, failure(Date.now() + 1, 9));
  await daemon.command("log", "replay", "--log", `${path}.3`);
  assert.deepEqual(counted(daemon, path), { followed: 10, replayed: 600 });
});

test("killed in the middle, the same replay goes on, and every event counts once", async () => {
  const path = join(root, "large.log");
  const lines = 60_000;
  writeFileSync(path, textOf(lines, 5));
  await using daemon = await DaemonChild.start({ rules: "" });
  for (let kills = 0; kills < 2; kills++) {
    const running = daemon.command("log", "replay", "--log", path);
    const before = counted(daemon, path).replayed;
    await until(() => counted(daemon, path).replayed > before || before === lines);
    await daemon.kill("SIGKILL");
    await running;
    await daemon.run();
  }
  const { code, stderr } = await daemon.command("log", "replay", "--log", path);
  assert.equal(code, 0, stderr);
  assert.deepEqual(counted(daemon, path), { followed: 0, replayed: lines });
});

test("mistakes are told: no file, no time, a second replay meanwhile, a file that is not there", async () => {
  const path = join(root, "busy.log");
  writeFileSync(path, textOf(100_000, 5));
  await using daemon = await DaemonChild.start({ rules: "" });
  const none = await daemon.command("log", "replay");
  assert.deepEqual([none.code, /--log: no file is named/.test(none.stderr)], [2, true], none.stderr);
  const never = await daemon.command("log", "replay", "--log", path, "--since", "yesterday");
  assert.deepEqual([never.code, /--since: yesterday is no time/.test(never.stderr)], [2, true], never.stderr);
  const missing = await daemon.command("log", "replay", "--log", join(root, "none.log"));
  assert.deepEqual([missing.code, /none\.log: there is no such file/.test(missing.stderr)], [1, true], missing.stderr);
  const first = daemon.command("log", "replay", "--log", path, "--again");
  await until(() => counted(daemon, path).replayed > 0);
  await daemon.command("log", "replay", "--stop");
  const { stdout } = await first;
  assert.match(stdout, /lines {7}\d+/);
  assert.ok(counted(daemon, path).replayed <= 100_000);
});
