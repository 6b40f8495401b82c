// Fail2ban's jails over lines: what the filters of a mail server find, what is forged, what is our own fault, and patterns without end.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { FailuresWrite } from "../src/jails/jail-words.ts";
import { JailHouse, jailsBegin } from "./jail-house.ts";
import { writeSeedFail2ban } from "./seed-fail2ban.ts";

const root = mkdtempSync(join(tmpdir(), "postvarta-fail2ban-jails-"));
process.on("exit", () => rmSync(root, { recursive: true, force: true }));

const log = "/var/log/maillog";
const off = { enabled: false };
/** Only Fail2ban's jails. */
const alone = {
  ...{ wrong_password: off, unknown_user: off, spraying: off, connection_limit: off, quota_refusal: off },
  ...{ postscreen: off },
};

function houseOf(directory: string, stream = log, more: { counting?: string } = {}): JailHouse {
  const house = new JailHouse({ jails: { ...alone, ...more, fail2ban: directory } });
  house.stream = stream;
  return house;
}

const seed = (more = "") => houseOf(writeSeedFail2ban(mkdtempSync(join(root, "c-")), log, more));

const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));
const refused = (ip: string, rest = "UGFzc3dvcmQ6") =>
  `postfix/smtpd[7]: warning: unknown[${ip}]: SASL LOGIN authentication failed: ${rest}`;
const limit = (ip: string) =>
  `postfix/smtpd[7]: warning: Connection rate limit exceeded: 31 from unknown[${ip}] for service smtp`;
const overQuota = (ip: string, from = "u@example.org") =>
  `postfix/smtpd[7]: NOQUEUE: reject: RCPT from unknown[${ip}]: 554 5.7.1 <a@example.net>: Recipient address rejected: LIMIT AT QUOTAUSE; from=<${from}> to=<a@example.net> proto=ESMTP helo=<c>`;

