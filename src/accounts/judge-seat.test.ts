import assert from "node:assert/strict";
import { test } from "node:test";
import { draftMailEvent, type MailEvent } from "../core/event.ts";
import type { AccountsStart } from "./accounts-words.ts";
import { printEvents } from "./event-record.ts";
import { JudgeSeat } from "./judge-seat.ts";
import { defaultJudgeSettings } from "./judge-settings.ts";
import { addressIn, dayMs, home, stageBook } from "./judge-stage.ts";
import type { PastJudge } from "./past-judge.ts";
import { createPast } from "./restored-judge.ts";

const begin = Date.UTC(2026, 2, 2, 8);
const name = "olena@poshta.example";
const start: AccountsStart = {
  settings: defaultJudgeSettings,
  accounts: { defaultDomain: "poshta.example", aliases: [] },
  ...{ histories: [], queue: [], site: undefined, marks: [], events: [], sequence: 0 },
};

function login(at: number, ip: string, n: number): MailEvent {
  const event = { ...draftMailEvent("login", "postfix", "submission"), at, ip, user: name };
  return { ...event, method: "PLAIN", queueId: `4F${n}` };
}

/** Quiet weeks, then a burst from twelve countries: rows as nodes tell them. */
function told(): { readonly seq: number; readonly body: string }[] {
  const events: MailEvent[] = [];
  for (let day = 0; day < 20; day++) events.push(login(begin + day * dayMs, addressIn(home), day));
  for (let n = 0; n < 12; n++) events.push(login(begin + 20 * dayMs + n * 20_000, addressIn(n + 1), 100 + n));
  return events.map((event, i) => ({ seq: i + 1, body: printEvents([{ kind: "mail", event }]) }));
}

const now = begin + 20 * dayMs + 300_000;

function levelsOf(seat: JudgeSeat): readonly string[] {
  return seat
    .due(now)
    .flatMap((write) =>
      write.kind === "judged" ? write.writes.flatMap((one) => (one.kind === "change" ? [one.change.level] : [])) : [],
    );
}

test("a judge that goes on for another one tells nobody again what was written, and writes nothing before it is there", () => {
  const rows = told();
  const seat = new JudgeSeat(start, stageBook(), { epoch: 2, heard: 0, applied: rows.length });
  seat.hear({ rows: rows.slice(0, 25), more: true, marks: undefined, now });
  assert.deepEqual(seat.due(now), []);
  seat.hear({ rows: rows.slice(25), more: false, marks: undefined, now });
  assert.deepEqual(levelsOf(seat), []);
  assert.notEqual(seat.judge.book.find(name)?.level, "calm");
  const fresh = new JudgeSeat(start, stageBook(), { epoch: 1, heard: 0, applied: 0 });
  fresh.hear({ rows, more: false, marks: undefined, now });
  assert.ok(levelsOf(fresh).length > 0, "the same rows are news to whoever hears them first");
});

test("somebody whose clock is a day behind keeps the past open only for a while", () => {
  const past: PastJudge = createPast(start, stageBook());
  const present = new JudgeSeat(start, stageBook(), { epoch: 1, heard: 0, applied: 0 }).judge;
  let looks = 0;
  for (let learned = false; !learned && looks < 1_000; looks++) {
    past.see([{ kind: "mail", event: login(begin + looks * 1_000, addressIn(home), looks) }]);
    learned = past.due(present);
  }
  assert.equal(looks, 300);
  assert.equal(past.isWaiting, false);
  assert.ok(present.book.find(name) !== undefined);
});
