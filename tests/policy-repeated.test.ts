// A question that is asked again on another connection while the first is still waiting for the store, as Postfix does when
// its patience is over: one charge, and no answer before the charge is on disk.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseIp } from "../src/core/ip.ts";
import { silentLog } from "../src/core/log.ts";
import { parseRequest } from "../src/policy/protocol.ts";
import type { Cells } from "../src/store/db.ts";
import { openStore } from "../src/store/open.ts";
import { needs } from "./needs.ts";
import { questionText } from "./policy-client.ts";
import { startHouse } from "./policy-house.ts";
import { PostgresRig } from "./postgres-rig.ts";

const pairs = 20;
const rules = `
[[policies]]
name = "p"
members = [{}]
quotas = [{ name = "q", track = "Sender:user@domain", limits = [{ count = "recipients", max = 1000, per = "1h" }, { count = "kilobytes", max = 1000, per = "1h" }] }]
`;

async function askInPairs(storeUrl: string): Promise<void> {
  await using house = await startHouse({ rules, storeUrl });
  using first = await house.connect();
  using second = await house.connect();
  for (let n = 0; n < pairs; n++) {
    const instance = `i${n}`;
    const end = { instance, protocol_state: "END-OF-MESSAGE", queue_id: `Q${n}`, recipient_count: 1, size: 1024 };
    for (const question of [{ instance }, end]) {
      assert.deepEqual(await Promise.all([first.ask(question), second.ask(question)]), ["DUNNO", "DUNNO"]);
    }
  }
  await house.store.cells.flush();
  assert.equal(await house.used("p", "q", "recipients", "Sender:a@example.com"), pairs);
  assert.equal(await house.used("p", "q", "kilobytes", "Sender:a@example.com"), pairs);
}

test("SQLite: a question asked twice at once is charged once", async () => {
  const directory = mkdtempSync(join(tmpdir(), "postvarta-repeated-"));
  await askInPairs(`sqlite:${directory}/p.db`);
  rmSync(directory, { recursive: true });
});

test("PostgreSQL: a question asked twice at once is charged once", { skip: needs("postgres") }, async () => {
  await using rig = await PostgresRig.start();
  await askInPairs(await rig.createDatabase());
});

test("a repeated question is not answered before the first one's charge is on disk", async () => {
  const written = Promise.withResolvers<void>();
  await using house = await startHouse({
    rules,
    open: async (clock) => {
      const store = await openStore("scratch:", { clock, log: silentLog });
      return Object.defineProperty(store, "cells", { value: slow(store.cells, written.promise) });
    },
  });
  const request = parseRequest(questionText().slice(0, -1), true, parseIp("127.0.0.1"));
  assert.ok(typeof request === "object");
  const answered: string[] = [];
  const ask = async (name: string) => {
    await house.engine.decide(request, { current: undefined });
    answered.push(name);
  };
  const both = Promise.all([ask("first"), ask("second")]);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(answered, []);
  written.resolve();
  await both;
  assert.deepEqual(answered, ["first", "second"]);
});

/** Cells that decide at once and are on disk when `written` says so. */
function slow(cells: Cells, written: Promise<void>): Cells {
  const charge: Cells["charge"] = async (keys, work) => {
    const charged = await cells.charge(keys, work);
    await written;
    return charged;
  };
  return new Proxy(cells, {
    get: (target, name) => {
      if (name === "charge") return charge;
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
