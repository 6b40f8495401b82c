import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";

const run = promisify(execFile);
const main = path.join(import.meta.dirname, "../../main.ts");
const abroad = [
  "113.161.1.1",
  "49.36.1.1",
  "189.46.1.1",
  "36.70.1.1",
  "197.210.50.1",
  "91.14.1.1",
  "90.1.2.3",
  "73.15.1.1",
  "86.140.1.1",
];

/** Twelve days at home in December and January, then nine countries in an hour with bounces. */
function stolen(): string {
  const lines: string[] = [];
  let id = 0;
  const send = (day: string, minute: number, ip: string, bounced: boolean) => {
    const time = `${day} 10:${String(minute).padStart(2, "0")}`;
    const queueId = `A${(id++).toString(16).toUpperCase().padStart(9, "0")}`;
    lines.push(
      `${time}:00 mail postfix/submission/smtpd[9]: ${queueId}: client=unknown[${ip}], sasl_method=PLAIN, sasl_username=Olena@Poshta.example`,
    );
    lines.push(
      `${time}:01 mail postfix/qmgr[2]: ${queueId}: from=<olena@poshta.example>, size=${3_000 + id * 571}, nrcpt=1 (queue active)`,
    );
    const status = bounced ? "dsn=5.1.1, status=bounced (550 5.1.1 no such user)" : "dsn=2.0.0, status=sent (250 Ok)";
    lines.push(
      `${time}:02 mail postfix/smtp[7]: ${queueId}: to=<a@there.example>, relay=mx.there.example[192.0.2.9]:25, delay=1, delays=0/0/0/1, ${status}`,
    );
  };
  for (const day of [
    "Dec 24",
    "Dec 25",
    "Dec 26",
    "Dec 27",
    "Dec 28",
    "Dec 29",
    "Dec 30",
    "Dec 31",
    "Jan  1",
    "Jan  2",
    "Jan  3",
    "Jan  4",
  ]) {
    send(day, 0, "176.8.20.1", false);
  }
  for (const [index, ip] of abroad.entries()) send("Jan  5", index * 6, ip, index % 2 === 0);
  return `${lines.join("\n")}\n`;
}

describe("accounts scan", () => {
  let dir = "";
  let log = "";

  before(async () => {
    dir = await mkdtemp(path.join(tmpdir(), "postvarta-scan-"));
    log = path.join(dir, "mail.log");
    await writeFile(log, stolen());
  });
  after(() => rm(dir, { recursive: true }));

  const scan = async (...args: readonly string[]) => {
    const env = { ...process.env, XDG_CACHE_HOME: path.join(dir, "cache") };
    return (
      await run(process.execPath, [main, "accounts", "scan", "--year", "2025", "--zone", "UTC", ...args], { env })
    ).stdout;
  };

  test("prints an object each time an account changes level, across the turn of the year", async () => {
    const changes = (await scan("--log", log))
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    const rises = ["calm", "notice", "watch", "high"];
    const ranks = changes.map((change) => rises.indexOf(change.level));
    assert.deepEqual(
      ranks,
      [...new Set(ranks)].toSorted((a, b) => a - b),
    );
    assert.equal(ranks.at(-1), 3);
    for (const change of changes) {
      assert.equal(change.account, "olena@poshta.example");
      assert.match(change.at, /^2026-01-05T10:\d\d:\d\d\.000Z$/);
      assert.equal(
        change.score,
        Math.min(
          100,
          change.signals.reduce((sum: number, { points }: { points: number }) => sum + points, 0),
        ),
      );
    }
  });

  test("case 56: the same log gives the same bytes", async () => {
    assert.equal(await scan("--log", log), await scan("--log", log));
  });

  test("a log named twice changes nothing", async () => {
    assert.equal(await scan("--log", log, log), await scan("--log", log));
  });

  test("a log in which nothing happens prints nothing", async () => {
    const calm = path.join(dir, "calm.log");
    await writeFile(calm, stolen().split("\n").slice(0, 30).join("\n"));
    assert.equal(await scan("--log", calm), "");
  });

  test("a setting moves a threshold", async () => {
    assert.equal(await scan("--log", log, "--set", "levels.notice=1000", "levels.watch=1000", "levels.high=1000"), "");
  });

  for (const [set, said] of [
    ["newNetworks.every=5", "no such setting"],
    ["newNetworks=5", "several parts"],
    ["levels.watch=much", "a number"],
  ] as const) {
    test(`--set ${set} is refused`, async () => {
      await assert.rejects(scan("--log", log, "--set", set), (error: { code?: number; stderr?: string }) => {
        assert.equal(error.code, 2);
        assert.match(error.stderr ?? "", new RegExp(said));
        return true;
      });
    });
  }
});
