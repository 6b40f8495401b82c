import assert from "node:assert/strict";
import { test } from "node:test";
import type { LineBatch } from "../core/line-batch.ts";
import { silentLog } from "../core/log.ts";
import type { LogPart } from "../core/log-part.ts";
import { LogParts } from "./log-parts.ts";

const now = Date.parse("2026-03-01T12:00:00Z");

const failed =
  "Mar  1 12:00:00 mx1 postfix/smtpd[7]: warning: unknown[192.0.2.7]: SASL LOGIN authentication failed: no";
const connected = "Mar  1 12:00:00 mx1 postfix/smtpd[7]: connect from unknown[192.0.2.7]";

function batchOf(...lines: readonly string[]): LineBatch {
  const bytes = Buffer.from(lines.join("\n"));
  const starts = new Int32Array(lines.length);
  const ends = new Int32Array(lines.length);
  let at = 0;
  for (const [i, line] of lines.entries()) {
    starts[i] = at;
    ends[i] = at + line.length;
    at += line.length + 1;
  }
  return {
    source: "s",
    stream: "s",
    bytes,
    starts,
    ends,
    count: lines.length,
    skipped: 0,
    readAt: now,
    isLive: true,
    isReplay: false,
  };
}

const quiet: LogPart = { see: () => [], due: () => [], report: () => ({}), answer: () => undefined };

test("a part sees the events of a piece with the index of their line, and its writes carry its name", () => {
  const part: LogPart = { ...quiet, see: ({ events }) => events.map(({ line, ip }) => `${line} ${ip}`) };
  const parts = new LogParts(new Map([["p", part]]), () => now, silentLog);
  const writes = parts.see(batchOf(connected, failed)).filter((write) => write.part === "p");
  assert.deepEqual(writes, [{ part: "p", body: "1 192.0.2.7" }]);
  const none = parts.see(batchOf(connected)).filter((write) => write.part === "p");
  assert.deepEqual(none, [], "events of the piece before are not shown again");
});

test("a password that two lines tell of was refused once", () => {
  const told = "Mar  1 12:00:00 mx1 dovecot: auth: passwd-file(u@example.org,192.0.2.7): unknown user";
  const again = `${failed}, sasl_username=u@example.org`;
  const part: LogPart = { ...quiet, see: ({ refused }) => [...refused] };
  const parts = new LogParts(new Map([["p", part]]), () => now, silentLog);
  const refused = parts.see(batchOf(told, again)).filter((write) => write.part === "p");
  assert.deepEqual(
    refused.map(({ body }) => body),
    [1, 0],
  );
});

test("a part that fails costs the others nothing", () => {
  const broken: LogPart = {
    ...quiet,
    see: () => {
      throw new Error("a bug");
    },
  };
  const whole: LogPart = { ...quiet, see: () => ["seen"], due: (at) => [`due ${at}`] };
  const parts = new LogParts(new Map(Object.entries({ broken, whole })), () => now, silentLog);
  assert.ok(parts.see(batchOf(failed)).some(({ part, body }) => part === "whole" && body === "seen"));
  assert.deepEqual(parts.due(5), [{ part: "whole", body: "due 5" }]);
});

test("a question goes to the part that it names; one that is not there is an error", () => {
  const part: LogPart = { ...quiet, answer: (question) => `${question}!`, report: () => 7 };
  const parts = new LogParts(new Map([["p", part]]), () => now, silentLog);
  assert.equal(parts.answer("p", "who"), "who!");
  assert.deepEqual(parts.reports(), { p: 7 });
  assert.throws(() => parts.answer("q", "who"), /no part q/);
});
