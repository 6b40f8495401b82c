// Questions go on while an operator reads all counters and searches all decisions: neither the thread that answers nor the
// one that writes does that reading. How long a question waits then is measured by bench/daemon.ts.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { DecisionRow, Store } from "../src/store/db.ts";
import { findDecisions } from "../src/store/decisions.ts";
import type { PolicyClient } from "./policy-client.ts";
import { startHouse } from "./policy-house.ts";

const clients = 20;
const cells = 20_000;
const decisions = 20_000;
const perJob = 500;
const day = 86_400_000;
/** A search over all of them takes tens of milliseconds. */
const trail = JSON.stringify({ findings: "x".repeat(2_000) });

const rules = `
[[policies]]
name = "p"
members = [{}]
quotas = [{ name = "q", track = "Sender:user@domain", limits = [{ count = "recipients", max = 1000000, per = "1h" }] }]
`;

test("every client gets answers, several, while all counters and decisions are read", async () => {
  const folder = mkdtempSync(join(tmpdir(), "postvarta-reports-"));
  try {
    await using house = await startHouse({ rules, storeUrl: `sqlite:${folder}/p.db` });
    await fill(house.store);
    const asking = new Asking(await Promise.all(Array.from({ length: clients }, () => house.connect())));
    const reports = [() => readCounters(house.store), () => searchDecisions(house.store)];
    try {
      for (const report of reports) {
        const before = asking.answered;
        for (let round = 0; round < 5; round++) await report();
        // One round of answers could have been on its way before.
        assert.ok(asking.answered - before > 2 * clients, `${asking.answered - before} answers during ${report}`);
      }
    } finally {
      await asking.stop();
    }
    assert.equal(await house.used("p", "q", "recipients", "Sender:s0@example.com"), asking.answeredOf(0));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

async function fill(store: Store): Promise<void> {
  for (let from = 0; from < decisions; from += perJob) {
    const numbers = Array.from({ length: perJob }, (_, n) => from + n);
    const keys = numbers.map((n) => `cell-${n}`);
    await store.cells.charge(keys, (view) => {
      for (const key of keys) view.put(key, [1, view.now, 3], view.now + day);
      for (const n of numbers) view.saveDecision(decisionOf(n, view.now));
    });
  }
}

function decisionOf(n: number, at: number): DecisionRow {
  const who = { account: "", sender: "a@example.com", recipient: "b@example.org", client: "192.0.2.1" };
  const what = { rule: "p/q", key: "", verdict: "reject", text: "too much", trail };
  return { id: `D${n}`, at, lastAt: at, count: 1, queueId: "", instance: `i${n}`, ...who, ...what };
}

async function readCounters(store: Store): Promise<void> {
  let after: string | undefined;
  let seen = 0;
  do {
    const page = await store.cells.list({ prefix: "cell-", limit: 500, ...(after === undefined ? {} : { after }) });
    seen += page.length;
    after = page.at(-1)?.key;
  } while (after !== undefined);
  assert.equal(seen, cells);
}

async function searchDecisions(store: Store): Promise<void> {
  assert.deepEqual(await findDecisions(store, { textPart: "nothing like it", limit: 500 }), []);
}

/** Clients in lock step, each with a sender of its own, one recipient a message. */
class Asking {
  readonly #clients: readonly PolicyClient[];
  readonly #counts: number[];
  readonly #done: Promise<unknown>;
  #stopping = false;

  constructor(list: readonly PolicyClient[]) {
    this.#clients = list;
    this.#counts = list.map(() => 0);
    this.#done = Promise.all(list.map((client, n) => this.#run(client, n)));
  }

  get answered(): number {
    return this.#counts.reduce((sum, count) => sum + count, 0);
  }

  answeredOf(n: number): number {
    return this.#counts[n] ?? 0;
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#done;
    for (const client of this.#clients) client[Symbol.dispose]();
  }

  async #run(client: PolicyClient, n: number): Promise<void> {
    while (!this.#stopping) {
      const count = this.#counts[n] ?? 0;
      const message = { instance: `${n}.${count}`, sender: `s${n}@example.com` };
      assert.equal(await client.ask(message), "DUNNO");
      const end = { ...message, protocol_state: "END-OF-MESSAGE", queue_id: `Q${count}`, recipient_count: 1 };
      assert.equal(await client.ask(end), "DUNNO");
      this.#counts[n] = count + 1;
    }
  }
}