describe("Fail2ban's jails", () => {
  test("the three jails of a mail server find their lines and no others", () => {
    const house = seed();
    house.see(
      "postfix/smtpd[7]: connect from unknown[192.0.2.1]",
      ...times(4, () => refused("192.0.2.1")),
      ...times(4, () => limit("192.0.2.2")),
      ...times(4, () => overQuota("192.0.2.3")),
      ...times(3, () => overQuota("192.0.2.4")),
    );
    assert.deepEqual(house.banned, ["192.0.2.1 postfix-sasl", "192.0.2.2 postfix-conlim", "192.0.2.3 postfix-overlim"]);
    assert.equal(house.tickets[0]?.bantimeMs, 360_000_000);
    assert.ok(house.tickets[0]?.curve[0]?.line?.includes("unknown[192.0.2.1]"));
  });

  test("other streams are none of their business", () => {
    const house = seed();
    house.stream = "/var/log/auth.log";
    house.see(...times(9, () => refused("192.0.2.1")));
    assert.deepEqual(house.banned, []);
  });

  test("a sender that imitates a refusal is forged, and bans nobody", () => {
    const house = seed();
    const innocent = "198.51.100.66";
    const sender = `"h[${innocent}]: 554 5.7.1 a: LIMIT AT QUOTAUSE;"@x.example`;
    const line = overQuota("192.0.2.7", sender).replace("LIMIT AT QUOTAUSE; from", "Relay access denied; from");
    house.see(...times(20, () => line));
    assert.deepEqual(house.banned, []);
    assert.ok(house.report.jails.some(({ name, counts }) => name === "postfix-overlim" && counts.forged === 20));
  });

  test("our own outage bans nobody", () => {
    const house = seed();
    house.see(
      ...times(20, () => refused("192.0.2.7", "Connection lost to authentication server")),
      ...times(20, () => refused("192.0.2.7", "generic failure")),
    );
    assert.deepEqual(house.banned, []);
    assert.ok(house.report.jails.some(({ counts }) => counts.own_fault === 40));
  });

  test("loopback, what the configuration trusts and what the jail ignores are not counted", () => {
    const house = seed("ignoreip = 192.0.2.0/25 2001:db8::/32");
    const spared = ["127.0.0.1", "192.0.2.7", "2001:db8::7", "::ffff:192.0.2.8"];
    house.see(...spared.flatMap((ip) => times(9, () => refused(ip))), ...times(4, () => refused("192.0.2.200")));
    assert.deepEqual(house.banned, ["192.0.2.200 postfix-sasl"]);
  });

  test("counts hold over a restart", () => {
    const directory = writeSeedFail2ban(mkdtempSync(join(root, "c-")), log);
    const first = houseOf(directory);
    first.see(...times(3, () => refused("192.0.2.7")));
    const failures = first.writes.filter((write): write is FailuresWrite => write.kind === "failures");
    const second = new JailHouse({ jails: { ...alone, fail2ban: directory }, start: { failures } });
    second.stream = log;
    second.see(refused("192.0.2.7"));
    assert.deepEqual(second.banned, ["192.0.2.7 postfix-sasl"]);
  });

  test("failures are spread as Fail2ban estimates them, when that is asked for", () => {
    const minutes = [0, 0, 0, 15];
    const banned = (counting: string) => {
      const house = houseOf(writeSeedFail2ban(mkdtempSync(join(root, "c-")), log), log, { counting });
      for (const minute of minutes) {
        house.now = jailsBegin + minute * 60_000;
        house.see(refused("192.0.2.7"));
      }
      house.see(refused("192.0.2.7"));
      return house.banned.length;
    };
    assert.deepEqual([banned("sliding"), banned("estimate")], [0, 1]);
  });

  test("a pattern without end is left alone after three lines, and the other jails go on", () => {
    const directory = writeSeedFail2ban(mkdtempSync(join(root, "c-")), log);
    writeFileSync(join(directory, "filter.d", "bad.conf"), "[Definition]\nfailregex = auth <HOST> (a+)+$\n");
    mkdirSync(join(directory, "jail.d"));
    writeFileSync(
      join(directory, "jail.d", "bad.conf"),
      `[bad]\nenabled = true\nfilter = bad\naction = pf\nlogpath = ${log}\n`,
    );
    const house = houseOf(directory);
    house.see(...times(5, () => `x: auth 192.0.2.9 ${"a".repeat(40)}!`), ...times(4, () => refused("192.0.2.7")));
    assert.deepEqual(house.banned, ["192.0.2.7 postfix-sasl"]);
    const [trouble] = house.report.jails.find(({ name }) => name === "bad")?.troubles ?? [];
    assert.match(trouble ?? "", /left alone/);
  });

  test("a jail that cannot run is told, and the others run", () => {
    const directory = writeSeedFail2ban(mkdtempSync(join(root, "c-")), log);
    writeFileSync(join(directory, "filter.d", "postfix-conlim.conf"), "[Definition]\nfailregex = (unclosed <HOST>\n");
    const house = houseOf(directory);
    house.see(...times(4, () => refused("192.0.2.7")), ...times(4, () => limit("192.0.2.7")));
    assert.deepEqual(house.banned, ["192.0.2.7 postfix-sasl"]);
    assert.match(house.report.problems[0] ?? "", /postfix-conlim\.conf:2/);
  });

  test("the journal's lines go to the jails that read it", () => {
    const directory = writeSeedFail2ban(mkdtempSync(join(root, "c-")), log, "backend = systemd");
    const match = "[Definition]\njournalmatch = _SYSTEMD_UNIT=postfix.service\n";
    writeFileSync(join(directory, "filter.d", "postfix-sasl.local"), match);
    const house = houseOf(directory, "journal");
    const entry = (unit: string, ip: string, message: unknown = undefined) =>
      JSON.stringify({
        ...{ __REALTIME_TIMESTAMP: String(house.now * 1000), _HOSTNAME: "mx1", SYSLOG_IDENTIFIER: "postfix/smtpd" },
        ...{ _PID: "7", _SYSTEMD_UNIT: unit },
        MESSAGE: message ?? refused(ip).slice("postfix/smtpd[7]: ".length),
      });
    const bytes = (ip: string) => [...Buffer.from(refused(ip).slice("postfix/smtpd[7]: ".length))];
    house.seeLines(
      ...times(4, () => entry("postfix.service", "192.0.2.7")),
      ...times(4, () => entry("other.service", "192.0.2.8")),
      ...times(4, () => entry("postfix.service", "192.0.2.9", bytes("192.0.2.9"))),
    );
    assert.deepEqual(house.banned, ["192.0.2.7 postfix-sasl", "192.0.2.9 postfix-sasl"]);
  });
});
