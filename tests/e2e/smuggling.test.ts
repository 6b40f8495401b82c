// SMTP smuggling (CVE-2023-51764): whatever Postfix makes of a bare line feed, each message that it takes was asked about and counted.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { accountQuota, usedOf } from "../account-quota.ts";
import { needs } from "../needs.ts";
import { DaemonChild } from "./daemon.ts";
import { startPostfixRig } from "./postfix-rig.ts";
import { SmtpClient } from "./smtp-client.ts";

const skip = needs("root", "postfix", "dovecot");
const account = "user1@example.test";

describe("messages smuggled behind a bare line feed", { skip, timeout: 120_000 }, () => {
  /** Two whole messages in the body of one, divided as only a Postfix that takes bare line feeds divides them. */
  const smuggled = ["one", "two"]
    .map(
      (name) => `.\nMAIL FROM:<${name}@smuggled.test>\nRCPT TO:<${name}@out.test>\nDATA\nSubject: ${name}\n\nhidden\n`,
    )
    .join("");

  for (const [forbid, messages] of [
    ["no", 3],
    ["yes", 1],
  ] as const) {
    test(`are counted as Postfix counts them: smtpd_forbid_bare_newline=${forbid}`, async () => {
      await using daemon = await DaemonChild.start({ rules: accountQuota(100) });
      const parameters = { smtpd_forbid_bare_newline: forbid, smtpd_forbid_unauth_pipelining: "no" };
      await using rig = await startPostfixRig({ policyPort: daemon.port, parameters });
      await using client = await SmtpClient.connect(rig.port);
      await client.ehlo();
      await client.authPlain(account, "secret");
      await client.mail(account);
      await client.rcpt("open@out.test");
      await client.command("DATA");
      await client.raw(`Subject: open\r\n\r\nseen\n${smuggled}\r\n.\r\n`);
      // Each smuggled command has a reply of its own.
      for (let replies = 0; forbid === "no" && replies < 8; replies++) await client.reply();
      await client.quit();
      const sent = await rig.deliveries();
      assert.equal(sent, messages);
      assert.equal(await usedOf(daemon, account), sent);
    });
  }
});
