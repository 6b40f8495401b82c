// Quotas on a real Postfix with Dovecot for SASL, configured as the seed is: the policy call first in
// smtpd_recipient_restrictions and again in smtpd_end_of_data_restrictions. The store is SQLite.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { findAnyDecisions } from "../../src/api/found-decisions.ts";
import type { Trail } from "../../src/policy/decision-book.ts";
import { needs } from "../needs.ts";
import { type PolicyHouse, startHouse } from "../policy-house.ts";
import { type PostfixRig, startPostfixRig } from "./postfix-rig.ts";
import type { PostfixRigOptions } from "./postfix-rig-files.ts";
import { SmtpClient, sendMail, sendMessage } from "./smtp-client.ts";

const skip = needs("root", "postfix", "dovecot");
const user = "user1@example.test";
const account = `SASLUsername:${user}`;

/** Members of newuser may send `limits` to the outside; the texts and names are the seed's. */
function seedRules(limits: string): string {
  return `
[[groups]]
name = "internal_domains"
members = ["@example.test"]
[[groups]]
name = "newuser"
members = ["$*@example.test"]
[[policies]]
name = "newusers to not internal"
priority = 20
members = [{ source = "%newuser", destination = "!%internal_domains" }]
[[policies.quotas]]
name = "q"
track = "SASLUsername"
verdict = "reject"
text = "LIMIT AT QUOTAUSE"
limits = [${limits}]
`;
}

class Circle implements AsyncDisposable {
  readonly #directory = mkdtempSync(join(tmpdir(), "postvarta-circle-"));
  house!: PolicyHouse;
  rig!: PostfixRig;

  static async start(limits: string, options: PostfixRigOptions = {}): Promise<Circle> {
    const circle = new Circle();
    circle.house = await startHouse({ rules: seedRules(limits), storeUrl: `sqlite:${circle.#directory}/p.db` });
    const { target } = circle.house;
    circle.rig = await startPostfixRig({ policyPort: "port" in target ? target.port : 0, ...options });
    return circle;
  }

  used(count: string): Promise<number> {
    return this.house.used("newusers to not internal", "q", count, account);
  }

