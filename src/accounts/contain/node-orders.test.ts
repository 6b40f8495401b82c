import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../core/clock.ts";
import { silentLog } from "../../core/log.ts";
import { findContainment } from "../../store/containments.ts";
import type { Store } from "../../store/db.ts";
import { openStore } from "../../store/open.ts";
import { saveTrusts } from "../../store/trusts.ts";
import { ContainmentKeeper } from "./containment-keeper.ts";
import { HostSteps } from "./host-steps.ts";
import { NodeOrders } from "./node-orders.ts";

const account = "ann@example.org";
const messages = [
  { queueId: "AAAA1", node: "mx1" },
  { queueId: "BBBB2", node: "mx2" },
  { queueId: "BBBB3", node: "mx2" },
];

/** One node of two: what its helper was asked for, and a keeper. */
class Node {
  readonly asked: string[] = [];
  readonly orders: NodeOrders;
  readonly keeper: ContainmentKeeper;
  isBroken = false;

  constructor(name: string, store: Store, clock: ManualClock) {
    const ask = (what: string) => async (ids: readonly string[]) => {
      this.asked.push(`${what} ${ids.join(" ")}`);
      if (this.isBroken) throw new Error("the helper does not answer");
      return ids.length;
    };
    const kick = async (login: string) => (await ask("kick")([login])) * 0;
    const helper = { hold: ask("hold"), release: ask("release"), remove: ask("delete"), kick, hangUp: async () => 0 };
    const host = new HostSteps({
      ...{ node: name, sessions: () => [], dovecotConfig: "", helper: () => helper },
      queueOf: async () => messages,
      queued: async () => undefined,
    });
    this.orders = new NodeOrders({ store, clock, log: silentLog, host });
    this.keeper = new ContainmentKeeper({
      ...{ store, clock, log: silentLog, host, orders: this.orders, trust: () => undefined },
      judge: { look: async () => ({ view: undefined, queue: messages }), reset: async () => true },
      firewallTrouble: () => undefined,
    });
  }
}

async function openNodes() {
  const clock = new ManualClock();
  const store = await openStore("scratch:", { clock });
  const addresses = ["mx1", "mx2"].map((node, i) => ({
    ...{ value: `192.0.2.${i}/32`, origin: "node" as const, node, until: clock.now() + 86_400_000, note: "" },
  }));
  await saveTrusts(store, addresses, { by: "test", now: clock.now() });
  const [one, two] = [new Node("mx1", store, clock), new Node("mx2", store, clock)];
  const contain = (node: Node) =>
    node.keeper.contain({ account, reason: "a test", skip: ["ban"] }, { by: "olena", now: clock.now() });
  const release = (node: Node) =>
    node.keeper.release({ account, held: "release", probationMs: 0 }, { by: "olena", now: clock.now() });
  const held = async () => [...((await findContainment(store.facts, account))?.held ?? [])].sort();
  return { store, clock, one, two, contain, release, held };
}

test("contained on one node, each node holds what lies in its own queue; released on the other, each gives it back", async () => {
  const { store, clock, one, two, contain, release, held } = await openNodes();
  await using _ = store;
  const steps = new Map((await contain(one)).map((step) => [step.step, step]));
  assert.deepEqual(one.asked, ["hold AAAA1", `kick ${account}`]);
  assert.deepEqual(two.asked, ["hold BBBB2 BBBB3", `kick ${account}`]);
  assert.equal(steps.get("hold")?.result, "done");
  assert.equal(steps.get("hold")?.detail, "mx1: 1 of 1 messages are held; mx2: 2 of 2 messages are held");
  assert.deepEqual(await held(), ["mx1/AAAA1", "mx2/BBBB2", "mx2/BBBB3"]);
  clock.advance(60_000);
  one.asked.length = 0;
  two.asked.length = 0;
  const given = new Map((await release(two)).map((step) => [step.step, step]));
  assert.deepEqual([one.asked, two.asked], [["release AAAA1"], ["release BBBB2 BBBB3"]]);
  assert.equal(given.get("unhold")?.detail, "mx2: 2 of 2 messages; mx1: 1 of 1 messages");
  assert.deepEqual(await held(), []);
  await one.orders.work();
  assert.deepEqual(one.asked, ["release AAAA1"], "nothing is done twice");
});

test("what fails on another node is told, and known to the next release", async () => {
  const { store, clock, one, two, contain, release, held } = await openNodes();
  await using _ = store;
  await contain(one);
  clock.advance(1_000);
  two.isBroken = true;
  const failed = (await release(one)).find(({ step }) => step === "unhold");
  assert.deepEqual([failed?.result, /mx2: the helper does not answer/.test(failed?.detail ?? "")], ["failed", true]);
  assert.deepEqual(await held(), ["mx2/BBBB2", "mx2/BBBB3"]);
  clock.advance(1_000);
  two.isBroken = false;
  assert.equal((await release(one)).find(({ step }) => step === "unhold")?.result, "done");
  assert.deepEqual(await held(), []);
});

test("a node that was away does its part when it is there", async () => {
  const { store, clock, one, contain, held } = await openNodes();
  await using _ = store;
  const gone = { value: "192.0.2.9/32", origin: "node" as const, node: "mx3", until: clock.now() + 1e9, note: "" };
  await saveTrusts(store, [gone], { by: "test", now: clock.now() });
  const steps = await contain(one);
  const kick = steps.find(({ step }) => step === "kick");
  assert.equal(kick?.result, "planned", "not everywhere yet");
  assert.match(kick?.detail ?? "", /mx3: has not answered/);
  const three = new Node("mx3", store, clock);
  await three.orders.work();
  assert.deepEqual(three.asked, [`kick ${account}`]);
  assert.equal((await held()).length, 3);
});
