import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AccountHistory, type Level } from "./account-history.ts";
import { defaultJudgeSettings } from "./judge-settings.ts";
import { changeLevel } from "./suspicion.ts";

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
