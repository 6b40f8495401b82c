// Containing a stolen account for real: a live IMAP and a live submission session end, what is queued is held, the strangers'
// addresses are in the kernel although jails only observe; giving it back takes all of it back.

import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { abroad, burst, home, limitedGroup, quietDays } from "../account-lines.ts";
import { needs } from "../needs.ts";
import { NetRig } from "../net-rig.ts";
import { until } from "../until.ts";
import { DaemonChild } from "./daemon.ts";
import { startHelper } from "./helper-process.ts";
import { freePort, type PostfixRig, startPostfixRig } from "./postfix-rig.ts";
import { LineClient } from "./proxied.ts";
import { SmtpClient, sendMail } from "./smtp-client.ts";

const user = "user1@example.test";
const other = "user2@example.test";
const folder = mkdtempSync(join(tmpdir(), "postvarta-contain-"));
after(() => rmSync(folder, { recursive: true, force: true }));

interface Step {
  readonly step: string;
  readonly result: string;
  readonly detail: string;
}

async function act(daemon: DaemonChild, ...words: readonly string[]): Promise<ReadonlyMap<string, Step>> {
  const { code, stdout, stderr } = await daemon.command("accounts", ...words, "--yes", "--json");
  assert.equal(code, 0, stderr);
  const { steps } = JSON.parse(stdout) as { readonly steps: readonly Step[] };
  return new Map(steps.map((step) => [step.step, step]));
}

async function startMailHost(imap: number): Promise<PostfixRig> {
  return await startPostfixRig({
    mailboxes: { imap, pop3: await freePort(), submission: await freePort() },
    parameters: { default_transport: "smtp", defer_transports: "smtp" },
  });
}

async function openMail(port: number, login: string): Promise<SmtpClient> {
  const client = await SmtpClient.connect(port);
  await client.ehlo();
  assert.equal((await client.authPlain(login, "secret")).code, 235);
  await client.mail(login);
  assert.equal((await client.rcpt("a@there.example")).code, 250);
  return client;
}

async function openMailbox(port: number, login: string): Promise<LineClient> {
  const client = await LineClient.connect(port, home);
  assert.match(await client.say(`a login ${login} secret`, /^a /m), /^a OK/m);
  return client;
}

/** Whoever runs the mail and the owner are told; each mail lies in a file of its own. */
function tellingPeople(): string {
  const program = join(folder, "sendmail");
  writeFileSync(program, `#!/bin/sh\ncat > ${folder}/mail.$$\n`);
  chmodSync(program, 0o755);
  const channel = (name: string, more: string) =>
    `[[notices.channels]]\nname = "${name}"\nkind = "mail"\nsendmail = "${program}"\n${more}\n`;
  return channel("desk", 'to = ["desk@example.test"]') + channel("owner", 'owner = true\nlanguage = "uk"');
}

function mails(): readonly string[] {
  return readdirSync(folder)
    .filter((file) => file.startsWith("mail."))
    .map((file) => readFileSync(join(folder, file), "utf8"));
}

async function held(rig: PostfixRig): Promise<number> {
  return (await rig.queue()).filter(({ queue_name }) => queue_name === "hold").length;
}

