import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../core/clock.ts";
import { silentLog } from "../../core/log.ts";
import { findContainment } from "../../store/containments.ts";
import { openStore } from "../../store/open.ts";
import { ContainmentKeeper } from "./containment-keeper.ts";
import { HostSteps } from "./host-steps.ts";

const account = "ann@example.org";
const queueId = "4XyZ1234567";

test("mail that could not be given back is known to the next release", async () => {
  const clock = new ManualClock();
  await using store = await openStore("scratch:", { clock });
  const asked: string[] = [];
  let works = false;
  const keeper = new ContainmentKeeper({
    ...{ store, clock, log: silentLog, trust: () => undefined, firewallTrouble: () => undefined, orders: undefined },
    judge: {
      look: async () => ({ view: undefined, queue: [{ queueId, node: "mx1" }] }),
      reset: async () => true,
    },
    host: new HostSteps({
      ...{ node: "mx1", sessions: () => [], dovecotConfig: "" },
      queueOf: async () => [{ queueId, node: "mx1" }],
      queued: async () => new Set([queueId]),
      helper: () => ({
        hold: async (ids) => ids.length,
        release: async (ids) => {
          asked.push(...ids);
          if (!works) throw new Error("the helper does not answer");
          return ids.length;
        },
        remove: async (ids) => ids.length,
        kick: async () => 0,
        hangUp: async () => 0,
      }),
    }),
  });
  const author = { by: "olena", now: clock.now() };
  const held = async () => (await findContainment(store.facts, account))?.held;
  const release = () => keeper.release({ account, held: "release", probationMs: 0 }, author);
  const contained = await keeper.contain({ account, reason: "a test", skip: [] }, author);
  assert.equal(contained.find(({ step }) => step === "hold")?.result, "done");
  assert.deepEqual(await held(), [`mx1/${queueId}`]);
  assert.equal((await release()).find(({ step }) => step === "unhold")?.result, "failed");
  assert.deepEqual(await held(), [`mx1/${queueId}`]);
  works = true;
  assert.equal((await release()).find(({ step }) => step === "unhold")?.result, "done");
  assert.deepEqual([await held(), asked], [[], [queueId, queueId]]);
});
