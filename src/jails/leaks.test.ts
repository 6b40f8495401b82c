import { deepStrictEqual, strictEqual } from "node:assert";
import { describe, test } from "node:test";
import { draftMailEvent, type MailEvent, type MailSource } from "../core/event.ts";
import { parsePorts } from "../core/port-list.ts";
import type { StandingBan } from "./jail-words.ts";
import { Leaks } from "./leaks.ts";

const begin = Date.parse("2026-03-01T12:00:00Z");
const minute = 60_000;
const hour = 60 * minute;

function ban(address: string, more: Partial<StandingBan> = {}): StandingBan {
  return { address, jail: "wrong-password", from: begin, until: undefined, ports: undefined, ...more };
}

function failure(ip: string | null, source: MailSource = "postfix", service = "smtpd"): MailEvent {
  return { ...draftMailEvent("auth_failure", source, service), ip };
}

/** How many lines count as leaks when the event comes `afterMs` after the ban. */
function leaksOf(standing: StandingBan, event: MailEvent, afterMs: number): number {
  const leaks = new Leaks();
  leaks.add(standing, begin);
  leaks.see(event, begin + afterMs, begin + afterMs);
  return leaks.report().lines;
}

const cases: readonly [what: string, standing: StandingBan, event: MailEvent, afterMs: number, lines: number][] = [
  ["a banned address", ban("192.0.2.7"), failure("192.0.2.7"), minute, 1],
  ["an address in a banned network", ban("192.0.2.0/27"), failure("192.0.2.7"), minute, 1],
  ["an address of a banned /64", ban("2001:db8::/64"), failure("2001:db8::9"), minute, 1],
  ["another address", ban("192.0.2.7"), failure("192.0.2.8"), minute, 0],
  ["a line without an address", ban("192.0.2.7"), failure(null), minute, 0],
  ["what was under way", ban("192.0.2.7"), failure("192.0.2.7"), 20_000, 0],
  ["a line from before the ban", ban("192.0.2.7"), failure("192.0.2.7"), -minute, 0],
  ["a ban that has ended", ban("192.0.2.7", { until: begin + minute }), failure("192.0.2.7"), 2 * minute, 0],
  ["closed ports only", ban("192.0.2.7", { ports: parsePorts("smtp,465,587") }), failure("192.0.2.7"), minute, 1],
  ["a port that is open", ban("192.0.2.7", { ports: parsePorts("smtp") }), failure("192.0.2.7"), minute, 0],
  [
    "another service",
    ban("192.0.2.7", { ports: parsePorts("smtp,465,587") }),
    failure("192.0.2.7", "dovecot", "imap"),
    minute,
    0,
  ],
];

describe("leaks", () => {
  for (const [what, standing, event, afterMs, lines] of cases)
    test(`${what}: ${lines === 0 ? "no leak" : "a leak"}`, () => strictEqual(leaksOf(standing, event, afterMs), lines));

  test("a ban that was wished for minutes ago leaks nothing before it could stand", () => {
    const leaks = new Leaks();
    leaks.add(ban("192.0.2.7", { from: begin - hour }), begin);
    strictEqual(leaks.see(failure("192.0.2.7"), begin - minute, begin), undefined);
    strictEqual(leaks.report().lines, 0);
  });

  test("two addresses that leak in turn are told once an hour each", () => {
    const leaks = new Leaks();
    for (const address of ["192.0.2.7", "192.0.2.8"]) leaks.add(ban(address), begin);
    const told: string[] = [];
    for (let at = begin + minute; at < begin + 2 * hour; at += minute) {
      const leak = leaks.see(failure(at % (2 * minute) === 0 ? "192.0.2.7" : "192.0.2.8"), at, at);
      if (leak !== undefined) told.push(leak.address);
    }
    deepStrictEqual(told.toSorted(), ["192.0.2.7", "192.0.2.7", "192.0.2.8", "192.0.2.8"]);
    strictEqual(leaks.report().lines, 119);
  });

  test("a firewall that somebody switched off is told a few times, and all is counted", () => {
    const leaks = new Leaks();
    const addresses = Array.from({ length: 200 }, (_, i) => `192.0.2.${i}`);
    for (const address of addresses) leaks.add(ban(address), begin);
    const told = addresses.filter((ip) => leaks.see(failure(ip), begin + minute, begin + minute) !== undefined);
    strictEqual(told.length, 20);
    strictEqual(leaks.report().lines, 200);
  });

  test("an end of one jail's ban leaves that of another", () => {
    const leaks = new Leaks();
    for (const jail of ["wrong-password", "spraying"]) leaks.add(ban("192.0.2.7", { jail }), begin);
    leaks.remove({ address: "192.0.2.7", jail: "spraying" });
    strictEqual(leaks.see(failure("192.0.2.7"), begin + minute, begin + minute)?.jail, "wrong-password");
  });
});
