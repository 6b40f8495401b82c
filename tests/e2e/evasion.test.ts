// What a stolen account, or somebody without one, tries against quotas, through a real Postfix with Dovecot for SASL: other spellings of
// the login, many connections and servers, other senders, messages that never end, somebody else's sender. The sum that Postfix
// accepts is what is counted, and never above the limit.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { accountQuota, usedOf } from "../account-quota.ts";
import { needs } from "../needs.ts";
import { DaemonChild } from "./daemon.ts";
import { type PostfixRig, startPostfixRig } from "./postfix-rig.ts";
import { SmtpClient, type SmtpReply, sendMail } from "./smtp-client.ts";

const skip = needs("root", "postfix", "dovecot");
const account = "user1@example.test";
const limit = 40;

/** Spellings that log in to the same mailbox. Dovecot itself gives the account for the last; the one before is an alias of ours. */
const spellings = [
  account,
  "USER1@example.test",
  "User1@Example.TEST",
  "user1",
  "User1",
  `${account} `,
  "u.ser1@example.test",
  "user1+more@example.test",
];

/** Dovecot's passwd-file tells spellings apart, so each has its line; `user=` says whose login it is. */
const users = spellings
  .slice(1)
  .map((login) => `${login}:{PLAIN}secret::::::${login.includes("+") ? `user=${account}` : ""}\n`)
  .join("");

/** Of fourteen abandoned messages nearly all must be free again. */
const heldMax = 3;

describe("a stolen account on two mail servers that share a policy server", { skip, timeout: 120_000 }, () => {
  const directory = mkdtempSync(join(tmpdir(), "postvarta-evasion-"));
  let daemon: DaemonChild;
  let rigs: PostfixRig[] = [];
  before(async () => {
    const aliases = join(directory, "aliases");
    writeFileSync(aliases, `u.ser1@example.test ${account}\n`);
    const sections = `[accounts]\ndefault_domain = "example.test"\naliases = "${aliases}"`;
    daemon = await DaemonChild.start({ rules: accountQuota(limit), sections });
    rigs = await Promise.all([1, 2].map(() => startPostfixRig({ policyPort: daemon.port, users })));
  });
  after(async () => {
    for (const rig of rigs) await rig[Symbol.asyncDispose]();
    await daemon?.[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });

  test("gets no second quota by another spelling, connection, server, sender, or a message that does not end", async () => {
    const tries = Array.from({ length: 56 }, async (_, n) => {
      const port = rigs[n % 2]?.port ?? 0;
      const user = spellings[n % spellings.length] ?? account;
      const sender = `s${n}@somewhere${n}.test`;
      if (n % 4 === 3) return abandon(port, user, n);
      const recipients = [`a${n}@out.test`, `b${n}@out.test`];
      const outcome = await sendMail({ port, user, sender, recipients, ip: `198.51.100.${n + 1}` });
      assert.equal(outcome.auth?.code, 235, `${user} logs in`);
      return accepted(outcome.final, outcome.recipients);
    });
    const sum = (await Promise.all(tries)).reduce((total, count) => total + count, 0);
    assert.ok(sum <= limit, `${sum} accepted`);
    // What was abandoned is free again, and is all that is.
    let more = 0;
    for (let n = 0; n < limit; n++) {
      const outcome = await sendMail({ port: rigs[n % 2]?.port ?? 0, user: account, recipients: [`m${n}@out.test`] });
      more += accepted(outcome.final, outcome.recipients);
    }
    // An smtpd that nobody has used since holds what was abandoned in it.
    assert.ok(sum + more <= limit && sum + more >= limit - heldMax, `${sum} and ${more} accepted`);
    assert.equal(await usedOf(daemon, account), limit);
    assert.equal(
      (await Promise.all(rigs.map((rig) => rig.deliveries()))).reduce((a, b) => a + b),
      sum + more,
    );
    for (const user of spellings) {
      const outcome = await sendMail({ port: rigs[0]?.port ?? 0, user, recipients: ["last@out.test"] });
      assert.equal(outcome.recipients[0]?.code, 554, user);
    }
  });
});

/** Recipients, and then the connection is dropped or the message is reset: nothing is sent. */
async function abandon(port: number, user: string, n: number): Promise<number> {
  await using client = await SmtpClient.connect(port);
  await client.ehlo();
  await client.authPlain(user, "secret");
  for (let round = 0; round < 3; round++) {
    await client.mail(`s${n}.${round}@elsewhere.test`);
    await client.rcpt(`r${n}.${round}@out.test`);
    if (round < 2) await client.rset();
  }
  if (n % 8 === 3) client.abort();
  else await client.quit();
  return 0;
}

function accepted(final: SmtpReply | undefined, recipients: readonly SmtpReply[]): number {
  return final?.code === 250 ? recipients.filter(({ code }) => code === 250).length : 0;
}

const bySenderOfLogins = `
[[policies]]
name = "logged in"
members = [{ source = "$*" }]
[[policies.quotas]]
name = "sender"
track = "Sender:user@domain"
limits = [{ count = "recipients", max = ${limit}, per = "1d" }]
`;

describe("somebody without an account", { skip, timeout: 120_000 }, () => {
  test("uses nothing of the account whose sender they write", async () => {
    await using daemon = await DaemonChild.start({ rules: accountQuota(limit) + bySenderOfLogins });
    await using rig = await startPostfixRig({ policyPort: daemon.port });
    for (let n = 0; n < 12; n++) {
      const mail = { port: rig.port, ip: `203.0.113.${n}`, sender: account };
      const inside = await sendMail({ ...mail, recipients: [`boss${n}@example.test`] });
      assert.equal(inside.final?.code, 250, inside.recipients[0]?.text ?? inside.mail?.text);
      const outside = await sendMail({ ...mail, recipients: [`far${n}@out.test`] });
      assert.equal(outside.recipients[0]?.code, 554, "relaying is refused");
    }
    const shown = await daemon.command("quota", "show", account, "--json");
    const counters: { key: string; used: number }[] = JSON.parse(shown.stdout);
    assert.deepEqual(
      counters.map(({ key, used }) => [key, used]),
      [
        [`SASLUsername:${account}`, 0],
        [`Sender:${account}`, 0],
      ],
    );
    const recipients = Array.from({ length: limit }, (_, n) => `r${n}@out.test`);
    const own = await sendMail({ port: rig.port, user: account, recipients });
    assert.equal(accepted(own.final, own.recipients), limit, "the account still has all it may send");
  });
});
