// A stolen account on a real Postfix with Dovecot's SASL: watched before its sixtieth recipient, limited at its next message,
// contained with what is queued, and given back.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, test } from "node:test";
import { abroad, home, limitedGroup, quietDays } from "../account-lines.ts";
import { needs } from "../needs.ts";
import { DaemonChild } from "./daemon.ts";
import { type PostfixRig, startPostfixRig } from "./postfix-rig.ts";
import { sendMail } from "./smtp-client.ts";

const skip = needs("root", "postfix", "dovecot");
const user = "user1@example.test";

/** Questions obey a watch no later than this. */
const obeysMs = 2_000;

interface Step {
  readonly step: string;
  readonly result: string;
  readonly detail: string;
}

async function until(isTrue: () => boolean | Promise<boolean>, ms = 30_000): Promise<boolean> {
  const deadline = performance.now() + ms;
  while (performance.now() < deadline) {
    if (await isTrue()) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}

function watches(daemon: DaemonChild): number {
  const db = new DatabaseSync(daemon.storeFile, { readOnly: true });
  const found = db.prepare("select account from watches").all().length;
  db.close();
  return found;
}

/** Sends as the account from `ip`; the reply to the first recipient. */
async function send(rig: PostfixRig, ip: string, recipients: readonly string[], from = user): Promise<string> {
  const outcome = await sendMail({
    ...{ port: rig.port, ip, user, password: "secret", sender: from, recipients, sizeBytes: 2_000 },
  });
  const [first] = outcome.recipients;
  return `${first?.code} ${first?.text}`;
}

async function act(daemon: DaemonChild, ...words: readonly string[]): Promise<readonly Step[]> {
  const { code, stdout, stderr } = await daemon.command("accounts", ...words, "--yes", "--json");
  assert.equal(code, 0, stderr);
  return (JSON.parse(stdout) as { readonly steps: readonly Step[] }).steps;
}

/** What a step says to run by hand, as root would. */
function runByHand(rig: PostfixRig, steps: readonly Step[], name: string): void {
  const step = steps.find((one) => one.step === name);
  assert.equal(step?.result, "by_hand", JSON.stringify(step));
  const line = step.detail.replaceAll("postsuper ", `postsuper -c ${rig.configDirectory} `);
  execFileSync("sh", ["-c", line], { stdio: "ignore" });
}

describe("a stolen account on a real Postfix", { skip }, () => {
  test("is watched, limited, contained and given back", async () => {
    const directory = mkdtempSync(join(tmpdir(), "postvarta-stolen-"));
    process.on("exit", () => rmSync(directory, { recursive: true, force: true }));
    const past = join(directory, "past.log");
    writeFileSync(past, quietDays(user, Date.now()));
    await using rig = await startPostfixRig({
      parameters: {
        // Mail stays in the queue; a domain of which nobody exists bounces when it is delivered.
        default_transport: "smtp",
        defer_transports: "smtp",
        transport_maps: "inline:{ nobody.example=virtual: }",
        virtual_mailbox_maps: "inline:{ somebody@nobody.example=x }",
        virtual_mailbox_base: "/nonexistent",
        virtual_uid_maps: "static:5000",
        virtual_gid_maps: "static:5000",
      },
    });
    const logs = `[[logs]]\npath = "${past}"\nfrom = "start"\n[[logs]]\npath = "${rig.mailLogFile}"\nfrom = "start"\n`;
    const sections = `${logs}[accounts]\nmode = "enforce"\n[postfix]\nconfig_directories = ["${rig.configDirectory}"]\n`;
    await using daemon = await DaemonChild.start({ rules: limitedGroup, sections });
    await rig.set(
      `smtpd_recipient_restrictions=check_policy_service inet:127.0.0.1:${daemon.port}, permit_sasl_authenticated, reject`,
    );
    assert.ok(await until(async () => (await daemon.command("accounts", "show", user)).code === 0));
    assert.match(await send(rig, home, ["a@there.example"]), /^250/);

    let recipients = 0;
    for (const ip of abroad) {
      if (watches(daemon) > 0) break;
      await send(
        rig,
        ip,
        ["b@there.example", "c@there.example", "d@there.example", "x@nobody.example"],
        "bank@evil.example",
      );
      recipients += 4;
      await until(() => watches(daemon) > 0, 1_000);
    }
    assert.ok(await until(() => watches(daemon) > 0));
    assert.ok(recipients < 60, `${recipients} recipients`);
    // The row stands a moment before the rules are made of it.
    const watchedAt = performance.now();
    let late = 0;
    let reply = await send(rig, "91.14.1.1", ["e@there.example"]);
    for (; /^250/.test(reply) && performance.now() - watchedAt < obeysMs; late++)
      reply = await send(rig, "91.14.1.1", ["e@there.example"]);
    assert.match(reply, /LIMIT AT QUOTAUSE/, "its next message is limited");

    assert.ok(await until(async () => (await rig.queue()).length >= recipients / 4));
    const contained = await act(daemon, "contain", user);
    runByHand(rig, contained, "hold");
    const held = (await rig.queue()).filter(({ queue_name }) => queue_name === "hold");
    assert.equal(held.length, recipients / 4 + 1 + late, "its own messages, whatever sender they name");
    assert.match(await send(rig, home, ["f@there.example"]), /suspended/);

    const released = await act(daemon, "release", user, "--password-changed", "--held", "release", "--probation", "0s");
    runByHand(rig, released, "unhold");
    assert.equal((await rig.queue()).filter(({ queue_name }) => queue_name === "hold").length, 0);
    assert.match(await send(rig, home, ["g@there.example"]), /^250/, "everything is given back");
  });
});