  /** What a line that Postfix logged is traced to. Its stamp is the real time, and the house's clock shows another. */
  async explained(line: string): Promise<readonly string[]> {
    const { store, clock } = this.house;
    const message = line.replace(/^.*?(?=[0-9A-Za-z]+: reject: )/, "smtpd: ");
    const found = await findAnyDecisions({ store, clock, canonical: (login) => login }, message, { limit: 10 });
    return found.rows.map((row) => {
      const quota = (JSON.parse(row.trail) as Trail).findings.find(({ effect }) => effect === "acted")?.quota;
      return `${found.as} ${row.rule} ${row.recipient} ${quota?.before} + ${quota?.amount} of ${quota?.max}`;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.rig[Symbol.asyncDispose]();
    await this.house[Symbol.asyncDispose]();
    rmSync(this.#directory, { recursive: true });
  }
}

describe("a real Postfix", { skip }, () => {
  test("refuses the recipient over the quota with its text, in the reply and in mail.log", async () => {
    await using circle = await Circle.start(`{ count = "recipients", max = 3, per = "1h" }`);
    const send = (to: string) => sendMail({ port: circle.rig.port, ip: "203.0.113.9", user, recipients: [to] });
    for (const to of ["a@out.test", "b@out.test", "c@out.test"]) assert.equal((await send(to)).final?.code, 250);
    const refused = (await send("d@out.test")).recipients[0];
    assert.equal(refused?.code, 554);
    assert.equal(refused.text, "5.7.1 <d@out.test>: Recipient address rejected: LIMIT AT QUOTAUSE");
    const line = await circle.rig.waitForLog(/reject: RCPT from/);
    assert.match(
      line,
      /NOQUEUE: reject: RCPT from unknown\[203\.0\.113\.9\]: 554 5\.7\.1 <d@out\.test>: Recipient address rejected: LIMIT AT QUOTAUSE; from=<user1@example\.test> to=<d@out\.test>/,
    );
    assert.deepEqual(await circle.explained(line), ["line newusers to not internal/q d@out.test 3 + 1 of 3"]);
    const said = `<d@out.test>: host mx1.example.org[192.0.2.1] said: 554 ${refused.text} (in reply to RCPT TO command)`;
    assert.deepEqual(await circle.explained(said), await circle.explained(line));
    const inside = await send("boss@example.test");
    assert.equal(inside.final?.code, 250, "mail inside the house is not counted");
    assert.equal(await circle.used("recipients"), 3);
  });

  test("refuses the message over a messages quota at its first recipient", async () => {
    await using circle = await Circle.start(`{ count = "messages", max = 2, per = "1h" }`);
    const recipients = ["a@out.test", "b@out.test", "c@out.test"];
    const send = () => sendMail({ port: circle.rig.port, user, recipients });
    const codes = [];
    for (let i = 0; i < 3; i++) codes.push((await send()).recipients.map((reply) => reply.code));
    assert.deepEqual(codes, [
      [250, 250, 250],
      [250, 250, 250],
      [554, 554, 554],
    ]);
    assert.equal(await circle.used("messages"), 2);
  });

  test("refuses a declared size at RCPT and a true one at END-OF-MESSAGE", async () => {
    await using circle = await Circle.start(`{ count = "kilobytes", max = 100, per = "1h" }`);
    const mail = { port: circle.rig.port, user, recipients: ["a@out.test"] };
    assert.equal((await sendMail({ ...mail, sizeBytes: 60 * 1024 })).final?.code, 250);
    const declared = await sendMail({ ...mail, sizeBytes: 60 * 1024, declareSize: true });
    assert.equal(declared.recipients[0]?.code, 554);
    const hidden = await sendMail({ ...mail, sizeBytes: 60 * 1024 });
    assert.deepEqual([hidden.recipients[0]?.code, hidden.final?.code], [250, 554]);
    assert.match(hidden.final?.text ?? "", /<END-OF-MESSAGE>: End-of-data rejected: LIMIT AT QUOTAUSE/);
    const line = await circle.rig.waitForLog(/reject: END-OF-MESSAGE from/);
    assert.match((await circle.explained(line))[0] ?? "", /^line newusers to not internal\/q .* \+ 6\d of 100$/);
    assert.ok((await circle.used("kilobytes")) <= 62);
    assert.equal((await sendMail({ ...mail, sizeBytes: 30 * 1024 })).final?.code, 250);
  });

  test("accepts exactly the limit from 50 parallel clients", async () => {
    await using circle = await Circle.start(`{ count = "recipients", max = 70, per = "1h" }`);
    const clients = Array.from({ length: 50 }, async (_, n) => {
      let accepted = 0;
      for (let i = 0; i < 3; i++) {
        const outcome = await sendMail({
          port: circle.rig.port,
          ip: `198.51.100.${n + 1}`,
          user,
          recipients: [`r${n}.${i}@out.test`],
        });
        if (outcome.final?.code === 250) accepted++;
      }
      return accepted;
    });
    const accepted = (await Promise.all(clients)).reduce((sum, count) => sum + count, 0);
    assert.equal(accepted, 70);
    assert.equal(await circle.used("recipients"), 70);
  });

  test("gives back what a client resets, however often", async () => {
    await using circle = await Circle.start(`{ count = "recipients", max = 3, per = "1h" }`);
    await using client = await SmtpClient.connect(circle.rig.port);
    await client.ehlo();
    await client.authPlain(user, "secret");
    for (let i = 0; i < 30; i++) {
      await client.mail(user);
      assert.equal((await client.rcpt(`r${i}@out.test`)).code, 250);
      await client.rset();
    }
    for (let i = 0; i < 3; i++)
      assert.equal((await sendMessage(client, { user, recipients: ["a@out.test"] })).final?.code, 250);
    assert.equal((await sendMessage(client, { user, recipients: ["a@out.test"] })).recipients[0]?.code, 554);
  });

  test("lets a message to fifty pass to as many as the quota holds", async () => {
    await using circle = await Circle.start(`{ count = "recipients", max = 20, per = "1h" }`);
    const recipients = Array.from({ length: 50 }, (_, n) => `r${n}@out.test`);
    const outcome = await sendMail({ port: circle.rig.port, user, recipients });
    assert.deepEqual(
      outcome.recipients.map((reply) => reply.code),
      recipients.map((_, n) => (n < 20 ? 250 : 554)),
    );
    assert.equal(outcome.final?.code, 250);
    assert.equal(await circle.used("recipients"), 20);
  });

  test("gives back recipients that another restriction refuses after us", async () => {
    await using circle = await Circle.start(`{ count = "recipients", max = 5, per = "1h" }`);
    const [call = ""] = (await circle.rig.postconf(["-h", "smtpd_recipient_restrictions"])).split(",");
    const after =
      "check_recipient_access inline:{{bad@out.test=REJECT}}, permit_sasl_authenticated, reject_unauth_destination";
    await circle.rig.set(`smtpd_recipient_restrictions=${call}, ${after}`);
    const outcome = await sendMail({
      port: circle.rig.port,
      user,
      recipients: ["a@out.test", "bad@out.test", "b@out.test"],
    });
    assert.deepEqual(
      outcome.recipients.map((reply) => reply.code),
      [250, 554, 250],
    );
    assert.equal(circle.house.engine.stats.completed, 1);
    assert.equal(await circle.used("recipients"), 2);
  });

  test("charges a message that follows a refused END-OF-MESSAGE for whom Postfix delivers it to", async () => {
    await using circle = await Circle.start(
      `{ count = "kilobytes", max = 10, per = "1h" }, { count = "recipients", max = 9, per = "1h" }`,
      { delivery: "file" },
    );
    await using client = await SmtpClient.connect(circle.rig.port);
    await client.ehlo();
    await client.authPlain(user, "secret");
    await client.mail(user);
    await client.rcpt("one@out.test");
    assert.equal(
      (
        await client.data(
          `Subject: large\r\n\r\n${"x".repeat(70)}\r\n`.padEnd(40_000, "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n"),
        )
      ).code,
      554,
    );
    assert.equal(await circle.used("recipients"), 0);
    await client.rcpt("two@out.test");
    const second = await client.data("Subject: small\r\n\r\nhello\r\n");
    const third = await client.data("Subject: again\r\n\r\nhello\r\n");
    const delivered = await deliveries(circle.rig);
    assert.equal(await circle.used("recipients"), delivered, `second ${second.code}, third ${third.code}`);
  });
});

/** Deliveries to the outside that Postfix logged, once the queue is empty. */
async function deliveries(rig: PostfixRig): Promise<number> {
  for (let tries = 0; tries < 100 && (await rig.queue()).length > 0; tries++)
    await new Promise((resolve) => setTimeout(resolve, 50));
  return rig.mailLog().filter((line) => /to=<(one|two)@out\.test>.*status=sent/.test(line)).length;
}
