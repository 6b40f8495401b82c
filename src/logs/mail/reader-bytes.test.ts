// Hostile bytes: whatever a line holds, the next one is read right, and time grows no faster than the bytes.

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventsOf } from "../../../tests/mail-events.ts";

const head = "Nov 24 02:47:05 mx postfix/smtpd[1]: ";
const wanted = `${head}warning: unknown[192.0.2.2]: SASL LOGIN authentication failed: x\n`;
const forged = "warning: unknown[198.51.100.66]: SASL LOGIN authentication failed: x";
const megabytes15 = 1_500_000;

const ugly: ReadonlyArray<readonly [string, Buffer]> = [
  ["a line of 1.5 MB", Buffer.from(`${head}${"a".repeat(megabytes15)}`)],
  ["a line of 1.5 MB that ends like a failure", Buffer.from(`${head}${"a".repeat(megabytes15)}: ${forged}`)],
  ["a failure whose name has 1.5 MB", Buffer.from(`${head}${forged}, sasl_username=${"a".repeat(megabytes15)}`)],
  ["1.5 MB of NUL bytes", Buffer.alloc(megabytes15)],
  ["NUL bytes within a line", Buffer.from(`${head}NOQUEUE: \0reject: RCPT from \0a[198.51.100.66]: 554 x`)],
  [
    "bytes that are no UTF-8",
    Buffer.concat([Buffer.from(head), Buffer.from([0xff, 0xc0, 0x80, 0xed, 0xa0, 0x80, 0xf8])]),
  ],
  [
    "carriage returns and vertical tabs",
    Buffer.from(`${head}x\rNov 24 02:47:05 mx postfix/smtpd[1]: ${forged}\v\f\u2028`),
  ],
  ["a byte order mark in the middle", Buffer.from(`\ufeff\ufeff${head}${forged}`)],
  ["a header cut off", Buffer.from("Nov 24 02:4")],
  ["JSON cut off", Buffer.from(`{"MESSAGE":"${forged}","SYSLOG_IDENTIFIER":"postfix/smtpd","__REALTIME_TI`)],
  ["JSON of many levels", Buffer.from(`${'{"a":'.repeat(10_000)}1${"}".repeat(10_000)}`)],
  [
    "JSON whose fields are not what they should be",
    Buffer.from('{"MESSAGE":[[1]],"SYSLOG_IDENTIFIER":{},"__REALTIME_TIMESTAMP":[]}'),
  ],
  ["JSON that names no place of this object", Buffer.from('{"__proto__":{"MESSAGE":"x"},"constructor":1}')],
];

for (const [name, line] of ugly) {
  test(`the lines around ${name} are read right, wherever chunks end`, () => {
    const log = Buffer.concat([Buffer.from(wanted), line, Buffer.from(`\n${wanted}`)]);
    for (const chunk of [log.length, 65_536, 4_096]) {
      const events = eventsOf(log, {}, chunk);
      assert.deepEqual(
        events.map((event) => [event.line, event.ip]),
        [
          [1, "192.0.2.2"],
          [3, "192.0.2.2"],
        ],
      );
    }
  });
}

test("a name that is no UTF-8 is told, with U+FFFD for what is none", () => {
  const line = Buffer.concat([
    Buffer.from(`${head}warning: unknown[192.0.2.2]: SASL LOGIN authentication failed: x, sasl_username=a`),
    Buffer.from([0xff, 0x62, 0xc3]),
    Buffer.from("\n"),
  ]);
  assert.equal(eventsOf(line)[0]?.user, "a\ufffdb\ufffd");
});