test("live sessions end, queued mail is held, and all of it is given back", {
  skip: needs("root", "postfix", "dovecot"),
}, async () => {
  const imap = await freePort();
  const past = join(folder, "past.log");
  writeFileSync(past, quietDays(user, Date.now()));
  await using rig = await startMailHost(imap);
  const logs = [past, rig.mailLogFile].map((path) => `[[logs]]\npath = "${path}"\nfrom = "start"\n`).join("");
  const sections = `${logs}[accounts]
mode = "enforce"
dovecot_config = "${rig.directory}/dovecot/dovecot.conf"
[postfix]
config_directories = ["${rig.configDirectory}"]
[helper]
socket = "${join(folder, "helper", "helper.sock")}"
${tellingPeople()}`;
  await using daemon = await DaemonChild.start({ rules: limitedGroup, sections });
  await using _ = await startHelper(daemon.configFile);
  await rig.set(
    `smtpd_recipient_restrictions=check_policy_service inet:127.0.0.1:${daemon.port}, permit_sasl_authenticated, reject`,
  );
  await until("its history is known", async () => (await daemon.command("accounts", "show", user)).code === 0);
  for (const ip of abroad.slice(0, 3)) {
    const sent = await sendMail({ port: rig.port, ip, user, recipients: ["b@there.example"] });
    assert.equal(sent.final?.code, 250, sent.final?.text);
  }
  await sendMail({ port: rig.port, ip: home, user: other, recipients: ["b@there.example"] });
  await until("four messages wait", async () => (await rig.queue()).length === 4);
  await until("the judge knows them", async () => {
    const { stdout } = await daemon.command("accounts", "show", user, "--json");
    return (JSON.parse(stdout) as { recent: unknown[] }).recent.length >= 3;
  });
  await using thief = await openMail(rig.port, user);
  await using colleague = await openMail(rig.port, other);
  await using mailbox = await openMailbox(imap, user);
  await using colleaguesMailbox = await openMailbox(imap, other);

  const contained = await act(daemon, "contain", user);
  assert.deepEqual(
    [...contained.values()].map(({ step, result }) => `${step} ${result}`),
    ["freeze done", "hold done", "kick done", "ban done", "notify done"],
    JSON.stringify([...contained.values()]),
  );
  assert.equal((await thief.reply()).code, 0, "his submission session is closed");
  // Until the server ends it.
  await mailbox.until(/never/);
  assert.match(await mailbox.say("b noop", /^b /m), /^$/, "so is his look into the mailbox");
  assert.match(contained.get("kick")?.detail ?? "", /Dovecot ended; 1 submission sessions ended/);
  assert.equal((await colleague.rcpt("c@there.example")).code, 250, "others go on");
  assert.match(await colleaguesMailbox.say("b noop", /^b /m), /^b OK/m);
  assert.equal(await held(rig), 3, "his three, and not the colleague's");
  const banned = contained.get("ban")?.detail ?? "";
  assert.deepEqual(
    [...abroad.slice(0, 3), home].map((ip) => banned.includes(ip)),
    [true, true, true, false],
  );

  const told = (to: string) => mails().some((mail) => new RegExp(`^To: ${to}$`, "m").test(mail));
  await until("both are told", () => told("desk@example.test") && told(user));

  const released = await act(daemon, "release", user, "--password-changed", "--held", "release", "--probation", "0s");
  assert.equal(released.get("unhold")?.result, "done", JSON.stringify([...released.values()]));
  assert.equal(await held(rig), 0);
  // Postfix moves them from queue to queue while it lists them.
  await until("nothing is lost", async () => (await rig.queue()).length === 4);
  assert.equal((await daemon.command("bans", "--json")).stdout, "");
  await using owner = await openMail(rig.port, user);
  assert.equal((await owner.rcpt("d@there.example")).code, 250);
  await openMailbox(imap, user).then((client) => client[Symbol.asyncDispose]());
});

describe("where jails only observe", { skip: needs("root", "netns", "nft") }, () => {
  test("the firewall is left alone until a containment asks for bans, and again after the release", async () => {
    using net = new NetRig();
    const path = join(folder, "observed.log");
    const now = Date.now();
    writeFileSync(path, quietDays(user, now) + burst(user, now - 60_000, 8));
    const sections = `[[logs]]
path = "${path}"
from = "start"
[jails]
mode = "observe"
firewall = "nftables"
`;
    await using daemon = await DaemonChild.start({ rules: limitedGroup, sections, wrap: net.prefix });
    await until("the judge knows them", async () => {
      const { stdout, code } = await daemon.command("accounts", "show", user, "--json");
      return code === 0 && (JSON.parse(stdout) as { recent: unknown[] }).recent.length >= 8;
    });
    const inKernel = () => net.run("host", "nft", "list", "ruleset");
    await daemon.command("ban", "203.0.113.7");
    assert.equal(inKernel(), "");
    const contained = await act(daemon, "contain", user);
    assert.equal(contained.get("ban")?.result, "done", JSON.stringify(contained.get("ban")));
    await until("strangers are in the kernel", () => abroad.slice(0, 8).every((ip) => inKernel().includes(ip)));
    assert.ok(!inKernel().includes(home) && !inKernel().includes("203.0.113.7"));
    const { stdout } = await daemon.command("bans", "--json");
    const verified = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { jail: string; verified: boolean })
      .filter(({ jail }) => jail === "account");
    assert.ok(verified.length === 8 && verified.every((ban) => ban.verified), stdout);

    // A restart finds them, and keeps them.
    await daemon.kill();
    await daemon.run();
    assert.ok(abroad.slice(0, 8).every((ip) => inKernel().includes(ip)));
    await act(daemon, "release", user, "--password-changed", "--probation", "0s");
    await until("they are free again", () => abroad.every((ip) => !inKernel().includes(ip)));
  });
});
