// Notices of the whole daemon: from a counter's stage to the mail that tells of it, and the verbs that show it.

import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { accountQuota } from "./account-quota.ts";
import { DaemonChild } from "./e2e/daemon.ts";
import { PolicyClient } from "./policy-client.ts";

describe("notices", () => {
  const directory = mkdtempSync(join(tmpdir(), "postvarta-notices-"));
  const mail = join(directory, "mail");
  let daemon: DaemonChild | undefined;
  const running = () => daemon ?? assert.fail("no daemon");

  before(async () => {
    const program = join(directory, "sendmail");
    writeFileSync(program, `#!/bin/sh\ncat > ${mail}.part && mv ${mail}.part ${mail}\n`);
    chmodSync(program, 0o755);
    const rules = accountQuota(10).replace(
      /limits = .*/,
      (limits) => `${limits}\nstages = [{ at = "80%", do = "notify" }]`,
    );
    const templates = join(directory, "templates");
    mkdirSync(templates);
    writeFileSync(join(templates, "account_contained.en.txt"), "Held: {subject}\n\nBecause of {reason}\n");
    const sections = `
[notices]
templates = "${templates}"
[[notices.channels]]
name = "ops"
kind = "mail"
to = ["ops@example.org"]
sendmail = "${program}"
[[notices.channels]]
name = "gone"
kind = "slack"
url = "http://127.0.0.1:1/hook"
`;
    daemon = await DaemonChild.start({ rules, sections });
  });
  after(async () => {
    await daemon?.[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });

  test("a stage with do = notify is told once", async () => {
    using client = await PolicyClient.connect({ port: running().port });
    for (let i = 0; i < 10; i++) {
      await client.ask({ instance: "i1", sasl_username: "ann", recipient: `r${i}@example.net` });
    }
    for (let i = 0; i < 300 && !existsSync(mail); i++) await sleep(100);
    const text = readFileSync(mail, "utf8");
    assert.match(text, /^Subject: SASLUsername:ann has used most of a quota$/m);
    assert.match(text, /80% of 10 recipients/);
    assert.equal(text.match(/^Subject:/gm)?.length, 1);
  });

  test("the list has what each channel said, and --failed only what one did not take", async () => {
    const list = await running().command("notices", "list", "--json");
    assert.equal(list.code, 0, list.stderr);
    const [notice] = JSON.parse(list.stdout).notices;
    const states = Object.fromEntries(
      notice.deliveries.map((one: { channel: string; state: string; error: string | null }) => [one.channel, one]),
    );
    assert.equal(states.ops.state, "sent");
    assert.match(states.gone.error, /not of the public internet/);
    const failed = await running().command("notices", "list", "--failed");
    assert.match(failed.stdout, /gone: waiting.*allow_private/);
  });

  test("a test of a channel says what happened, with its exit code", async () => {
    const good = await running().command("notices", "test", "ops");
    assert.deepEqual([good.code, /ops: taken/.test(good.stdout)], [0, true]);
    assert.equal((await running().command("notices", "test", "gone")).code, 1);
    const none = await running().command("notices", "test", "nobody");
    assert.equal(none.code, 4);
    assert.match(none.stderr, /known: ops, gone/);
  });

  test("templates are listed, written to be edited, tested and checked", async () => {
    const listed = await running().command("notices", "templates");
    assert.match(listed.stdout, /^account_contained\.en\.txt +yours +\{subject\} \{time\} \{reason\}/m);
    assert.match(listed.stdout, /^account_contained\.owner\.uk\.txt +built in/m);
    const written = join(directory, "written");
    assert.equal((await running().command("notices", "templates", "--write", written)).code, 0);
    assert.ok(readdirSync(written).length > 30);
    assert.match(readFileSync(join(written, "account_contained.owner.uk.txt"), "utf8"), /призупинено/);
    const sample = ["notices", "test", "ops", "--template", "account_contained", "--to", "a@b.example"];
    rmSync(mail, { force: true });
    const sent = await running().command(...sample);
    assert.equal(sent.code, 0, sent.stderr);
    assert.match(readFileSync(mail, "utf8"), /^Subject: Held: a@b\.example$[\s\S]*Because of \(reason\)/m);

    const own = join(directory, "templates", "account_contained.en.txt");
    writeFileSync(own, "Held\n\nBecause of {raeson}\n");
    const checked = await running().command("check-config");
    assert.equal(checked.code, 78);
    assert.match(checked.stderr, /\.en\.txt:3: unknown placeholder \{raeson\}: did you mean \{reason\}\?/);
    running().signal("SIGHUP");
    await heard(/reload_failed.*raeson/);
    writeFileSync(own, "Stopped: {subject}\n\n{time}\n");
    running().signal("SIGHUP");
    await heard(/ reloaded/);
    await running().command(...sample);
    assert.match(readFileSync(mail, "utf8"), /^Subject: Stopped: a@b\.example$/m);
  });

  async function heard(what: RegExp): Promise<void> {
    for (let i = 0; i < 400 && !what.test(running().log); i++) await sleep(50);
    assert.match(running().log, what);
  }
});
