import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { defaultJudgeSettings } from "./judge-settings.ts";
import { SiteKnowledge } from "./site-knowledge.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** An address that fails on five accounts, and is friend to one. */
function guessed(at: number): SiteKnowledge {
  const site = new SiteKnowledge(defaultJudgeSettings);
  for (let i = 0; i < 5; i++) site.addFailure(`v${i}`, 7, at + i);
  site.addSuccess("friend", 7, at + 9);
  return site;
}

describe("what the site knows", () => {
  test("tidied or not, it says the same of who guesses", () => {
    for (const later of [hourMs, 20 * hourMs, 30 * hourMs, 40 * dayMs]) {
      const [kept, tidied] = [guessed(dayMs), guessed(dayMs)];
      tidied.tidy(dayMs + later);
      for (const site of [kept, tidied]) {
        assert.equal(site.guessedAccounts("me", 7, dayMs + later), later < dayMs ? 5 : 0);
        assert.equal(site.guessedFrom("v0", dayMs + later), later < 2 * dayMs ? 1 : 0);
      }
    }
  });

  test("what is too old to count leaves the record", () => {
    const site = guessed(dayMs);
    assert.notEqual(site.print().guessers, "[]");
    site.tidy(60 * dayMs);
    assert.deepEqual([site.print().guessers, site.print().victims], ["[]", "[]"]);
  });

  test("a record that was printed before says what changed since, and is read back as it was", () => {
    const site = guessed(dayMs);
    site.print();
    site.addFailure("v9", 7, dayMs + hourMs);
    const again = new SiteKnowledge(defaultJudgeSettings);
    again.restore(site.print());
    assert.equal(again.guessedAccounts("me", 7, dayMs + hourMs), 6);
    assert.deepEqual(again.print(), site.print());
  });
});
