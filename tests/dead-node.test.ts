// What a node that never comes back left open is given back by another one (decided 2).

import assert from "node:assert/strict";
import { test } from "node:test";
import { openPostgres } from "../src/store/engines/postgres.ts";
import { accountQuota } from "./account-quota.ts";
import { needs } from "./needs.ts";
import { startHouse } from "./policy-house.ts";
import { PostgresRig } from "./postgres-rig.ts";

const rules = accountQuota(10);

const hourMs = 3_600_000;

test("the open messages of a dead node are given back by another, two hours on", {
  skip: needs("postgres"),
}, async () => {
  await using rig = await PostgresRig.start();
  const url = await rig.createDatabase();
  const startNode = (node: string) =>
    startHouse({ rules, open: (clock) => openPostgres({ url, node, clock, cellTime: "clock" }) });
  {
    await using dead = await startNode("dead");
    using client = await dead.connect();
    for (const recipient of ["a@example.org", "b@example.org"])
      assert.equal(await client.ask({ instance: "m", sasl_username: "ann", recipient }), "DUNNO");
  }
  await using alive = await startNode("alive");
  const used = () => alive.used("p", "q", "recipients", "SASLUsername:ann");
  assert.equal(await used(), 2);
  alive.clock.advance(hourMs);
  assert.equal(await alive.engine.sweep(alive.clock.now()), 0);
  assert.equal(await used(), 2);
  alive.clock.advance(hourMs + 1);
  assert.equal(await alive.engine.sweep(alive.clock.now()), 1);
  assert.equal(await used(), 0);
  assert.deepEqual(await rig.query("select * from open_messages"), []);
});
