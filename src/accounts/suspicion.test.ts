import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AccountHistory, type Level, noMarks } from "./account-history.ts";
import { parseHistory, printHistory } from "./history-record.ts";
import type { Judge } from "./judge.ts";
import { defaultJudgeSettings } from "./judge-settings.ts";
import { addressIn, JudgeStage, stageBook } from "./judge-stage.ts";
import { changeLevel, isWatch, watchEndsAt } from "./suspicion.ts";

const hour = 3_600_000;
const start = 1_000 * hour;

/** At an hour: the score then, and the hour of its last evidence; then the level that comes of it. */
type Step = readonly [at: number, score: number, freshAt: number, level: Level];

const stories: readonly (readonly [title: string, steps: readonly Step[]])[] = [
  [
    "a notice lapses a day after the last evidence that was worth one",
    [
      [0, 45, 0, "notice"],
      [10, 41, 10, "notice"],
      [20, 25, 20, "notice"],
      [33, 0, 20, "notice"],
      [34, 0, 20, "calm"],
    ],
  ],
  [
    "what a notice has told is not told again while nothing is fresh",
    [
      [0, 45, 0, "notice"],
      [24, 45, 0, "calm"],
      [30, 45, 0, "calm"],
      [31, 45, 31, "notice"],
    ],
  ],
  [
    "what is worth a watch is told, however old its evidence",
    [
      [0, 45, 0, "notice"],
      [24, 45, 0, "calm"],
      [25, 60, 0, "watch"],
    ],
  ],
  [
    "a watch stays until all was quiet for two days",
    [
      [0, 60, 0, "watch"],
      [24, 0, 0, "watch"],
      [48, 0, 0, "watch"],
      [90, 0, 0, "calm"],
    ],
  ],
  [
    "who comes under watch again within a week stays twice as long",
    [
      [0, 60, 0, "watch"],
      [90, 0, 0, "calm"],
      [100, 60, 100, "watch"],
      [190, 0, 100, "watch"],
      [197, 0, 100, "calm"],
      [300, 60, 300, "watch"],
      [390, 0, 300, "watch"],
    ],
  ],
  [
    "who comes again after more than a week stays as long as at first",
    [
      [0, 60, 0, "watch"],
      [90, 0, 0, "calm"],
      [260, 60, 260, "watch"],
      [310, 0, 260, "calm"],
    ],
  ],
  [
    "a notice in between is no watch",
    [
      [0, 45, 0, "notice"],
      [24, 0, 0, "calm"],
      [30, 60, 30, "watch"],
      [90, 0, 30, "calm"],
    ],
  ],
  [
    "a notice that becomes a watch is one",
    [
      [0, 45, 0, "notice"],
      [1, 60, 1, "watch"],
      [26, 0, 1, "watch"],
    ],
  ],
];

describe("from a score to a level", () => {
  for (const [title, steps] of stories) {
    test(title, () => {
      const account = new AccountHistory("ann", start);
      for (const [at, score, freshAt, level] of steps) {
        const before = account.level;
        const point = { at: start + at * hour, score, freshAt: start + freshAt * hour };
        const changed = changeLevel(account, point, defaultJudgeSettings);
        assert.equal(account.level, level, `after ${at} h`);
        assert.equal(changed, before !== level);
      }
    });
  }
});

test("when a watch ends by itself is known before", () => {
  for (const isBack of [false, true]) {
    const account = new AccountHistory("ann", start);
    if (isBack) account.leftWatchAt = start - hour;
    const see = (at: number, score: number) =>
      changeLevel(account, { at: start + at, score, freshAt: start }, defaultJudgeSettings);
    see(0, 60);
    const end = (watchEndsAt(account, defaultJudgeSettings) ?? 0) - start;
    const step = hour / 60;
    let left = 0;
    for (let at = step; left === 0 && at < 300 * hour; at += step) if (see(at, 0)) left = at;
    assert.ok(Math.abs(left - end) <= 2 * step, `told ${end / hour} h, left after ${left / hour} h`);
    assert.equal(watchEndsAt(account, defaultJudgeSettings), undefined);
  }
});

test("how long an account stays is on disk with its history", () => {
  const account = new AccountHistory("ann", start);
  const see = (it: AccountHistory, at: number, score: number) =>
    changeLevel(it, { at: start + at * hour, score, freshAt: start + at * hour }, defaultJudgeSettings);
  see(account, 0, 60);
  see(account, 90, 0);
  see(account, 100, 60);
  const read = parseHistory("ann", printHistory(account), stageBook());
  assert.ok(read !== undefined);
  assert.equal(see(read, 190, 0), false);
  assert.equal(see(read, 240, 0), true);
});

test("what the owner says was theirs is no watch that the account left; what was given back is one", () => {
  const stays = (end: (judge: Judge, at: number) => void) => {
    const stage = new JudgeStage();
    const rise = () => {
      for (let n = 21; n < 40; n++) stage.send("olena", addressIn(n), { recipients: 9, bounced: 3 });
    };
    stage.settle("olena");
    rise();
    assert.ok(isWatch(stage.judge.book.find("olena@poshta.example")?.level ?? "calm"));
    end(stage.judge, stage.now);
    assert.equal(stage.judge.book.find("olena@poshta.example")?.level, "calm");
    stage.now += hour;
    rise();
    return stage.judge.book.find("olena@poshta.example")?.isBack;
  };
  const mine = { ...noMarks, isOwn: () => true };
  const said = stays((judge, at) => {
    judge.book.useMarks(new Map([["olena@poshta.example", mine]]), noMarks);
    judge.judgeAgain("olena@poshta.example", at);
    judge.book.useMarks(new Map([["olena@poshta.example", noMarks]]), noMarks);
  });
  assert.equal(said, false);
  assert.equal(
    stays((judge, at) => void judge.reset("olena@poshta.example", at)),
    true,
  );
});
