// Two whole daemons on one PostgreSQL, as two mail servers have them: asked by many smtpds, killed, and told new rules.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { accountQuota } from "./account-quota.ts";
import { DaemonChild } from "./e2e/daemon.ts";
import { needs } from "./needs.ts";
import { PolicyClient } from "./policy-client.ts";
import { PostgresRig } from "./postgres-rig.ts";

const skip = needs("postgres");
const full = process.env["POSTVARTA_FULL"] === "1";
const clients = 100;
const limit = 400;
const kills = full ? 200 : 6;

interface Asker {
  readonly daemon: DaemonChild;
  readonly n: number;
  readonly account: string;
}

/** One smtpd: a mail for each number, one recipient each, until refused or over. A broken connection is opened again, and the question asked again. */
async function send({ daemon, n, account }: Asker, isOver: () => boolean): Promise<number> {
  let client: PolicyClient | undefined;
  const ask = async (attributes: Readonly<Record<string, string | number>>): Promise<string> => {
    for (let tries = 0; tries < 3_000; tries++) {
      try {
        client ??= await PolicyClient.connect({ port: daemon.port });
        return await client.ask({ sasl_username: account, ...attributes });
      } catch {
        client?.[Symbol.dispose]();
        client = undefined;
        await wait(10);
      }
    }
    throw new Error("no answer in 30 s");
  };
  let accepted = 0;
  for (let i = 0; !isOver(); i++) {
    const instance = `${n}.${i}`;
    if ((await ask({ instance, recipient: `r${i}@example.org` })) !== "DUNNO") break;
    const end = {
      instance,
      protocol_state: "END-OF-MESSAGE",
      queue_id: `Q${n}${i}`,
      recipient_count: 1,
      recipient: "",
    };
    assert.equal(await ask(end), "DUNNO");
    accepted++;
  }
  client?.[Symbol.dispose]();
  return accepted;
}

async function usedOf(daemon: DaemonChild, account: string): Promise<number> {
  const { stdout, stderr } = await daemon.command("quota", "show", `q/SASLUsername:${account}`, "--json");
  const counters: unknown = JSON.parse(stdout === "" ? stderr : stdout);
  assert.ok(Array.isArray(counters), stdout + stderr);
  return counters[0]?.used;
}

/** The figure to reach; three times that where other tests share the cores. */
const followMs = process.env["POSTVARTA_FULL"] === "1" ? 1_000 : 3_000;
const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);

describe("two daemons on one PostgreSQL", { skip, timeout: 900_000 }, () => {
  let rig: PostgresRig;
  let one: DaemonChild;
  let two: DaemonChild;
  before(async () => {
    rig = await PostgresRig.start();
    const storeUrl = await rig.createDatabase();
    one = await DaemonChild.start({ rules: accountQuota(limit), storeUrl, node: "mx1" });
    two = await DaemonChild.start({ rules: accountQuota(limit), storeUrl, node: "mx2" });
  });
  after(async () => {
    await one?.[Symbol.asyncDispose]();
    await two?.[Symbol.asyncDispose]();
    await rig?.[Symbol.asyncDispose]();
  });
  const both = (account: string, isOver = () => false) =>
    Promise.all(
      Array.from({ length: clients }, (_, n) => send({ daemon: n % 2 === 0 ? one : two, n, account }, isOver)),
    );

  test("100 clients over both get exactly L", async () => {
    assert.equal(sum(await both("ann@example.org")), limit);
    assert.equal(await usedOf(one, "ann@example.org"), limit);
  });

  test("exactly L also with a node killed and started again in between", async () => {
    const sending = both("bob@example.org");
    await wait(100);
    await one.kill();
    await one.run();
    assert.equal(sum(await sending), limit);
    assert.equal(await usedOf(two, "bob@example.org"), limit);
  });

  test("a policy applied on one is followed by the other within a second", async () => {
    writeFileSync(join(one.directory, "next.toml"), accountQuota(1));
    const applied = await one.command("policy", "apply", join(one.directory, "next.toml"));
    assert.equal(applied.code, 0, applied.stderr);
    const from = performance.now();
    using client = await PolicyClient.connect({ port: two.port });
    for (let i = 0; ; i++) {
      const of = { sasl_username: `new${i}@example.org`, instance: `new${i}` };
      await client.ask({ ...of, recipient: "a@example.org" });
      if ((await client.ask({ ...of, recipient: "b@example.org" })) !== "DUNNO") break;
      assert.ok(performance.now() - from < followMs, "not followed in time");
    }
    writeFileSync(join(one.directory, "next.toml"), accountQuota(1_000_000));
    await one.command("policy", "apply", join(one.directory, "next.toml"));
    await wait(500);
  });

  test(`${kills} kills of either node under load lose no answered charge and double none`, async (t) => {
    let over = false;
    const account = "eve@example.org";
    const askers = Array.from({ length: 16 }, (_, n) =>
      send({ daemon: n % 2 === 0 ? one : two, n, account }, () => over),
    );
    for (let i = 0; i < kills; i++) {
      await wait(Math.random() * 300);
      const daemon = i % 2 === 0 ? one : two;
      await daemon.kill();
      await daemon.run();
    }
    over = true;
    const accepted = sum(await Promise.all(askers));
    t.diagnostic(`${accepted} messages accepted`);
    assert.ok(accepted > kills);
    assert.equal(await usedOf(one, account), accepted);
  });
});
