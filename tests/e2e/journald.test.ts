// The journal source over a real systemd-journald and its journalctl: what is followed, what a stop leaves for later, and what
// happens when entries, files or journald itself go away.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { MailEvent } from "../../src/core/event.ts";
import { createMailReader } from "../../src/logs/mail/reader.ts";
import { journalSource } from "../../src/logs/sources/journal.ts";
import { follow, Remembered } from "../log-follower.ts";
import { needs } from "../needs.ts";
import { JournaldRig } from "./journald-rig.ts";

const skip = needs("root", "journald");
const program = "postfix/smtpd";

async function until(isTrue: () => boolean): Promise<void> {
  const deadline = performance.now() + 15_000;
  while (!isTrue() && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const numbered = (from: number, to: number) =>
  range(from, to)
    .map((n) => `n=${n} connect from unknown[192.0.2.1]\n`)
    .join("");

/** Follows until `count` numbered lines have been seen in all. */
async function read(remembered: Remembered, count: number, during: () => void = () => {}): Promise<void> {
  const follower = await follow(remembered, (host) => [journalSource.create({ from: "start" }, host)]);
  during();
  await until(() => remembered.numbers.length >= count);
  await new Promise((resolve) => setTimeout(resolve, 100));
  await follower[Symbol.asyncDispose]();
}

test("every message once, in order, over stops and a journald that is killed", { skip }, async () => {
  await using rig = await JournaldRig.start();
  const remembered = new Remembered();
  rig.write(program, numbered(1, 500));
  await read(remembered, 1_000, () => rig.write(program, numbered(501, 1_000)));
  rig.write(program, numbered(1_001, 1_500));
  await read(remembered, 2_000, () => {
    rig.restartJournald();
    rig.write(program, numbered(1_501, 2_000));
  });
  assert.deepEqual(remembered.numbers, range(1, 2_000));
});

test("rotated while we follow and while we do not: none lost, none twice", { skip }, async () => {
  await using rig = await JournaldRig.start();
  const remembered = new Remembered();
  await read(remembered, 300, () => {
    for (let n = 1; n <= 300; n += 100) {
      rig.write(program, numbered(n, n + 99));
      rig.run("journalctl --rotate");
    }
  });
  rig.write(program, numbered(301, 400));
  rig.run("journalctl --rotate");
  rig.write(program, numbered(401, 500));
  await read(remembered, 500);
  assert.deepEqual(remembered.numbers, range(1, 500));
});

test("files that go with the entry of the cursor: the oldest entry that is left comes next", { skip }, async () => {
  await using rig = await JournaldRig.start();
  const remembered = new Remembered();
  rig.write(program, numbered(1, 100));
  await read(remembered, 100);
  rig.write(program, numbered(101, 150));
  rig.run("journalctl --rotate; rm /run/log/journal/*/*@*");
  rig.write(program, numbered(151, 200));
  await read(remembered, 200, () => rig.write(program, numbered(201, 250)));
  assert.deepEqual(remembered.numbers, [...range(1, 100), ...range(151, 250)]);
});

test("a damaged file of the journal costs its own entries and no others", { skip }, async () => {
  await using rig = await JournaldRig.start();
  const remembered = new Remembered();
  rig.write(program, numbered(1, 100));
  rig.run("journalctl --rotate; for f in /run/log/journal/*/*@*; do truncate -s 4096 $f; done");
  rig.write(program, numbered(101, 200));
  await read(remembered, 150, () => rig.write(program, numbered(201, 250)));
  assert.deepEqual(
    remembered.numbers.filter((n) => n > 100),
    range(101, 250),
  );
});

test("bytes that are no UTF-8, control characters and a long message arrive as mail events, and forge none", {
  skip,
}, async () => {
  await using rig = await JournaldRig.start();
  const remembered = new Remembered();
  const failed = (user: string) =>
    Buffer.from(`warning: unknown[192.0.2.9]: SASL LOGIN authentication failed: x, sasl_username=${user}\n`, "latin1");
  const long = Buffer.from(`warning: ${"x".repeat(20_000)}\n`);
  const lines = [failed("plain"), failed("b\xffd"), failed("tab\there\x1b[2J"), long, failed("last")];
  await read(remembered, 1, () => {
    rig.write(program, Buffer.concat(lines));
    rig.write("sshd", "unknown[198.51.100.66]: SASL LOGIN authentication failed\n");
    rig.write(program, "n=1\n");
  });
  const events: MailEvent[] = [];
  const reader = createMailReader({ now: Date.now });
  reader.see(Buffer.from(remembered.lines.map((line) => `${line}\n`).join("")), (event) => events.push(event));
  assert.deepEqual(
    events.map(({ user }) => user),
    ["plain", "b\ufffdd", "tab\there\x1b[2J", "last"],
  );
  assert.deepEqual([...new Set(events.map(({ ip, kind }) => `${kind} ${ip}`))], ["auth_failure 192.0.2.9"]);
  const at = events[0]?.at ?? 0;
  assert.ok(Math.abs(Date.now() - at) < 60_000, `${at}`);
});
