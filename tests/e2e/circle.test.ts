// The whole circle on a real Postfix, Dovecot and kernel, in network namespaces: a stolen account sends over its quota, its client is
// banned, refused and cut; who is trusted is not; our own outage bans nobody, and neither a restart nor a flushed table lets him back.

import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { needs } from "../needs.ts";
import { hostIp, NetRig, strangerIp } from "../net-rig.ts";
import { writeSeedFail2ban } from "../seed-fail2ban.ts";
import { until } from "../until.ts";
import { DaemonChild } from "./daemon.ts";
import { type PostfixRig, startPostfixRig } from "./postfix-rig.ts";

const skip = needs("root", "postfix", "dovecot", "netns", "nft");
const stranger = join(import.meta.dirname, "stranger-child.ts");
const thief = strangerIp;
/** In mynetworks. */
const colleague = "198.51.100.8";
const customers = ["198.51.100.4", "198.51.100.5"] as const;
const folder = mkdtempSync(join(tmpdir(), "postvarta-circle-"));
const rig: { net?: NetRig; postfix?: PostfixRig; daemon?: DaemonChild } = {};
const allowed = 2;
/** The jails' maxretry. */
const refusals = 4;

const rules = `
[[policies]]
name = "everybody"
members = [{}]
[[policies.quotas]]
name = "a day"
track = "SASLUsername"
verdict = "reject"
text = "LIMIT AT QUOTAUSE"
limits = [{ count = "recipients", max = ${allowed}, per = "1d" }]
`;

before(async () => {
  if (skip !== false) return;
  const net = new NetRig();
  rig.net = net;
  const postfix = await startPostfixRig({
    wrap: net.prefix,
    services: ["smtp inet n - n - 100 smtpd"],
    parameters: {
      inet_interfaces: `127.0.0.1, ${hostIp}`,
      mynetworks: `192.0.2.250/32, ${colleague}/32`,
      // Whoever knocks is to be refused by the kernel, not by anvil.
      smtpd_client_connection_rate_limit: "0",
      // Nobody resolves names here.
      smtpd_peername_lookup: "no",
    },
  });
  rig.postfix = postfix;
  const sections = `[[logs]]
path = "${postfix.mailLogFile}"
[postfix]
config_directories = ["${postfix.configDirectory}"]
[jails]
mode = "enforce"
firewall = "nftables"
fail2ban = "${writeSeedFail2ban(join(folder, "fail2ban"), postfix.mailLogFile)}"
`;
  rig.daemon = await DaemonChild.start({ rules, sections, wrap: net.prefix });
  const asks = `check_policy_service inet:127.0.0.1:${rig.daemon.port}`;
  await postfix.set(
    `smtpd_recipient_restrictions=${asks}, permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination`,
    `smtpd_end_of_data_restrictions=${asks}`,
  );
});

