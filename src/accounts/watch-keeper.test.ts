import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../core/clock.ts";
import { findLevels, pruneLevels } from "../store/account-levels.ts";
import type { Store } from "../store/db.ts";
import { listNotices } from "../store/notices.ts";
import { openStore } from "../store/open.ts";
import { beginWatch, endWatch, readWatches } from "../store/watches.ts";
import { AccountBook } from "./account-book.ts";
import type { LevelChange } from "./judge.ts";
import { defaultJudgeSettings } from "./judge-settings.ts";
import { stageBook } from "./judge-stage.ts";
import { keepWatches } from "./watch-keeper.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const breaker = { accounts: 20, share: 0.02 };

function change(account: string, at: number, level: LevelChange["level"] = "watch"): LevelChange {
  const signals = [{ name: "new_networks", points: 55, because: "seven unfamiliar networks" }];
  return { account, at, level, score: 55, countries: 7, networks: 7, signals, logins: [] };
}

async function keep(store: Store, now: number, changes: readonly LevelChange[]): Promise<readonly string[]> {
  const kept = await store.facts
    .transaction()
    .execute((tx) => keepWatches(tx, changes, { now, breaker, mode: "enforce" }));
  return kept.map(({ outcome }) => outcome);
}

const names = (count: number, prefix = "u") => Array.from({ length: count }, (_, i) => `${prefix}${i}@poshta.example`);

async function openHouse(): Promise<{ readonly clock: ManualClock; readonly store: Store }> {
  const clock = new ManualClock();
  return { clock, store: await openStore("scratch:", { clock }) };
}

test("thirty accounts in one batch: none is watched, one notice tells of all; the same in two batches stops at the second", async () => {
  const { clock, store } = await openHouse();
  await using _ = store;
  const now = clock.now();
  const outcomes = await keep(
    store,
    now,
    names(30).map((name) => change(name, now)),
  );
  assert.deepEqual(new Set(outcomes), new Set(["breaker"]));
  assert.deepEqual(await readWatches(store.facts, now), []);
  const told = (await listNotices(store, 50, undefined)).map(({ notice }) => notice);
  assert.deepEqual(
    told.map(({ kind, facts }) => [kind, facts["count"]]),
    [["watch_breaker", "30"]],
  );

  const later = now + 2 * hourMs;
  assert.deepEqual(
    new Set(
      await keep(
        store,
        later,
        names(5, "a").map((name) => change(name, later)),
      ),
    ),
    new Set(["watched"]),
  );
  const more = names(16, "b").map((name) => change(name, later + 1_000));
  assert.deepEqual(new Set(await keep(store, later + 1_000, more)), new Set(["breaker"]), "21 within the hour");
  assert.equal((await readWatches(store.facts, later)).length, 5, "those from before stay");
});

test("an account that rises twice in one batch is one account", async () => {
  const { clock, store } = await openHouse();
  await using _ = store;
  const now = clock.now();
  const rising = names(5).flatMap((name) => [change(name, now), change(name, now + 1, "high")]);
  const outcomes = await keep(store, now, rising);
  assert.deepEqual(new Set(outcomes), new Set(["watched", "watched_already"]));
  assert.deepEqual(
    (await readWatches(store.facts, now)).map(({ level }) => level),
    Array.from({ length: 5 }, () => "high"),
  );
});

test("a watch that somebody ended does not begin again for seven days, unless the level is high", async () => {
  const { clock, store } = await openHouse();
  await using _ = store;
  const [now, account] = [clock.now(), "olena@poshta.example"];
  const by = (at: number) => ({ by: "petro", now: at });
  assert.deepEqual(await keep(store, now, [change(account, now)]), ["watched"]);
  assert.equal(await endWatch(store, account, by(now)), true);
  for (const days of [0.1, 3, 6.9]) {
    const at = now + days * dayMs;
    assert.deepEqual(await keep(store, at, [change(account, at)]), ["paused"], `after ${days} days`);
  }
  const high = now + 6.95 * dayMs;
  assert.deepEqual(await keep(store, high, [change(account, high, "high")]), ["watched"]);
  await endWatch(store, account, by(high));
  const over = high + 7.1 * dayMs;
  assert.deepEqual(await keep(store, over, [change(account, over)]), ["watched"], "and then it does");
  // Who puts it under watch again ends the pause.
  await endWatch(store, account, by(over));
  const watch = { account, since: over, until: 0, level: "calm", origin: "hand", reason: "", body: "", by: "petro" };
  await beginWatch(store, { ...watch, origin: "hand" }, by(over));
  assert.deepEqual(await keep(store, over + 1, [change(account, over + 1)]), ["watched_already"]);
});

test("what was told is forgotten after half a year, and so is who was not seen", async () => {
  const { clock, store } = await openHouse();
  await using _ = store;
  const now = clock.now();
  await keep(store, now, [change("old@poshta.example", now - 181 * dayMs), change("new@poshta.example", now - dayMs)]);
  assert.equal(await pruneLevels(store, now - 180 * dayMs), 1);
  assert.equal((await findLevels(store, "old@poshta.example", 5)).length, 0);
  assert.equal((await findLevels(store, "new@poshta.example", 5)).length, 1);

  const book = new AccountBook(defaultJudgeSettings, stageBook());
  book.open("old@poshta.example", now - 181 * dayMs);
  book.open("new@poshta.example", now - 179 * dayMs);
  for (const fold of [true, true]) book.tidy(now, fold);
  assert.deepEqual([...book.names()], ["new@poshta.example"]);
  assert.deepEqual(book.takeChanges().gone, ["old@poshta.example"], "from the disk too");
  // Folded up it is looked at as well.
  book.tidy(now + 2 * dayMs, true);
  assert.deepEqual([...book.names()], []);
});
