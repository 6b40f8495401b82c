// What every engine must do. An engine's test gives a way to open a store, and to open it again after a close where it keeps anything.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../src/core/clock.ts";
import type { CellView, Store } from "../../src/store/db.ts";
import { findDecision, findDecisions } from "../../src/store/decisions.ts";
import { readRules } from "../../src/store/policies.ts";
import { testBans } from "./engine-bans.ts";
import { testFacts } from "./engine-facts.ts";
import { count, decision, hour, type WithStore } from "./engine-rows.ts";
import { apply, policy, rules, testRules } from "./engine-rules.ts";

export interface EngineUnderTest {
  readonly name: string;
  /** An empty store; `place` names it for open() again. */
  open(place: string, clock: ManualClock): Promise<Store>;
  /** A place that no other test uses. */
  place(): string;
  /** false: nothing survives a close. */
  readonly keeps: boolean;
  /** false: jobs run in the database's transaction and not inside the call. */
  readonly decidesInMemory: boolean;
  /** For node:test's `skip`. */
  readonly skip?: false | string;
}

/** Registers the suite for one engine. */
export function testEngine(engine: EngineUnderTest): void {
  const title = (sentence: string) => `${engine.name}: ${sentence}`;
  const withStore = (sentence: string, body: (store: Store, clock: ManualClock) => Promise<void>) =>
    test(title(sentence), { skip: engine.skip ?? false }, async () => {
      const clock = new ManualClock();
      await using store = await engine.open(engine.place(), clock);
      await body(store, clock);
    });
  testCharges(withStore);
  if (engine.decidesInMemory) testInside(withStore);
  testLists(withStore);
  testFacts(withStore);
  testRules(withStore);
  testBans(withStore);
  if (engine.keeps) testReopening(engine, title);
}

