// What goes wrong with logs themselves: clocks and zones that change under them, a producer that falls silent, and a daemon that
// is stopped or loses its own output in the middle of its work.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import type { ReplayAnswer, ReplayRequestBody } from "../../src/api/contract.ts";
import { Client } from "../../src/cli/client.ts";
import { readConfig } from "../../src/config/config.ts";
import { ManualClock } from "../../src/core/clock.ts";
import { lineLog } from "../../src/core/log.ts";
import { startDaemon } from "../../src/daemon.ts";
import { DaemonChild } from "../e2e/daemon.ts";
import { freePort } from "../e2e/postfix-rig.ts";
import { PolicyClient } from "../policy-client.ts";

const root = mkdtempSync(join(tmpdir(), "postvarta-log-faults-"));
process.on("exit", () => rmSync(root, { recursive: true, force: true }));
const main = new URL("../../src/main.ts", import.meta.url).pathname;
const minuteMs = 60_000;

const failure = (stamp: string, n: number) =>
  `${stamp} mx1 postfix/smtpd[1]: warning: unknown[192.0.2.${n % 250}]: SASL LOGIN authentication failed: UGFzc3dvcmQ6, sasl_username=u${n}@example.org\n`;

/** Local time as syslogd writes it in that zone. */
function traditional(at: number, timeZone: string): string {
  const format = new Intl.DateTimeFormat("en-US", {
    ...{ timeZone, month: "short", day: "numeric" },
    ...{ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" },
  });
  const part = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
  return `${part["month"]} ${part["day"]?.padStart(2)} ${part["hour"]}:${part["minute"]}:${part["second"]}`;
}

/** A line a minute from `from` to `to`, in local time without year and zone. */
function logOf(name: string, from: string, to: string, zone: string): string {
  const path = join(root, name);
  let [text, n] = ["", 0];
  for (let at = Date.parse(from); at < Date.parse(to); at += minuteMs) text += failure(traditional(at, zone), n++);
  writeFileSync(path, text);
  return path;
}

function counted(daemon: Pick<DaemonChild, "storeFile">, source: string): number {
  const db = new DatabaseSync(daemon.storeFile, { readOnly: true });
  const row = db.prepare("select count from log_counts where kind = 'auth_failure' and source = ?").get(source);
  db.close();
  return Number(row?.["count"] ?? 0);
}

async function until(isTrue: () => boolean | Promise<boolean>, ms = 60_000): Promise<void> {
  const deadline = performance.now() + ms;
  while (!(await isTrue()) && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
}

async function replay(client: Client, request: ReplayRequestBody): Promise<ReplayAnswer> {
  let answer = await client.post<ReplayAnswer>("/logs/replay", request);
  while (answer.running) {
    await new Promise((resolve) => setTimeout(resolve, 10));
    answer = await client.get<ReplayAnswer>("/logs/replay");
  }
  return answer;
}

/** Some hours around each moment that a calendar makes difficult. */
const hours: readonly {
  readonly title: string;
  readonly zone: string;
  readonly from: string;
  readonly to: string;
  readonly year: string;
}[] = [
  {
    title: "the hour that comes twice",
    ...{ zone: "Europe/Kyiv", from: "2025-10-25T22:00:00Z", to: "2025-10-26T04:00:00Z", year: "2025" },
  },
  {
    title: "the hour that does not come",
    ...{ zone: "Europe/Kyiv", from: "2026-03-28T23:00:00Z", to: "2026-03-29T03:00:00Z", year: "2026" },
  },
  {
    title: "half an hour twice",
    ...{ zone: "Australia/Lord_Howe", from: "2026-04-04T12:00:00Z", to: "2026-04-04T18:00:00Z", year: "2026" },
  },
  {
    title: "the leap day",
    ...{ zone: "Europe/Kyiv", from: "2024-02-28T20:00:00Z", to: "2024-03-01T00:00:00Z", year: "2024" },
  },
  {
    title: "the year ends",
    ...{ zone: "America/New_York", from: "2024-12-31T20:00:00Z", to: "2025-01-01T08:00:00Z", year: "2024" },
  },
];

test("hours of the calendar: every minute stands in its own hour, none twice and none lost", async (t) => {
  // The zone of the log is not the daemon's, whose language has other names of months.
  const wrap = ["env", "TZ=Asia/Kolkata", "LANG=uk_UA.UTF-8", "LC_ALL=uk_UA.UTF-8"];
  await using daemon = await DaemonChild.start({ rules: "", wrap });
  const client = await Client.open({ socket: join(daemon.directory, "control.sock") });
  for (const { title, zone, from, to, year } of hours) {
    await t.test(title, async () => {
      const path = logOf(`${year}${from}.log`.replaceAll(":", ""), from, to, zone);
      for (let hour = Date.parse(from); hour < Date.parse(to); hour += 60 * minuteMs) {
        const [since, end] = [new Date(hour).toISOString(), new Date(hour + 60 * minuteMs).toISOString()];
        const answer = await replay(client, {
          paths: [path],
          year: Number(year),
          zone,
          since,
          until: end,
          dry_run: true,
        });
        const { events, first, last } = answer;
        assert.deepEqual([events, first], [{ auth_failure: 60 }, since], `${since}: ${JSON.stringify(answer)}`);
        assert.equal(Date.parse(last ?? ""), hour + 59 * minuteMs);
      }
    });
  }
});

test("Postfix asks and its log says nothing: told once in the log, in status and in the figures, until a line comes", async () => {
  const directory = mkdtempSync(join(root, "silent-"));
  const [port, apiPort] = [await freePort(), await freePort()];
  const [file, path] = [join(directory, "postvarta.toml"), join(directory, "mail.log")];
  writeFileSync(
    file,
    `[policy]\nlisten = ["127.0.0.1:${port}"]\n[store]\nurl = "sqlite:${directory}/p.db"\n[api]\nlisten = "127.0.0.1:${apiPort}"
[control]\nsocket = "${directory}/c.sock"\n[[logs]]\npath = "${path}"\n`,
  );
  const clock = new ManualClock(Date.now());
  const told: string[] = [];
  const log = lineLog({ level: "info", journald: false, write: (line) => told.push(line) });
  const read = readConfig({ file, environment: {} });
  await using _ = await startDaemon(read, { version: "1.2.3", log, clock, readAgain: () => read });
  const silent = async () => {
    const text = await (await fetch(`http://127.0.0.1:${apiPort}/metrics`)).text();
    return /^postvarta_log_silent (\d)$/m.exec(text)?.[1];
  };
  assert.equal(await silent(), "0");
  using client = await PolicyClient.connect({ port });
  for (let i = 0; i < 12; i++) await client.ask({ instance: `i${i}` });
  clock.advance(11 * minuteMs);
  await until(async () => (await silent()) === "1");
  assert.equal(await silent(), "1");
  assert.match(
    told.join(""),
    /error logs\.silent minutes=11 questions=12 troubles="[^"]*mail\.log: there is no such file"/,
  );
  appendFileSync(path, failure("Nov 24 07:07:07", 1));
  await until(async () => (await silent()) === "0");
  assert.equal(await silent(), "0");
  assert.equal(told.filter((line) => /logs\.silent/.test(line)).length, 1);
  assert.match(told.join(""), /logs\.heard-again/);
});

test("whoever read our own log is gone, and stdin is closed: logs are read on, and SIGTERM loses none", async () => {
  const directory = mkdtempSync(join(root, "pipe-"));
  const path = join(directory, "mail.log");
  writeFileSync(path, "");
  const [port, apiPort] = [await freePort(), await freePort()];
  const [file, storeFile] = [join(directory, "postvarta.toml"), join(directory, "p.db")];
  writeFileSync(
    file,
    `[policy]\nlisten = ["127.0.0.1:${port}"]\n[store]\nurl = "sqlite:${storeFile}"\n[api]\nlisten = "127.0.0.1:${apiPort}"
[control]\nsocket = "${directory}/c.sock"\n[[logs]]\npath = "${path}"\n[[logs]]\npath = "${path}.missing"\n`,
  );
  const child = spawn(process.execPath, [main, "run", "--config", file], { stdio: ["pipe", "pipe", "pipe"] });
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  await new Promise<void>((resolve) =>
    child.stderr.on("data", (text: Buffer) => {
      // One that comes during the start is done after it.
      if (/ policy\.listening /.test(text.toString())) child.kill("SIGHUP");
      if (/ ready /.test(text.toString())) resolve();
    }),
  );
  child.stdin.destroy();
  child.stdout.destroy();
  child.stderr.destroy();
  // Each makes it say something.
  for (let i = 0; i < 5; i++) {
    child.kill("SIGHUP");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  for (let n = 1; n <= 2_000; n++) appendFileSync(path, failure("Nov 24 07:07:07", n));
  await until(() => counted({ storeFile }, path) > 0 || child.exitCode !== null || child.signalCode !== null);
  assert.deepEqual([child.exitCode, child.signalCode], [null, null]);
  assert.ok(counted({ storeFile }, path) > 0);
  child.kill("SIGTERM");
  assert.equal(await ended, 0);
  const again = spawn(process.execPath, [main, "run", "--config", file], { stdio: "ignore" });
  await until(() => counted({ storeFile }, path) >= 2_000);
  again.kill("SIGTERM");
  await new Promise((resolve) => again.once("exit", resolve));
  assert.equal(counted({ storeFile }, path), 2_000);
});
