import assert from "node:assert/strict";
import { appendFileSync, chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { testSource } from "../../../tests/contracts/source.ts";
import { follow, Remembered } from "../../../tests/log-follower.ts";
import { journalSource } from "./journal.ts";
import { readMark } from "./journal-mark.ts";

const root = mkdtempSync(join(tmpdir(), "postvarta-journal-"));
const path = process.env["PATH"];

before(() => {
  const fake = join(import.meta.dirname, "../../../tests/fake-journalctl.ts");
  writeFileSync(join(root, "journalctl"), `#!/bin/sh\nexec '${process.execPath}' '${fake}' "$@"\n`);
  chmodSync(join(root, "journalctl"), 0o755);
  process.env["PATH"] = `${root}:${path}`;
});
after(() => {
  process.env["PATH"] = path;
  rmSync(root, { recursive: true });
});

const startUs = 1_795_500_000_000_000;

/** A journal in a directory; the fake finds it by the environment, so one at a time. */
class Journal {
  readonly directory = mkdtempSync(join(root, "j-"));
  readonly file = join(this.directory, "entries");
  #count = 0;

  constructor() {
    process.env["FAKE_JOURNAL"] = this.directory;
  }

  /** The n-th entry is of the n-th second behind this. */
  firstUs = startUs;

  add(message: unknown, fields: Readonly<Record<string, string>> = {}): void {
    appendFileSync(this.file, this.entry(message, fields));
  }

  entry(message: unknown, fields: Readonly<Record<string, string>> = {}): string {
    const n = ++this.#count;
    const head = {
      __CURSOR: `s=${this.directory.slice(-6)};i=${n}`,
      __REALTIME_TIMESTAMP: String(this.firstUs + n * 1_000_000),
    };
    return `${JSON.stringify({ ...head, SYSLOG_IDENTIFIER: "postfix/smtpd", ...fields, MESSAGE: message })}\n`;
  }

  get calls(): readonly (readonly string[])[] {
    const file = join(this.directory, "calls");
    if (!existsSync(file)) return [];
    return readFileSync(file, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
  }

  order(text: string): void {
    writeFileSync(join(this.directory, "order"), text);
  }
}

async function until(isTrue: () => boolean): Promise<void> {
  const deadline = performance.now() + 8_000;
  while (!isTrue() && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
}

testSource({
  name: "journal",
  keeps: true,
  isStream: false,
  async lay() {
    const journal = new Journal();
    return {
      create: (host) => journalSource.create({ from: "start" }, host),
      write: async (text) => {
        const lines = text.split("\n").slice(0, -1);
        appendFileSync(journal.file, lines.map((line) => journal.entry(line)).join(""));
      },
      [Symbol.asyncDispose]: async () => {},
    };
  },
});

const fixed = [
  "--follow",
  "--output=json",
  "--output-fields=MESSAGE,SYSLOG_IDENTIFIER,_COMM,_TRANSPORT",
  "--all",
  "--quiet",
  "--no-pager",
];

test("journalctl is called with fixed words: from the end, then behind the cursor of the last entry", async () => {
  const journal = new Journal();
  const remembered = new Remembered();
  journal.add("n=1");
  await using first = await follow(remembered, (host) => [journalSource.create({ from: "end" }, host)]);
  await until(() => journal.calls.length === 1);
  await until(() => remembered.places.size === 1);
  await first[Symbol.asyncDispose]();
  assert.deepEqual(remembered.numbers, []);
  // Nothing had come yet, and this comes while nobody follows.
  journal.firstUs = (Date.now() + 3_600_000) * 1_000;
  journal.add("n=2");
  await using second = await follow(remembered, (host) => [journalSource.create({ from: "end" }, host)]);
  journal.add("n=3");
  await until(() => remembered.lines.length === 2);
  await second[Symbol.asyncDispose]();
  assert.deepEqual(remembered.numbers, [2, 3]);
  const cursor = `s=${journal.directory.slice(-6)};i=1`;
  assert.deepEqual(journal.calls, [
    [...fixed, "--lines=1"],
    [...fixed, "--no-tail", `--after-cursor=${cursor}`],
  ]);
});

test("an empty journal from its end: the first entry that comes is read", async () => {
  const journal = new Journal();
  const remembered = new Remembered();
  await using _ = await follow(remembered, (host) => [journalSource.create({ from: "end" }, host)]);
  await until(() => journal.calls.length === 1);
  journal.firstUs = (Date.now() + 3_600_000) * 1_000;
  journal.add("n=1");
  journal.add("n=2");
  await until(() => remembered.lines.length >= 2);
  assert.deepEqual(remembered.numbers, [1, 2]);
});

test("a cursor that is gone: the oldest entry that was not read comes next, none twice", async () => {
  const journal = new Journal();
  const remembered = new Remembered();
  remembered.places.set("journal cursor", {
    source: "journal",
    key: "cursor",
    body: JSON.stringify({ cursor: "s=gone;i=9", atUs: startUs + 2_000_000 }),
  });
  for (let n = 1; n <= 5; n++) journal.add(`n=${n}`);
  await using _ = await follow(remembered, (host) => [journalSource.create({ from: "end" }, host)]);
  await until(() => remembered.lines.length >= 3);
  journal.add("n=6");
  await until(() => remembered.lines.length >= 4);
  assert.deepEqual(remembered.numbers, [3, 4, 5, 6]);
  assert.deepEqual(
    journal.calls.map((call) => call.at(-1)),
    ["--after-cursor=s=gone;i=9", `--since=@${(startUs + 2_000_000) / 1e6}`],
  );
});

test("a journalctl that dies is started again behind the last entry, and said to be in trouble meanwhile", async () => {
  const journal = new Journal();
  const remembered = new Remembered();
  journal.order("die");
  await using follower = await follow(remembered, (host) => [journalSource.create({ from: "start" }, host)]);
  await until(() => (follower.report()[0]?.troubles.length ?? 0) > 0);
  assert.match(follower.report()[0]?.troubles[0] ?? "", /journalctl ended \(1\)/);
  journal.add("n=1");
  await until(() => remembered.lines.length >= 1);
  assert.deepEqual(remembered.numbers, [1]);
  assert.deepEqual(follower.report()[0]?.troubles, []);
});

test("what journald suppressed is counted by its own word, and by nobody else's", async () => {
  const journal = new Journal();
  const remembered = new Remembered();
  await using follower = await follow(remembered, (host) => [journalSource.create({ from: "start" }, host)]);
  const journald = { SYSLOG_IDENTIFIER: "systemd-journald", _TRANSPORT: "driver" };
  journal.add("Suppressed 1234 messages from postfix.service", journald);
  journal.add("Suppressed 99 messages from postfix.service", { ...journald, _TRANSPORT: "syslog" });
  journal.add("user said: Suppressed 5 messages from x", journald);
  await until(() => remembered.lines.length >= 3);
  assert.equal(follower.report()[0]?.lost, 1_234);
});

test("the mark behind a piece is its last entry's, whatever stands in a message", () => {
  const journal = new Journal();
  const trap = journal.entry('"__CURSOR":"s=trap"');
  const mark = readMark(Buffer.from(journal.entry("a") + trap + journal.entry([255, 254, 65])), 0);
  assert.equal(mark.cursor, `s=${journal.directory.slice(-6)};i=3`);
  assert.equal(mark.atUs, startUs + 3_000_000 - 0);
  assert.equal(readMark(Buffer.from("no json\n"), 0).cursor, undefined);
});