function testCharges(withStore: WithStore): void {
  withStore("a job sees no cell at first, and its own puts at once", async (store, clock) => {
    const { result, recorded } = await store.cells.charge(["a"], (view) => [
      view.get("a"),
      count(view, "a", clock.now() + hour),
      view.get("a"),
    ]);
    assert.deepEqual(result, [undefined, 1, [1, 1]]);
    assert.equal(recorded, true);
    assert.deepEqual(await store.cells.peek("a"), [1, 1]);
  });

  withStore(
    "64 jobs at once on one cell count exactly, each run once and in the order of the calls",
    async (store, clock) => {
      const seen = await Promise.all(
        Array.from({ length: 64 }, () => store.cells.charge(["a"], (view) => count(view, "a", clock.now() + hour))),
      );
      assert.deepEqual(
        seen.map((charged) => charged.result),
        Array.from({ length: 64 }, (_, i) => i + 1),
      );
      assert.deepEqual(await store.cells.peek("a"), [1, 64]);
    },
  );

  withStore("a job that throws changes nothing, and the next goes on", async (store, clock) => {
    const failed = store.cells.charge(["a", "b"], (view) => {
      count(view, "a", clock.now() + hour);
      view.saveMessage({ id: "m", openedAt: 1, body: "" });
      view.saveDecision(decision("d", 1));
      throw new Error("no");
    });
    await assert.rejects(failed, /no/);
    assert.equal(await store.cells.peek("a"), undefined);
    assert.deepEqual(await store.cells.openMessages(), []);
    assert.equal(await findDecision(store, "d"), undefined);
    assert.equal((await store.cells.charge(["a"], (view) => count(view, "a", clock.now() + hour))).result, 1);
  });

  withStore("a key that the job did not name cannot be read or put", async (store, clock) => {
    await assert.rejects(
      store.cells.charge(["a"], (view) => view.get("b")),
      /did not name/,
    );
    await assert.rejects(
      store.cells.charge(["a"], (view) => view.put("b", [1], clock.now() + hour)),
      /did not name/,
    );
  });

  withStore("a view cannot be used after its job", async (store, clock) => {
    let kept: CellView | undefined;
    await store.cells.charge(["a"], (view) => {
      kept = view;
    });
    assert.throws(() => kept?.put("a", [1], clock.now() + hour), /over/);
  });

  withStore("a cell that is over is not seen any more", async (store, clock) => {
    await store.cells.charge(["a"], (view) => count(view, "a", clock.now() + hour));
    clock.advance(hour - 1);
    assert.deepEqual(await store.cells.peek("a"), [1, 1]);
    clock.advance(1);
    assert.equal(await store.cells.peek("a"), undefined);
    assert.equal((await store.cells.charge(["a"], (view) => count(view, "a", clock.now() + hour))).result, 1);
  });

  withStore("putting a cell that is over forgets it", async (store, clock) => {
    await store.cells.charge(["a"], (view) => count(view, "a", clock.now() + hour));
    await store.cells.charge(["a"], (view) => view.put("a", [1], 0));
    assert.equal(await store.cells.peek("a"), undefined);
    assert.deepEqual(await store.cells.list({ prefix: "", limit: 10 }), []);
  });

  withStore("states of any numbers come back as they were", async (store, clock) => {
    const state = [2, 0, -5, 1.5, 1_700_000_000_123, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER];
    await store.cells.charge(["a"], (view) => view.put("a", state, clock.now() + hour));
    assert.deepEqual(await store.cells.peek("a"), state);
  });

  withStore("messages are saved, replaced and dropped", async (store) => {
    const save = (id: string, body: string) =>
      store.cells.charge([], (view) => view.saveMessage({ id, openedAt: id === "m1" ? 1 : 2, body }));
    await Promise.all([save("m1", "a"), save("m2", "b"), save("m1", 'c "quoted" ü\u2028\n')]);
    assert.deepEqual(await store.cells.openMessages(), [
      { id: "m1", openedAt: 1, body: 'c "quoted" ü\u2028\n' },
      { id: "m2", openedAt: 2, body: "b" },
    ]);
    await store.cells.charge([], (view) => view.dropMessage("m1"));
    await store.cells.charge([], (view) => {
      view.saveMessage({ id: "m3", openedAt: 3, body: "" });
      view.dropMessage("m3");
      view.dropMessage("never there");
    });
    assert.deepEqual(await store.cells.openMessages(), [{ id: "m2", openedAt: 2, body: "b" }]);
  });

  withStore("a decision saved again under its id replaces the row", async (store) => {
    await store.cells.charge([], (view) => view.saveDecision(decision("d1", 10)));
    await store.cells.charge([], (view) => view.saveDecision({ ...decision("d1", 10), count: 2, lastAt: 20 }));
    await store.cells.flush();
    assert.deepEqual(await findDecision(store, "d1"), { ...decision("d1", 10), count: 2, lastAt: 20 });
    assert.equal((await findDecisions(store, { limit: 10 })).length, 1);
  });

  withStore("health is good and nothing is pending after a flush", async (store, clock) => {
    void store.cells.charge(["a"], (view) => count(view, "a", clock.now() + hour));
    await store.cells.flush();
    const { writable, lastError, pending, liveCells, unrecordedAnswers } = store.cells.health;
    assert.deepEqual(
      { writable, lastError, pending, liveCells, unrecordedAnswers },
      { writable: true, lastError: undefined, pending: 0, liveCells: 1, unrecordedAnswers: 0 },
    );
  });
}

function testInside(withStore: WithStore): void {
  withStore("a job runs inside the call when its cells are at hand", async (store, clock) => {
    await store.cells.charge(["a"], (view) => count(view, "a", clock.now() + hour));
    let ran = false;
    const charged = store.cells.charge(["a"], () => {
      ran = true;
    });
    assert.equal(ran, true);
    await charged;
  });
}

