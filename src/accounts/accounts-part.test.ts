import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { draftMailEvent, type MailEvent } from "../core/event.ts";
import type { LineBatch } from "../core/line-batch.ts";
import type { AccountView } from "./account-view.ts";
import { AccountsPart } from "./accounts-part.ts";
import type { AccountsStart, AccountsWrite } from "./accounts-words.ts";
import type { LevelChange } from "./judge.ts";
import { defaultJudgeSettings } from "./judge-settings.ts";
import { addressIn, dayMs, home, stageBook } from "./judge-stage.ts";

const begin = Date.UTC(2026, 2, 2, 8);
const name = "olena@poshta.example";
const none = new Int32Array(0);

function batchAt(readAt: number): LineBatch {
  return {
    source: "s",
    stream: "s",
    bytes: Buffer.alloc(0),
    starts: none,
    ends: none,
    count: 0,
    skipped: 0,
    readAt,
    isReplay: false,
    isLive: true,
  };
}

/** What is on disk, and a part that is started from it: killed at any time by forgetting it. */
class Disk {
  readonly changes: LevelChange[] = [];
  readonly bodies = new Map<string, number>();
  #histories = new Map<string, { account: string; level: string; body: string }>();
  #queue = new Map<string, AccountsStart["queue"][number]>();
  #site: AccountsStart["site"];
  #events: { sequence: number; body: string }[] = [];
  #sequence = 0;