/** Beginnings of lines that make careless header readers slow, `n` times some piece. */
const shapes: ReadonlyArray<readonly [string, (n: number) => string]> = [
  ["relays", (n) => "Nov 24 02:47:05 mx ".repeat(n)],
  ["stamps", (n) => "2026-11-24T02:47:05Z ".repeat(n)],
  ["priorities", (n) => `2026-11-24T02:47:05Z ${"mail.info: ".repeat(n)}`],
  ["containers", (n) => "mail-1 | ".repeat(n)],
  ["files", (n) => `${"/log:".repeat(n)} `],
  ["one word", (n) => `Nov 24 02:47:05 ${"log".repeat(n)}`],
  ["structured data", (n) => `<22>1 2026-11-24T02:47:05Z mx postfix/smtpd 1 - ${'[a b="\\"]"]'.repeat(n)}`],
  ["quotes without end", (n) => `<22>1 2026-11-24T02:47:05Z mx postfix/smtpd 1 - [a b="${"\\".repeat(n)}`],
  ["months", (n) => "нов ".repeat(n)],
  ["clocks", (n) => "1:23:4 ".repeat(n)],
  ["objects", (n) => `${'{"a":'.repeat(n)}1${"}".repeat(n)}`],
  ["objects cut short", (n) => `${'{"a":'.repeat(n)}}`],
  ["repeated", (n) => `${head}${"message repeated 2 times: [ ".repeat(n)}`],
  ["sockets", (n) => `${head}warning: SASL: Connect to ${" failed: ".repeat(n)}`],
  [
    "turned round",
    (n) => `Nov 24 02:47:05 mx dovecot: imap-login: user=<${" Disconnected (auth failed, 1 attempts)".repeat(n)}`,
  ],
];

/** Messages that make careless parsers slow. */
const messages: ReadonlyArray<readonly [string, (n: number) => string]> = [
  ["brackets", (n) => `postfix/smtpd[1]: warning: ${"[".repeat(n)}`],
  ["addresses", (n) => `postfix/smtpd[1]: NOQUEUE: reject: RCPT from ${"a[192.0.2.1]: ".repeat(n)}`],
  [
    "names",
    (n) => `postfix/smtpd[1]: warning: a[192.0.2.1]: SASL ${" authentication failed: x, sasl_username=".repeat(n)}`,
  ],
  ["rips", (n) => `dovecot: imap-login: Login: user=<${", rip=".repeat(n)}`],
  ["methods", (n) => `dovecot: imap-login: Login: user=<${">, method=, rip=192.0.2.1".repeat(n)}`],
  ["colons", (n) => `dovecot: auth: ${"a: ".repeat(n)}`],
  ["verdicts", (n) => `dovecot: auth: pam(${",192.0.2.1): unknown user".repeat(n)}`],
  ["sessions", (n) => `dovecot: auth: pam(${",<>".repeat(n)},192.0.2.1): unknown user`],
  ["states", (n) => `postfix/smtp[1]: 4F: to=<${">, relay=, status=".repeat(n)}`],
  ["sizes", (n) => `postfix/qmgr[1]: 4F: from=<${">, size=".repeat(n)}`],
  ["blanks", (n) => " ".repeat(n)],
  ["braces", (n) => `${"{".repeat(n)}`],
];

const lines: typeof shapes = [
  ...shapes,
  ...messages.map(([name, shape]) => [name, (n: number) => `Nov 24 02:47:05 mx ${shape(n)}`] as const),
];

for (const [name, shape] of lines) {
  test(`four times the bytes in a line take at most 2.2² times as long: ${name}`, () => {
    const piece = Buffer.byteLength(shape(101)) - Buffer.byteLength(shape(100));
    const count = 40;
    const time = (bytes: number) => {
      const line = Buffer.from(`${shape(Math.floor(bytes / piece))}\n`);
      const log = Buffer.concat(new Array<Buffer>(count).fill(line));
      let best = Number.POSITIVE_INFINITY;
      for (let i = 0; i < 5; i++) {
        const start = process.cpuUsage();
        eventsOf(log, {}, 256 * 1024);
        best = Math.min(best, process.cpuUsage(start).user);
      }
      return best;
    };
    time(4_000);
    const [once, four] = [time(15_000), time(60_000)];
    // 20 ms for 2.4 MB are allowed in any case: what is over in a moment says nothing about growth.
    assert.ok(four <= once * 2.2 ** 2 + 20_000, `${once} µs, then ${four} µs`);
    assert.ok(four < 120_000, `${four} µs for ${count} lines of 60 kB: more than 50 ms per MB`);
  });
}
