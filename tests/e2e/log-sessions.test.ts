// Real Postfix and Dovecot, sessions whose truth we know: each is found in the logs as often as it happened, and nothing else is.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import type { MailEvent } from "../../src/core/event.ts";
import { FailureMerge } from "../../src/logs/mail/failure-merge.ts";
import { createMailReader } from "../../src/logs/mail/reader.ts";
import { needs } from "../needs.ts";
import { hostileSessions, innocent } from "./hostile-sessions.ts";
import { eventsOf, LogHouse, type SeenEvent } from "./log-house.ts";
import { type Expected, ordinarySessions, smtpFrom } from "./log-sessions.ts";

const skip = needs("root", "postfix", "dovecot", "mailboxes");

/** More sessions than this at once would find no process that answers them. */
const atOnce = 8;

interface Found {
  readonly events: readonly SeenEvent[];
  /** Wrong passwords by address, each counted once. */
  readonly wrong: ReadonlyMap<string, number>;
}

/** Runs the sessions, and reads what the daemons logged of them. */
async function found(house: LogHouse, sessions: readonly (() => Promise<void>)[]): Promise<Found> {
  const queue = [...sessions];
  const runner = async () => {
    for (let run = queue.shift(); run !== undefined; run = queue.shift()) await run();
  };
  await Promise.all(Array.from({ length: atOnce }, runner));
  const { postfix, dovecot } = await house.settled();
  const events = [...(await eventsOf(postfix)), ...(await eventsOf(dovecot))];
  return { events, wrong: countWrong([postfix, dovecot]) };
}

/** As the daemon counts them: the lines of all logs by their time. */
function countWrong(files: readonly string[]): ReadonlyMap<string, number> {
  const events: MailEvent[] = [];
  for (const file of files) {
    const reader = createMailReader({ kinds: ["auth_failure"], now: Date.now });
    reader.see(readFileSync(file), (event) => events.push(event));
    reader.end((event) => events.push(event));
  }
  events.sort((a, b) => a.at - b.at);
  const merge = new FailureMerge();
  const wrong = new Map<string, number>();
  for (const event of events)
    if (event.ip !== null) wrong.set(event.ip, (wrong.get(event.ip) ?? 0) + merge.count(event));
  return wrong;
}

/** Takes from `events` the one that has all fields of `wanted`; false when there is none. */
function take(events: SeenEvent[], wanted: Expected): boolean {
  const at = events.findIndex((event) => Object.entries(wanted).every(([name, value]) => event[name] === value));
  if (at >= 0) events.splice(at, 1);
  return at >= 0;
}

describe("sessions whose truth is known", { skip }, () => {
  let house: LogHouse;
  before(async () => {
    house = await LogHouse.start();
  });
  after(async () => {
    await house[Symbol.asyncDispose]();
  });

  test("every session is found in the logs as often as it happened, and nothing else", async () => {
    const { events, wrong } = await found(
      house,
      ordinarySessions.map((session) => () => session.run(house.ports, session.ip)),
    );
    const left = [...events];
    for (const session of ordinarySessions) {
      for (const wanted of session.events)
        assert.ok(
          take(left, wanted),
          `${session.title}: ${JSON.stringify(wanted)} is not among ${shown(events.filter((event) => event["ip"] === session.ip || event["ip"] === null))}`,
        );
    }
    assert.deepEqual(left, [], "events of no session");
    for (const { title, ip, wrong: times = 0 } of ordinarySessions)
      assert.equal(wrong.get(ip) ?? 0, times, `wrong passwords: ${title}`);
  });

  test("no text of a client makes anybody else guilty, or logs anybody in", async () => {
    const { events, wrong } = await found(
      house,
      hostileSessions.map((session) => () => session.run(house.ports)),
    );
    assert.deepEqual(
      events.filter((event) => event["ip"] === innocent.ip),
      [],
    );
    assert.deepEqual(
      events.filter((event) => event["kind"] === "login" && event["user"] === innocent.user),
      [],
    );
    const known = new Map([...hostileSessions, ...ordinarySessions].map((session) => [session.ip, session]));
    for (const event of events)
      if (event["ip"] !== null) assert.ok(known.has(String(event["ip"])), `whose is this? ${JSON.stringify(event)}`);
    for (const { title, ip, kinds, wrong: times } of hostileSessions) {
      const own = events.filter((event) => event["ip"] === ip);
      assert.deepEqual([...new Set(own.map((event) => event["kind"]))], kinds, `${title}\n${shown(own)}`);
      assert.equal(wrong.get(ip) ?? 0, times, `wrong passwords: ${title}\n${shown(own)}`);
    }
  });

  // The last: nothing works behind it.
  test("our own outage is nobody's failure: the auth process is gone", async () => {
    const ip = "203.0.113.253";
    const client = await smtpFrom(house.ports.submission, ip);
    await house.rig.stopDovecot();
    await client.authPlain("user1@example.test", "secret");
    await client.quit();
    const { events, wrong } = await found(house, []);
    assert.match(house.rig.mailLog().join("\n"), /203\.0\.113\.253.*: SASL PLAIN authentication failed/);
    assert.deepEqual(
      events.filter((event) => event["ip"] === ip),
      [],
    );
    assert.equal(wrong.get(ip) ?? 0, 0);
  });
});

function shown(events: readonly SeenEvent[]): string {
  return events.map((event) => JSON.stringify(event)).join("\n");
}
