// A Fail2ban configuration of a mail server with pf, as it is: its action is done by the firewall pf, or run command by command.

import assert from "node:assert/strict";
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { FakePf } from "../fake-pf.ts";
import { writeSeedFail2ban } from "../seed-fail2ban.ts";
import { until } from "../until.ts";
import { DaemonChild } from "./daemon.ts";
import { line, testFolder } from "./jail-daemon.ts";

const root = testFolder();
const off = ["wrong_password", "spraying", "quota_refusal", "unknown_user"].map(
  (name) => `[jails.${name}]\nenabled = false\n`,
);
const failed = (ip: string) =>
  line(`postfix/smtpd[7]: warning: unknown[${ip}]: SASL LOGIN authentication failed: UGFzc3dvcmQ6`);

async function start(firewall: string) {
  const directory = join(root, firewall);
  mkdirSync(directory);
  const log = join(directory, "maillog");
  writeFileSync(log, "");
  writeSeedFail2ban(directory, log);
  const pf = new FakePf(join(directory, "pf"));
  // Theirs before ours: there is no other way to say which pfctl is meant.
  process.env["PATH"] = `${pf.programs}:${process.env["PATH"]}`;
  const sections = `[jails]\nmode = "enforce"\nfirewall = "${firewall}"\nfail2ban = "${directory}"\n${off.join("")}`;
  const daemon = await DaemonChild.start({ rules: "", sections });
  const list = join(directory, "fail2ban.txt");
  const read = () => (existsSync(list) ? readFileSync(list, "utf8").replace(/^ +/gm, "") : "");
  return { daemon, pf, log, read };
}

const addresses = ["198.51.100.7", "2001:db8:7::9"];

for (const firewall of ["pf", "command"]) {
  test(`${firewall}: the fourth wrong password is an address in the table, its connections are looked for, the list is written`, async () => {
    const { daemon: started, pf, log, read } = await start(firewall);
    await using daemon = started;
    pf.write("connections", "tcpdrop 198.51.100.1 25 198.51.100.7 40000\ntcpdrop 198.51.100.1 25 203.0.113.5 40000\n");
    for (const address of addresses) for (let i = 0; i < 4; i++) appendFileSync(log, failed(address));
    await until("both are in the table", () =>
      addresses.every((address) => pf.read("main.table.fail2ban").includes(`${address}\n`)),
    );
    // /32 of the file is one address also where it is IPv6.
    assert.equal(pf.read("main.table.fail2ban"), `${addresses.join("\n")}\n`);
    await until("the list holds both", () => read() === `${addresses.join("\n")}\n`);
    await until("connections are looked for", () => pf.calls.some((call) => /^tcpdrop \[-l/.test(call)));
    if (firewall === "pf")
      await until("his connection is gone", () => !pf.read("connections").includes("198.51.100.7"));
    assert.ok(pf.read("connections").includes("203.0.113.5"));
    if (firewall === "command") {
      assert.ok(pf.calls.includes("pfctl [-t] [fail2ban] [-T] [add] [2001:db8:7::9/128]"), pf.calls.join("\n"));
      assert.ok(pf.calls.includes("pfctl [-t] [fail2ban] [-T] [add] [198.51.100.7/32]"));
    }
    const unbanned = await daemon.command("unban", "198.51.100.7");
    assert.equal(unbanned.code, 0, unbanned.stderr);
    // A command is waited for by nobody: our answers have let him through already.
    await until("only the other is left", () => pf.read("main.table.fail2ban") === "2001:db8:7::9\n");
    // A person's ban has no action of a jail: pf takes it, and where commands are run it is not claimed to hold.
    await daemon.command("ban", "203.0.113.77");
    const bans = (await daemon.command("bans", "--json")).stdout
      .trim()
      .split("\n")
      .map((one) => JSON.parse(one));
    const manual = bans.find(({ address }) => address === "203.0.113.77");
    assert.equal(manual?.verified, firewall === "pf");
    assert.equal(bans.find(({ address }) => address === "2001:db8:7::9")?.verified, true);
  });
}
