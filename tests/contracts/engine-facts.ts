// What every engine must do with facts: places, counts, decisions, notices, raises.

import assert from "node:assert/strict";
import { findDecisions, pruneDecisions } from "../../src/store/decisions.ts";
import { addFailures, FailureNumbers, lastFailure, readFailures } from "../../src/store/failures.ts";
import { readGoodLogins, saveGoodLogins } from "../../src/store/good-logins.ts";
import { addLogCounts } from "../../src/store/log-counts.ts";
import {
  addNotices,
  countSent,
  listNotices,
  pruneNotices,
  readUnrouted,
  routeNotice,
  saveDeliveries,
  takeDue,
  wasTold,
} from "../../src/store/notices.ts";
import { readPlaces, savePlaces } from "../../src/store/places.ts";
import { pruneRaises, readRaises, removeRaise, saveRaise } from "../../src/store/raises.ts";
import { count, decision, hour, type WithStore } from "./engine-rows.ts";

export function testFacts(withStore: WithStore): void {
  withStore("places and counts of logs are written in one transaction, or not at all", async (store, clock) => {
    const save = (body: string | undefined, count: number, fails = false) =>
      store.facts.transaction().execute(async (tx) => {
        const place = { source: "file", key: "/var/log/mail.log", body };
        await savePlaces(tx, "a", [{ ...place, body: "older" }, place], clock.now());
        await addLogCounts(tx, "a", [
          { source: "l", kind: "login", count },
          { source: "l", kind: "login", count: 1 },
        ]);
        if (fails) throw new Error("the disk is full");
      });
    const counted = async () =>
      (await store.facts.selectFrom("log_counts").selectAll().execute()).map(({ count }) => Number(count));
    await save("one", 2);
    await save("two", 3);
    await assert.rejects(save("three", 100, true), /full/);
    assert.deepEqual(await readPlaces(store, "a"), [{ source: "file", key: "/var/log/mail.log", body: "two" }]);
    assert.deepEqual(await readPlaces(store, "b"), []);
    assert.deepEqual(await counted(), [7]);
    await save(undefined, 0);
    assert.deepEqual(await readPlaces(store, "a"), []);
  });

  withStore("what one commit of the logs may hold is written, however many rows", async (store) => {
    const rows = 10_500;
    await store.facts.transaction().execute(async (tx) => {
      await saveGoodLogins(
        tx,
        Array.from({ length: rows }, (_, i) => ({ network: "n", account: `a${i}`, address: "192.0.2.1", at: 1_000 })),
      );
      const failures = Array.from({ length: rows }, () => ({ jail: "j", body: "b", until: 2_000 }));
      await addFailures(tx, "a", failures, 1_000);
    });
    assert.equal((await readGoodLogins(store, 0)).length, rows);
    assert.equal((await readFailures(store, "a", 1_500)).length, rows);
    assert.equal(await lastFailure(store, "a"), 1_000 + rows - 1);
    assert.equal(await lastFailure(store, "b"), 0);
  });

  withStore("failures come back in the order of writing, over a restart and a clock that goes back", async (store) => {
    for (const [start, hours] of [9, 8, 7].entries()) {
      const numbers = new FailureNumbers(await lastFailure(store, "a"));
      for (const part of [0, 1]) {
        const rows = [0, 1].map((i) => ({ jail: "j", body: `${start}${part}${i}`, until: 2 * hour }));
        await store.facts.transaction().execute((tx) => addFailures(tx, "a", rows, numbers.take(2, hours * 1_000)));
      }
    }
    const bodies = (await readFailures(store, "a", hour)).map(({ body }) => body);
    assert.equal(bodies.length, 12);
    assert.deepEqual(bodies, bodies.toSorted());
  });

  withStore("notices are routed once, taken by one, told again only later, and forgotten", async (store) => {
    const notice = {
      kind: "account_watch",
      severity: "warning",
      subject: "ann\0",
      at: 1_000,
      facts: { score: "60" },
    } as const;
    await store.facts.transaction().execute((tx) => addNotices(tx, [notice, { ...notice, subject: "bob" }]));
    const unrouted = await readUnrouted(store, 10);
    assert.deepEqual(
      unrouted.map(({ subject, at, facts }) => ({ subject, at, facts })),
      ["ann\uFFFD", "bob"].map((subject) => ({ subject, at: 1_000, facts: { score: "60" } })),
    );
    const [first] = unrouted;
    assert.ok(first !== undefined);
    const delivery = {
      ...{ notice: first.id, channel: "ops", state: "waiting" as const, dueAt: 1_000, attempts: 0, endedAt: 0 },
      error: "",
    };
    await routeNotice(store, first.id, [delivery]);
    await routeNotice(store, first.id, [{ ...delivery, dueAt: 5 }]);
    assert.deepEqual(
      (await readUnrouted(store, 10)).map(({ subject }) => subject),
      ["bob"],
    );
    assert.equal(await wasTold(store, first, "ops", 900), true);
    assert.equal(await wasTold(store, first, "ops", 1_001), false);
    assert.equal(await wasTold(store, first, "other", 900), false);
    const [one, other] = await Promise.all([takeDue(store, 1_000, 2_000, 10), takeDue(store, 1_000, 2_000, 10)]);
    assert.equal(one.length + other.length, 1, "two nodes do not send the same");
    assert.equal((await takeDue(store, 1_999, 3_000, 10)).length, 0);
    await saveDeliveries(store, [{ ...delivery, state: "sent", endedAt: 1_500, attempts: 1 }]);
    assert.equal((await takeDue(store, 9_000, 9_001, 10)).length, 0);
    assert.equal(await countSent(store, "ops", 1_500), 1);
    assert.equal(await countSent(store, "ops", 1_501), 0);
    const page = await listNotices(store, 1, undefined);
    assert.equal(page[0]?.notice.subject, "bob");
    const next = await listNotices(store, 5, page[0]?.notice.id);
    assert.deepEqual(
      next.map(({ deliveries }) => deliveries[0]?.state),
      ["sent"],
    );
    await pruneNotices(store, 1_001);
    assert.deepEqual(await listNotices(store, 5, undefined), []);
  });

  withStore("what fails in a transaction undoes all of it, and the store goes on", async (store, clock) => {
    const place = { source: "file", key: "/var/log/mail.log", body: "b" };
    const broken = { ...place, key: null as unknown as string };
    const orders = [[place, broken], [broken, place], [broken]];
    for (const order of orders) {
      const work = store.facts.transaction().execute(async (tx) => {
        for (const one of order) await savePlaces(tx, "a", [one], clock.now());
      });
      await assert.rejects(work, /null/i);
      const read = store.facts.transaction().execute(async (tx) => {
        await savePlaces(tx, "a", [broken], clock.now());
        return await tx.selectFrom("places").selectAll().execute();
      });
      await assert.rejects(read, /null/i);
      assert.deepEqual(await readPlaces(store, "a"), []);
    }
    await store.facts.transaction().execute(async (tx) => await savePlaces(tx, "a", [place], clock.now()));
    assert.deepEqual(await readPlaces(store, "a"), [place]);
  });

  withStore("transactions that are begun together take turns, each whole", async (store, clock) => {
    const turn = (i: number) =>
      store.facts.transaction().execute(async (tx) => {
        const place = (n: number) => ({ source: "file", key: `${i}/${n}`, body: "b" });
        await savePlaces(tx, "a", [place(1)], clock.now());
        const before = await tx.selectFrom("places").select("key").execute();
        await savePlaces(tx, "a", [place(2)], clock.now());
        if (i % 5 === 4) throw new Error("changed its mind");
        return before.length;
      });
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, (_, i) => turn(i)));
    const seen = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
    // Each sees its own first row, and both rows of every one before it that was not undone.
    assert.deepEqual(
      seen.toSorted((a, b) => a - b),
      Array.from({ length: 16 }, (_, i) => i * 2 + 1),
    );
    assert.equal((await readPlaces(store, "a")).length, 32);
  });

  withStore("decisions are found by what is known of them, newest first and in pages", async (store) => {
    const rows = Array.from({ length: 5 }, (_, i) => ({
      ...decision(`d${i}`, 100 + Math.floor(i / 2)),
      ...(i === 3 && { account: "eve", text: "Hit 100%" }),
    }));
    await store.cells.charge([], (view) => rows.map((row) => view.saveDecision(row)));
    await store.cells.flush(); // an answer may leave before its write, after 200 ms
    const ids = async (query: Parameters<typeof findDecisions>[1]) =>
      (await findDecisions(store, query)).map((row) => row.id);
    assert.deepEqual(await ids({ limit: 10 }), ["d4", "d3", "d2", "d1", "d0"]);
    assert.deepEqual(await ids({ limit: 2, behind: { at: 101, id: "d3" } }), ["d2", "d1"]);
    assert.deepEqual(await ids({ limit: 10, account: "eve" }), ["d3"]);
    assert.deepEqual(await ids({ limit: 10, textPart: "hIT 100%" }), ["d3"]);
    assert.deepEqual(await ids({ limit: 10, textPart: "%" }), ["d3"]);
    assert.deepEqual(await ids({ limit: 10, from: 101, to: 102 }), ["d3", "d2"]);
    assert.deepEqual(
      await ids({ limit: 10, client: "192.0.2.1", queueId: "4XyZ", recipient: "bob@example.net", account: "ann" }),
      ["d4", "d2", "d1", "d0"],
    );
    assert.deepEqual(await ids({ limit: 10, queueId: "nope" }), []);
  });

  withStore("old decisions and those beyond a number are forgotten", async (store) => {
    await store.cells.charge([], (view) => {
      for (let i = 0; i < 1_200; i++) view.saveDecision(decision(`d${String(i).padStart(4, "0")}`, i));
    });
    await store.cells.flush();
    assert.equal(await pruneDecisions(store, { before: 0, keep: 5_000 }), 0);
    assert.equal(await pruneDecisions(store, { before: 1_100, keep: 5_000 }), 1_100);
    assert.equal(await pruneDecisions(store, { before: 0, keep: 10 }), 90);
    assert.deepEqual(
      (await findDecisions(store, { limit: 500 })).map((row) => row.id),
      Array.from({ length: 10 }, (_, i) => `d${1_199 - i}`),
    );
  });

  withStore("a raise is kept until its time and told to listeners", async (store) => {
    const told: string[] = [];
    const stop = store.changes.onChange((fact) => void told.push(fact));
    const raise = { key: "k", max: 10, until: 100, changedAt: 1, changedBy: "root" };
    await saveRaise(store, { ...raise, max: 5 });
    await saveRaise(store, raise);
    assert.deepEqual(await readRaises(store, 99), [raise]);
    assert.deepEqual(await readRaises(store, 100), []);
    assert.equal(await removeRaise(store, "k"), true);
    assert.equal(await removeRaise(store, "k"), false);
    stop();
    await saveRaise(store, raise);
    assert.deepEqual(told, ["raises", "raises", "raises"]);
    assert.equal(await pruneRaises(store, 100), 1);
  });

  withStore("announce waits for its listeners, also when one of them fails", async (store) => {
    const done: string[] = [];
    store.changes.onChange(() => {
      throw new Error("listener");
    });
    store.changes.onChange(async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      done.push("slow");
    });
    await assert.rejects(store.changes.announce("cells"), /listener/);
    assert.deepEqual(done, ["slow"]);
  });

  withStore("a transaction that throws leaves nothing, and two at once do not mix", async (store) => {
    const write = (key: string, fail: boolean) =>
      store.facts.transaction().execute(async (tx) => {
        await tx.insertInto("meta").values({ key, value: "a" }).execute();
        await tx.updateTable("meta").set({ value: "b" }).where("key", "=", key).execute();
        if (fail) throw new Error("no");
      });
    const outcomes = await Promise.allSettled([write("one", true), write("two", false), write("three", true)]);
    assert.deepEqual(
      outcomes.map((outcome) => outcome.status),
      ["rejected", "fulfilled", "rejected"],
    );
    const rows = await store.facts.selectFrom("meta").selectAll().where("key", "in", ["one", "two", "three"]).execute();
    assert.deepEqual(
      rows.map((row) => ({ ...row })),
      [{ key: "two", value: "b" }],
    );
  });

  withStore("charges go on while a transaction is open", async (store, clock) => {
    const charged = await store.facts.transaction().execute(async (tx) => {
      await tx.insertInto("meta").values({ key: "k", value: "v" }).execute();
      return [store.cells.charge(["a"], (view) => count(view, "a", clock.now() + hour))];
    });
    assert.equal((await Promise.all(charged))[0]?.result, 1);
    assert.deepEqual(await store.cells.peek("a"), [1, 1]);
  });

  withStore("rows can be streamed and the reader left early", async (store) => {
    const rows = Array.from({ length: 50 }, (_, i) => ({ key: `s${String(i).padStart(2, "0")}`, value: "" }));
    await store.facts.insertInto("meta").values(rows).execute();
    const seen: string[] = [];
    for await (const row of store.facts
      .selectFrom("meta")
      .select("key")
      .where("key", "like", "s%")
      .orderBy("key")
      .stream(7))
      seen.push(row.key);
    assert.deepEqual(
      seen,
      rows.map((row) => row.key),
    );
    for await (const _ of store.facts.selectFrom("meta").select("key").stream(3)) break;
  });
}
