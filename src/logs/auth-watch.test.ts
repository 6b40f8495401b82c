import assert from "node:assert/strict";
import { test } from "node:test";
import { lineLog } from "../core/log.ts";
import type { Notice } from "../core/notice.ts";
import { AuthWatch } from "./auth-watch.ts";
import { MailCounts } from "./mail-counts.ts";

const second = 1_000;
const start = Date.parse("2026-03-01T12:00:00Z");

/** Lines of a log, then what the watch makes of it `seconds` after the start. */
function watched() {
  const told: Omit<Notice, "at">[] = [];
  const watch = new AuthWatch(lineLog({ level: "info", journald: true, write: () => {} }), (notice) =>
    told.push(notice),
  );
  const clock = { now: start };
  const counts = new MailCounts(() => clock.now);
  const read = (...messages: readonly string[]) => {
    const stamp = new Date(clock.now).toISOString();
    const lines = messages.map((message) => Buffer.from(`${stamp} mx1 postfix/smtpd[7]: ${message}`));
    const starts = Uint32Array.from(lines, (_, i) => lines.slice(0, i).reduce((sum, one) => sum + one.length, 0));
    const ends = starts.map((at, i) => at + (lines[i]?.length ?? 0));
    const batch = { source: "l", stream: "l", bytes: Buffer.concat(lines), starts, ends, count: lines.length };
    counts.see({ ...batch, skipped: 0, readAt: clock.now } as never);
  };
  const look = (seconds: number) => {
    clock.now = start + seconds * second;
    watch.look(counts.report(), clock.now);
  };
  return { told, read, look };
}

const unchecked = (i: number, reason = "Connection lost to authentication server") =>
  `warning: unknown[192.0.2.${i}]: SASL LOGIN authentication failed: ${reason}`;
const clients = (count: number) => Array.from({ length: count }, (_, i) => unchecked(i + 1));

test("passwords of more than twenty clients that nobody could look at are told once", () => {
  const { told, read, look } = watched();
  read(...clients(20));
  look(1);
  assert.deepEqual(told, []);
  read(unchecked(21, "generic failure"));
  look(2);
  look(30);
  read(...clients(30));
  look(61);
  assert.deepEqual(told, [
    { kind: "auth_down", severity: "critical", subject: "l", facts: { addresses: "21", source: "l" } },
  ]);
});

test("one client's nonsense, a wrong password and what a client writes are no outage", () => {
  const { told, read, look } = watched();
  const quoted = (i: number) =>
    `warning: unknown[192.0.2.99]: SASL ${unchecked(i)} authentication failed: Invalid authentication mechanism`;
  read(...Array.from({ length: 500 }, () => unchecked(1)));
  read(...Array.from({ length: 50 }, (_, i) => unchecked(i, "UGFzc3dvcmQ6")));
  read(...Array.from({ length: 50 }, (_, i) => quoted(i)));
  look(1);
  assert.deepEqual(told, []);
});

test("a login says that the service works, and a slow trickle is none", () => {
  const { told, read, look } = watched();
  read(...clients(30), "4ABCD: client=unknown[192.0.2.200], sasl_method=PLAIN, sasl_username=a@example.org");
  look(1);
  for (let i = 0; i < 60; i++) {
    read(unchecked(i + 1));
    look(10 + i * 10);
  }
  assert.deepEqual(told, []);
});

test("after ten minutes without it the next outage is told again", () => {
  const { told, read, look } = watched();
  read(...clients(25));
  look(1);
  look(300);
  look(602);
  read(...clients(25));
  look(603);
  assert.equal(told.length, 2);
});
