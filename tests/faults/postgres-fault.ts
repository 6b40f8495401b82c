// PostgreSQL stopped, hung, locked or out of connections under the whole daemon: every answer within the deadline, and the counts are
// right afterwards. One test file a fault calls this, so that they run side by side.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { needs } from "../needs.ts";
import type { PostgresFault } from "../postgres-faults.ts";
import { PostgresRig, type PostgresRigOptions } from "../postgres-rig.ts";
import { FaultyHouse } from "./faulty-house.ts";

const full = process.env["POSTVARTA_FULL"] === "1";
/** 200 ms for the answer; more where other tests share the cores. */
const answerMsMax = full ? 300 : 600;
const faultMs = full ? 60_000 : 1_500;
/** Well again so long after the end of the fault; the figure to reach is 5 s. */
const healMsMax = full ? 6_000 : 10_000;

/** Declares the test of one fault. */
export function testPostgresFault(fault: PostgresFault, options: PostgresRigOptions = {}): void {
  test(`PostgreSQL ${fault.name}: every answer in time, and the counts are right afterwards`, {
    skip: needs("postgres"),
    timeout: 180_000,
  }, async () => {
    await using rig = await PostgresRig.start(options);
    await using house = await FaultyHouse.start({ storeUrl: await rig.createDatabase() });
    await wait(500);
    assert.equal(await house.metric("postvarta_store_writable"), 1);
    house.load.takeWait(1);
    const heal = await fault.start(rig);
    try {
      await house.untilWritable(false);
      await wait(faultMs);
      await assert.rejects(house.untilWritable(true, 1), "the fault lasts");
    } finally {
      await heal();
    }
    const healMs = await house.untilWritable(true);
    assert.ok(healMs < healMsMax, `well again after ${healMs} ms`);
    const p99 = house.load.takeWait(0.99);
    await wait(300);
    await house.rest();
    assert.equal(house.load.lost + house.load.refused, 0, "every question was answered, and none refused");
    assert.ok(p99 < answerMsMax, `p99 ${p99} ms`);
    assert.ok((await house.metric("postvarta_store_unrecorded_answers_total")) > 0, "the fault was not felt");
    await house.daemon.kill("SIGTERM");
    await house.daemon.run();
    assert.equal(await house.used(), house.load.messages);
  });
}
