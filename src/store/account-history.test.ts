import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { needs } from "../../tests/needs.ts";
import { PostgresRig } from "../../tests/postgres-rig.ts";
import { ManualClock } from "../core/clock.ts";
import { addJudgeEvents, adoptJudgeState, readJudgeState, saveJudgeCheckpoint } from "./account-history.ts";
import { addTold, everyNode, readTold } from "./account-told.ts";
import type { Store } from "./db.ts";
import { openStore } from "./open.ts";

const clock = new ManualClock();
const now = clock.now();
const history = { account: "ann@a.example", level: "notice", seenAt: 1, body: "{}" };
const mail = { queueId: "4F1", account: "ann@a.example", at: now, counted: true };

/** What a node alone keeps: a checkpoint up to 50, and two events behind it. */
async function fillAlone(store: Store): Promise<void> {
  await store.facts.transaction().execute(async (tx) => {
    const site = { known: "[]", sequence: "50" };
    await saveJudgeCheckpoint(tx, "mx1", {
      ...{ at: now, sequence: 50, histories: [history], gone: [] },
      ...{ mails: [mail], site },
    });
    for (const sequence of [51, 52]) await addJudgeEvents(tx, "mx1", { sequence, body: `e${sequence}` });
  });
}

async function siteOf(store: Store, node: string): Promise<Record<string, string>> {
  return Object.fromEntries((await readJudgeState(store, node)).site);
}

const engines = [
  ["SQLite", false],
  ["PostgreSQL", needs("postgres")],
] as const;

for (const [engine, skip] of engines) {
  describe(`what is known of accounts changes its name on ${engine}`, { skip }, () => {
    async function withStore(work: (store: Store) => Promise<void>): Promise<void> {
      await using rig = engine === "SQLite" ? undefined : await PostgresRig.start();
      await using store = await openStore(rig === undefined ? "scratch:" : await rig.createDatabase(), {
        clock,
      });
      await work(store);
    }

    test("from a node to all: told again is what no history holds, and old numbers say nothing any more", () =>
      withStore(async (store) => {
        await fillAlone(store);
        await adoptJudgeState(store, { from: "mx1", to: everyNode, node: "mx1", now });
        const { histories, mails } = await readJudgeState(store, everyNode);
        assert.deepEqual([histories.length, mails.map(({ queueId }) => queueId)], [1, ["mx1/4F1"]]);
        assert.deepEqual(await siteOf(store, everyNode), { known: "[]" });
        const told = await readTold(store.facts, 0);
        assert.deepEqual([told.rows.map(({ body }) => body), told.more], [["e51", "e52"], false]);
        assert.deepEqual((await readJudgeState(store, "mx1")).events, []);
      }));

    test("from all to a node that is alone: its events go on behind the histories, with the numbers they had", () =>
      withStore(async (store) => {
        await fillAlone(store);
        await adoptJudgeState(store, { from: "mx1", to: everyNode, node: "mx1", now });
        await store.facts.transaction().execute((tx) => addTold(tx, { node: "mx2", at: now, body: "more" }));
        await adoptJudgeState(store, { from: everyNode, to: "mx1", node: "mx1", now });
        const { histories, mails, events } = await readJudgeState(store, "mx1");
        assert.deepEqual([histories.length, mails.map(({ queueId }) => queueId)], [1, ["4F1"]]);
        assert.deepEqual(
          events.map(({ body }) => body),
          ["e51", "e52", "more"],
        );
        assert.deepEqual((await readTold(store.facts, 0)).rows, []);
      }));

    test("whoever knows something keeps it, and what was only told counts too", () =>
      withStore(async (store) => {
        await store.facts.transaction().execute((tx) => addJudgeEvents(tx, "mx1", { sequence: 1, body: "e1" }));
        await adoptJudgeState(store, { from: everyNode, to: "mx1", node: "mx1", now });
        assert.deepEqual(
          (await readJudgeState(store, "mx1")).events.map(({ body }) => body),
          ["e1"],
        );
      }));
  });
}