after(async () => {
  await rig.daemon?.[Symbol.asyncDispose]();
  await rig.postfix?.[Symbol.asyncDispose]();
  rig.net?.[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

/** What a stranger's program tells, until it says `word` or ends. */
class Told {
  readonly child: ChildProcess;
  text = "";

  constructor(...words: readonly string[]) {
    assert.ok(rig.net);
    this.child = rig.net.start("stranger", process.execPath, stranger, ...words);
    this.child.stdout?.setEncoding("utf8").on("data", (piece: string) => {
      this.text += piece;
    });
  }

  async until(word: string): Promise<string> {
    await until(`a stranger never says ${word}: ${this.text}`, () => this.text.includes(word));
    return this.text;
  }
}

interface Listed {
  readonly address: string;
  readonly jail: string;
  readonly verified: boolean;
}

async function bans(): Promise<readonly Listed[]> {
  const { stdout = "", stderr } = (await rig.daemon?.command("bans", "--json")) ?? {};
  assert.equal(stderr, "");
  const lines = stdout.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as Listed);
}

/** Addresses in the kernel's sets. */
function inKernel(): string {
  return rig.net?.run("host", "nft", "list", "ruleset") ?? "";
}

function sessionsOfThief(): string {
  return rig.net?.run("host", "ss", "-Htn", "state", "connected", "dst", thief) ?? "";
}

async function knocks(from: string): Promise<{ readonly end: () => Promise<{ tries: number; passed: number }> }> {
  const told = new Told("knock", hostIp, from);
  await told.until("knocking");
  return {
    end: async () => {
      told.child.stdin?.end();
      await told.until("}");
      return JSON.parse(/\{.*\}/.exec(told.text)?.[0] ?? "{}") as { tries: number; passed: number };
    },
  };
}

test("a stolen account over its quota is refused, its client banned, his next packet refused and his session cut", {
  skip,
}, async () => {
  const session = new Told("mail", hostIp, thief, "user1@example.test", String(allowed + refusals));
  const text = await session.until("sent");
  assert.equal(text.match(/^rcpt 250/gm)?.length, allowed, text);
  assert.equal(text.match(/^rcpt 554 .*LIMIT AT QUOTAUSE/gm)?.length, refusals, text);
  assert.match(
    readFileSync(rig.postfix?.mailLogFile ?? "", "utf8"),
    /reject: RCPT from .*\]: 554 .*LIMIT AT QUOTAUSE;/,
  );
  await until("our own jail and the seed's ban him, in the kernel", async () => {
    const his = (await bans()).filter(({ address, verified }) => address === thief && verified);
    return ["quota-refusal", "postfix-overlim"].every((jail) => his.some((ban) => ban.jail === jail));
  });
  assert.ok(inKernel().includes(thief));
  await until("the host still has his session", () => sessionsOfThief() === "");
  assert.match(await session.until("cut"), /^cut$/m);
  const { tries, passed } = await (await knocks(thief)).end();
  assert.deepEqual([tries > 0, passed], [true, 0]);
  const customer = await new Told("mail", hostIp, customers[0], "-", "1").until("sent");
  assert.match(customer, /^rcpt 250/m, "others pass");
});

test("a colleague's network is trusted: his refusals ban nobody", { skip }, async () => {
  const text = await new Told("mail", hostIp, colleague, "user2@example.test", String(allowed + 2 * refusals)).until(
    "sent",
  );
  assert.equal(text.match(/LIMIT AT QUOTAUSE/g)?.length, 2 * refusals, text);
  await until("the jail says that it spared him", async () => {
    const { stdout = "" } = (await rig.daemon?.command("jail", "show", "quota-refusal", "--json")) ?? {};
    return (JSON.parse(stdout) as { counts: { exempt: number } }).counts.exempt >= 2 * refusals;
  });
  assert.deepEqual(
    (await bans()).filter(({ address }) => address !== thief),
    [],
  );
  assert.equal((await (await knocks(colleague)).end()).passed > 0, true);
});

test("while we are dead and while we start, he stays refused; the refusals of our outage ban nobody", {
  skip,
}, async () => {
  const { daemon, postfix } = rig;
  assert.ok(daemon !== undefined && postfix !== undefined);
  const knocking = await knocks(thief);
  await daemon.kill("SIGKILL");
  const troubled = customers.map((ip) => new Told("mail", hostIp, ip, "-", String(refusals + 1)));
  for (const one of troubled) {
    const text = await one.until("sent");
    assert.equal(text.match(/^rcpt 451 .*Server configuration problem/gm)?.length, refusals + 1, text);
  }
  await daemon.run();
  // A customer whose line is behind those of the outage: when it was counted, so were they.
  const late = await new Told("mail", hostIp, customers[0], "user3@example.test", String(allowed + 1)).until("sent");
  assert.match(late, /LIMIT AT QUOTAUSE/);
  await until("the line behind the outage is counted", async () => {
    const { stdout } = await daemon.command("jail", "show", "quota-refusal", "--json");
    return (JSON.parse(stdout) as { counts: { failures: number } }).counts.failures > 0;
  });
  assert.deepEqual([...new Set((await bans()).map(({ address }) => address))], [thief]);
  const { tries, passed } = await knocking.end();
  assert.ok(tries > 5, `${tries} tries`);
  assert.equal(passed, 0, `${passed} of ${tries} came through`);
});

test("somebody who flushes the table is noticed, and he is refused again", { skip }, async () => {
  rig.net?.run("host", "nft", "flush", "ruleset");
  await until("his address stands in the kernel again", () => inKernel().includes(thief));
  assert.equal((await (await knocks(thief)).end()).passed, 0);
  const { stdout = "" } = (await rig.daemon?.command("status", "--json")) ?? {};
  assert.ok((JSON.parse(stdout) as { bans: { mended: number } }).bans.mended > 0);
});