/** Quotes, blanks, a NUL, and both sides of U+FFFF, where JavaScript's order is not that of the bytes. */
const oddKeys = [
  "p/",
  "p/ ",
  "p/'; drop table cells; --",
  'p/"',
  "p/a\u0000b",
  "p/ü",
  "p/\uffee",
  "p/\u{1f600}",
  "p/\u{10ffff}z",
];

function testLists(withStore: WithStore): void {
  withStore("a list has the live cells of a prefix in the order of their bytes, in pages", async (store, clock) => {
    const keys = [...oddKeys, "o/z", "q/a"];
    await Promise.all(keys.map((key) => store.cells.charge([key], (view) => count(view, key, clock.now() + hour))));
    await store.cells.charge(["p/over"], (view) => count(view, "p/over", clock.now() + 1));
    await store.cells.flush();
    clock.advance(1);
    const found: string[] = [];
    let after: string | undefined;
    for (let page = 0; page < 10; page++) {
      const entries = await store.cells.list({ prefix: "p/", limit: 2, ...(after !== undefined && { after }) });
      if (entries.length === 0) break;
      after = entries.at(-1)?.key;
      found.push(...entries.map((entry) => entry.key));
      for (const entry of entries) assert.deepEqual(entry.state, [1, 1]);
    }
    assert.deepEqual(
      found,
      oddKeys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
    );
  });

  withStore("a list never has more than 500 cells", async (store, clock) => {
    const keys = Array.from({ length: 600 }, (_, i) => `k${String(i).padStart(3, "0")}`);
    await store.cells.charge(keys, (view) => keys.map((key) => count(view, key, clock.now() + hour)));
    await store.cells.flush();
    assert.equal((await store.cells.list({ prefix: "k", limit: 9_999 })).length, 500);
    assert.equal((await store.cells.list({ prefix: "k", after: "k499", limit: 500 })).length, 100);
    assert.deepEqual(await store.cells.list({ prefix: "none", limit: 5 }), []);
  });
}

function testReopening(engine: EngineUnderTest, title: (sentence: string) => string): void {
  const skip = { skip: engine.skip ?? false };
  test(title("all that was recorded is there after a close, and what is over is not"), skip, async () => {
    const clock = new ManualClock();
    const place = engine.place();
    {
      await using store = await engine.open(place, clock);
      for (const [i, key] of oddKeys.entries())
        await store.cells.charge([key], (view) => view.put(key, [1, i, 1.5], clock.now() + hour));
      await store.cells.charge(["over"], (view) => count(view, "over", clock.now() + 1));
      await store.cells.charge([], (view) => view.saveMessage({ id: "m", openedAt: 5, body: "b" }));
      await store.cells.charge([], (view) => view.saveDecision(decision("d", 7)));
      await apply(store, rules([policy("a")], { g: ["x"] }));
    }
    clock.advance(1);
    await using store = await engine.open(place, clock);
    assert.equal(store.cells.health.liveCells, oddKeys.length);
    for (const [i, key] of oddKeys.entries()) assert.deepEqual(await store.cells.peek(key), [1, i, 1.5], key);
    assert.deepEqual(await store.cells.openMessages(), [{ id: "m", openedAt: 5, body: "b" }]);
    assert.deepEqual(await findDecision(store, "d"), decision("d", 7));
    assert.deepEqual(await readRules(store), rules([policy("a")], { g: ["x"] }));
  });

  test(title("charges under way when it closes are there afterwards"), skip, async () => {
    const clock = new ManualClock();
    const place = engine.place();
    const store = await engine.open(place, clock);
    const charged = Array.from({ length: 100 }, () =>
      store.cells.charge(["a"], (view) => count(view, "a", clock.now() + hour)),
    );
    await store[Symbol.asyncDispose]();
    assert.deepEqual(
      (await Promise.all(charged)).map((one) => one.recorded).filter((recorded) => !recorded),
      [],
    );
    await using again = await engine.open(place, clock);
    assert.deepEqual(await again.cells.peek("a"), [1, 100]);
  });
}
