// A real Postfix with the shipped main.cf text while we are down, hang, or restart.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { accountQuota, usedOf } from "../account-quota.ts";
import { DaemonChild } from "../e2e/daemon.ts";
import { type PostfixRig, startPostfixRig } from "../e2e/postfix-rig.ts";
import { sendMail } from "../e2e/smtp-client.ts";
import { needs } from "../needs.ts";
import { temporaryRefusals, useGuide } from "./guided-postfix.ts";

const full = process.env["POSTVARTA_FULL"] === "1";
const user = "user1@example.test";
/** What a busy machine adds to a figure in seconds. */
const slackMs = full ? 500 : 2_000;

const rules = accountQuota(1_000_000);

describe("a Postfix with the guide's lines", { skip: needs("root", "postfix", "dovecot"), timeout: 300_000 }, () => {
  let daemon: DaemonChild;
  let rig: PostfixRig;
  before(async () => {
    daemon = await DaemonChild.start({ rules });
    rig = await startPostfixRig();
    await useGuide(rig, daemon.port);
  });
  after(async () => {
    await rig?.[Symbol.asyncDispose]();
    await daemon?.[Symbol.asyncDispose]();
  });

  /** One message of one recipient; the milliseconds its questions took. */
  async function send(recipient: string, as = user): Promise<{ readonly code: number; readonly tookMs: number }> {
    const from = performance.now();
    const outcome = await sendMail({ port: rig.port, ...(as === "" ? {} : { user: as }), recipients: [recipient] });
    const tookMs = performance.now() - from;
    return { code: outcome.final?.code ?? outcome.recipients[0]?.code ?? 0, tookMs };
  }

  test("stopped: mail of our users flows one second a question later, relaying stays refused, and no 4xx is said", async () => {
    assert.equal((await send("a@out.test")).code, 250);
    await daemon.kill();
    const sent = await send("b@out.test");
    assert.equal(sent.code, 250);
    assert.ok(sent.tookMs < 2 * 1_000 + slackMs, `${sent.tookMs} ms for two questions`);
    const relayed = await send("c@out.test", "");
    assert.equal(relayed.code, 554);
    await daemon.run();
    const back = await send("d@out.test");
    assert.deepEqual([back.code, back.tookMs < 1_000 + slackMs], [250, true]);
    assert.deepEqual(temporaryRefusals(rig), []);
  });

  test("hanging: mail flows, seven seconds for the first question, and no 4xx is said", async () => {
    daemon.signal("SIGSTOP");
    try {
      const sent = await send("e@out.test");
      assert.equal(sent.code, 250);
      assert.ok(sent.tookMs < (7 + 4) * 1_000 + slackMs, `${sent.tookMs} ms for two questions`);
    } finally {
      daemon.signal("SIGCONT");
    }
    assert.equal((await send("f@out.test")).code, 250);
    assert.deepEqual(temporaryRefusals(rig), []);
  });

  test("three restarts while 20 clients send: every message is accepted, none is told to come again", async () => {
    const load = { accepted: 0, isOver: false };
    const account = "user2@example.test";
    const clients = Array.from({ length: 20 }, async (_, n) => {
      for (let i = 0; !load.isOver; i++) {
        const { code } = await send(`r${n}.${i}@out.test`, account);
        assert.equal(code, 250);
        load.accepted++;
      }
    });
    for (let i = 0; i < 3; i++) {
      await wait(400);
      await daemon.kill("SIGTERM");
      await daemon.run();
    }
    await wait(400);
    load.isOver = true;
    await Promise.all(clients);
    assert.deepEqual(temporaryRefusals(rig), []);
    const used = await usedOf(daemon, account);
    // While we were down for longer than a second Postfix did not wait for us.
    assert.ok(load.accepted > 20 && used <= load.accepted, `${used} counted of ${load.accepted}`);
    // A start takes longer where other tests share the cores.
    assert.ok(used > (full ? load.accepted / 2 : 0), `${used} counted of ${load.accepted}`);
  });
});
