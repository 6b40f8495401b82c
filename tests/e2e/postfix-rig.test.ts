// The rig is real: what it promises to other tests is tried here once.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { needs } from "../needs.ts";
import { startPostfixRig } from "./postfix-rig.ts";
import { recordingPolicy } from "./recording-policy.ts";
import { SmtpClient, sendMail } from "./smtp-client.ts";

const skip = needs("root", "postfix", "dovecot");

test("mail of a logged-in user is asked about at RCPT and END-OF-MESSAGE with the address of XCLIENT", {
  skip,
}, async () => {
  await using asked = await recordingPolicy("DUNNO");
  const begun = performance.now();
  await using rig = await startPostfixRig({ policyPort: asked.port });
  assert.ok(performance.now() - begun < 15_000, `started in ${Math.round(performance.now() - begun)} ms`);
  const outcome = await sendMail({
    port: rig.port,
    ip: "203.0.113.9",
    user: "user1@example.test",
    recipients: ["a@out.test", "b@out.test"],
    sizeBytes: 3_000,
  });
  assert.equal(outcome.auth?.code, 235);
  assert.deepEqual(
    outcome.recipients.map((reply) => reply.code),
    [250, 250],
  );
  assert.equal(outcome.final?.code, 250);
  const facts = asked.requests.map((r) => [
    r["protocol_state"],
    r["client_address"],
    r["sasl_username"],
    r["recipient_count"],
  ]);
  assert.deepEqual(facts, [
    ["RCPT", "203.0.113.9", "user1@example.test", "0"],
    ["RCPT", "203.0.113.9", "user1@example.test", "0"],
    ["END-OF-MESSAGE", "203.0.113.9", "user1@example.test", "2"],
  ]);
  const size = Number(asked.requests[2]?.["size"]);
  assert.ok(Math.abs(size - 3_000) < 300, `size ${size}`);
  await rig.waitForLog(/postfix\/discard\[\d+\]: .*status=sent/);
});

test("a refusal of the policy reaches the client, and a restriction after ours can refuse what we accepted", {
  skip,
}, async () => {
  await using asked = await recordingPolicy("DUNNO");
  await using rig = await startPostfixRig({
    policyPort: asked.port,
    restrictionsAfter: ["check_recipient_access inline:{{bad@example.test=REJECT no}}"],
    parameters: { smtpd_delay_reject: "yes" },
  });
  const outside = await sendMail({
    port: rig.port,
    ip: "198.51.100.7",
    recipients: ["bad@example.test", "ok@example.test", "x@out.test"],
  });
  assert.deepEqual(
    outside.recipients.map((reply) => reply.code),
    [554, 250, 554],
  );
  // The relay restrictions speak first (smtpd_relay_before_recipient_restrictions), so x@out.test is never asked about.
  assert.deepEqual(
    asked.requests.map((r) => r["protocol_state"] === "RCPT" && r["recipient"]),
    ["bad@example.test", "ok@example.test", false],
  );
  asked.answer = "REJECT LIMIT AT QUOTAUSE";
  const refused = await sendMail({ port: rig.port, ip: "198.51.100.7", recipients: ["ok@example.test"] });
  assert.match(refused.recipients[0]?.text ?? "", /LIMIT AT QUOTAUSE/);
  await rig.waitForLog(/NOQUEUE: reject: RCPT from unknown\[198\.51\.100\.7\]: 554 .*LIMIT AT QUOTAUSE/);
});

test("two rigs run side by side; held mail is in the queue, delivered mail in the file, and nothing is left behind", {
  skip,
}, async () => {
  const paths: string[] = [];
  {
    await using holding = await startPostfixRig({ delivery: "hold" });
    await using filing = await startPostfixRig({ delivery: "file" });
    paths.push(holding.directory, filing.directory);
    await sendMail({ port: holding.port, user: "user0@example.test", recipients: ["a@out.test"] });
    await sendMail({ port: filing.port, user: "user0@example.test", recipients: ["b@out.test"] });
    const [held] = await holding.queue();
    assert.equal(held?.queue_name, "hold");
    assert.deepEqual(
      held?.recipients.map((recipient) => recipient.address),
      ["a@out.test"],
    );
    await filing.waitForLog(/status=sent \(delivered to maildir|status=sent \(delivered to mailbox/);
    assert.match(filing.delivered(), /Subject: a test of the watch/);
  }
  assert.deepEqual(
    paths.map((path) => existsSync(path)),
    [false, false],
  );
});

test("a changed parameter works after set, a wrong password is refused, and a hostile line gets a reply", {
  skip,
}, async () => {
  await using rig = await startPostfixRig({ processLimit: 2 });
  await rig.set("smtpd_banner=changed ESMTP");
  assert.equal((await rig.postconf(["-h", "smtpd_banner"])).trim(), "changed ESMTP");
  await using client = await SmtpClient.connect(rig.port);
  assert.equal(client.greeting.text, "changed ESMTP");
  await client.ehlo();
  assert.equal((await client.authPlain("user0@example.test", "wrong")).code, 535);
  assert.match(String((await client.raw("MAIL FROM:<\xff\r\n")).code), /^50[01]$/);
  assert.equal((await client.xclient({ ADDR: "203.0.113.4", LOGIN: "user5@example.test" })).code, 220);
  await client.ehlo();
  assert.equal((await client.mail("user5@example.test")).code, 250);
  assert.equal((await client.rcpt("a@out.test")).code, 250);
  assert.equal((await client.rset()).code, 250);
  assert.equal((await client.quit()).code, 221);
});