  start(): AccountsPart {
    const start: AccountsStart = {
      settings: defaultJudgeSettings,
      accounts: { defaultDomain: "poshta.example", aliases: [] },
      histories: [...this.#histories.values()],
      queue: [...this.#queue.values()],
      site: this.#site,
      marks: [],
      events: this.#events.map(({ body }) => body),
      sequence: this.#sequence,
    };
    return new AccountsPart(structuredClone(start), stageBook());
  }

  write(writes: readonly AccountsWrite[]): void {
    for (const write of writes) {
      if (write.kind === "change") this.changes.push(write.change);
      else if (write.kind === "events") {
        this.#events.push(write);
        this.#sequence = write.sequence;
      } else if (write.kind === "checkpoint") {
        for (const row of write.histories) this.#histories.set(row.account, row);
        for (const row of write.histories) this.bodies.set(row.account, Buffer.byteLength(row.body));
        for (const gone of write.gone) this.#histories.delete(gone);
        for (const row of write.queue) this.#queue.set(row.queueId, row);
        this.#site = write.site;
        this.#events = this.#events.filter(({ sequence }) => sequence > write.sequence);
      }
    }
  }

  get events(): number {
    return this.#events.length;
  }
}

function message(at: number, ip: string, queueId: string, recipients = 1, bounced = 0): MailEvent[] {
  const draft = (kind: MailEvent["kind"]) => ({ ...draftMailEvent(kind, "postfix", "submission"), at, queueId });
  return [
    { ...draft("login"), ip, user: "Olena", method: "PLAIN" },
    { ...draft("queued"), recipients, sizeBytes: 2_000 + (at % 977), sender: name },
    ...Array.from({ length: bounced }, () => draft("bounced")),
  ];
}

/** Twelve days at home, then an attack from many countries, a message a minute. */
function story(): MailEvent[][] {
  const pieces: MailEvent[][] = [];
  for (let day = 0; day < 12; day++) pieces.push(message(begin + day * dayMs, addressIn(home), `H${day}`));
  const attack = begin + 12 * dayMs;
  for (let i = 0; i < 12; i++) pieces.push(message(attack + i * 60_000, addressIn(i + 1), `A${i}`, 4, i % 2));
  return pieces;
}

function tell(disk: Disk, part: AccountsPart, events: readonly MailEvent[]): void {
  disk.write(part.see({ batch: batchAt(events[0]?.at ?? 0), events, refused: [] }));
}

function viewOf(part: AccountsPart, now: number): AccountView {
  const view = part.answer({ ask: "account", account: name, now });
  assert.ok(view !== null && typeof view === "object" && "score" in view);
  return view;
}

describe("the accounts' part of the logs thread", () => {
  const pieces = story();
  const now = (pieces.at(-1)?.[0]?.at ?? 0) + 1_000;
  const whole = new Disk();
  const unbroken = whole.start();
  for (const events of pieces) tell(whole, unbroken, events);

  for (const checkpoints of ["never", "often"] as const) {
    test(`case 49: killed after every piece, with histories written ${checkpoints}, it judges as if nothing had been`, () => {
      const disk = new Disk();
      for (const events of pieces) {
        const part = disk.start();
        tell(disk, part, events);
        if (checkpoints === "often") disk.write(part.due(events[0]?.at ?? 0));
      }
      const part = disk.start();
      assert.deepEqual(viewOf(part, now), viewOf(unbroken, now));
      assert.deepEqual(
        disk.changes.map(({ at, level, score }) => ({ at, level, score })),
        whole.changes.map(({ at, level, score }) => ({ at, level, score })),
      );
      assert.ok(whole.changes.some(({ level }) => level === "high"));
    });
  }

  test("lines that are read twice count once", () => {
    const disk = new Disk();
    const part = disk.start();
    for (const events of pieces) {
      tell(disk, part, events);
      tell(disk, part, events);
    }
    assert.equal(viewOf(part, now).logins, pieces.length);
    assert.equal(disk.changes.length, whole.changes.length);
  });

  test("a login that Postfix asks about and its log tells of counts once", () => {
    const disk = new Disk();
    const part = disk.start();
    part.answer({
      ask: "asked",
      now: begin,
      logins: [{ at: begin, ip: addressIn(home), user: name, method: "PLAIN", by: "asked", failed: false }],
    });
    part.answer({
      ask: "asked",
      now: begin,
      logins: [{ at: begin, ip: addressIn(home), user: name, method: "PLAIN", by: "asked", failed: false }],
    });
    tell(disk, part, message(begin + 300, addressIn(home), "Q1"));
    assert.equal(viewOf(part, now).logins, 1);
    tell(disk, part, message(begin + 5_000, addressIn(home), "Q2"));
    assert.equal(viewOf(part, now).logins, 2);
    assert.equal(viewOf(disk.start(), now).logins, 2, "also after a restart");
  });

  test("a login that Postfix asked about is judged before its log tells of it", () => {
    const disk = new Disk();
    const part = disk.start();
    for (const events of pieces.slice(0, 12)) tell(disk, part, events);
    const at = begin + 12 * dayMs;
    const logins = Array.from({ length: 8 }, (_, i) => {
      return { at: at + i * 1_000, ip: addressIn(i + 1), user: name, method: "LOGIN", by: "asked", failed: false };
    });
    part.answer({ ask: "asked", now: at + 8_000, logins });
    disk.write(part.due(at + 9_000));
    assert.ok(disk.changes.some(({ level }) => level === "watch" || level === "high"));
  });

  test("case 53: a reported login without mail is suspicious, and its mail a moment later is no second login", () => {
    const disk = new Disk();
    const part = disk.start();
    for (const events of pieces.slice(0, 12)) tell(disk, part, events);
    const at = begin + 12 * dayMs;
    const ip = addressIn(1);
    const before = viewOf(part, at).logins;
    const silent = () => viewOf(part, at + 2_000).signals.some((signal) => signal.name === "silent_tests");
    const login = { at, ip, user: name, method: null, by: "auth", failed: false } as const;
    part.answer({ ask: "asked", now: at, logins: [login] });
    assert.equal(silent(), true);
    tell(disk, part, message(at + 1_000, ip, "Q77"));
    assert.deepEqual([silent(), viewOf(part, at + 2_000).logins], [false, before + 1]);
  });

  test("what was told lies on disk until the histories do, and an idle account takes less than two kilobytes", () => {
    const disk = new Disk();
    const part = disk.start();
    for (const events of pieces.slice(0, 12)) tell(disk, part, events);
    assert.equal(disk.events, 12);
    disk.write(part.due(now));
    assert.equal(disk.events, 0);
    assert.ok((disk.bodies.get(name) ?? 0) < 2_000);
  });

  test("an account that is erased does not come back", () => {
    const disk = new Disk();
    const part = disk.start();
    for (const events of pieces) tell(disk, part, events);
    disk.write(part.due(now));
    assert.equal(part.answer({ ask: "erase", account: name }), true);
    disk.write(part.due(now + 1));
    assert.equal(disk.start().answer({ ask: "account", account: name, now }), null);
  });
});
