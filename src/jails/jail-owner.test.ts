import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { fail2banFolder } from "../../tests/fail2ban-folder.ts";
import { readConfig } from "../config/config.ts";
import { ManualClock } from "../core/clock.ts";
import { parseNetwork } from "../core/ip.ts";
import { silentLog } from "../core/log.ts";
import { banNow } from "../store/bans.ts";
import { openStore } from "../store/open.ts";
import { JailOwner } from "./jail-owner.ts";

const jail = (name: string, action: string) =>
  `[${name}]\nenabled = true\nfilter = sasl\nlogpath = /nonexistent/log\naction = ${action}\n`;

const files = {
  empty: "",
  "jail.conf": jail("sasl", "table\n  mail") + jail("quiet", "mail"),
  "filter.d/sasl.conf": "[Definition]\nfailregex = failed <HOST>\n",
  "action.d/table.conf": "[Definition]\nactionban = block <ip>\nactionunban = unblock <ip>\n",
  "action.d/mail.conf": "[Definition]\nactionban = mail <ip>\n",
};

const cases = [
  { firewall: "nftables", action: "", held: ["manual", "quiet", "sasl"] },
  { firewall: "command", action: "", held: ["sasl"] },
  // A jail with actions of its own has no other; a person's ban has that one.
  { firewall: "command", action: "table", held: ["manual", "sasl"] },
  { firewall: "policy-only", action: "", held: [] },
  { firewall: "dry-run", action: "", held: [] },
] as const;

for (const { firewall, action, held } of cases) {
  test(`${firewall}${action && ` with an action`}: lines are leaks of the bans that something keeps away, and of no others`, async (t) => {
    const directory = fail2banFolder(t, files);
    const environment = {
      ...{ POSTVARTA__JAILS__MODE: "enforce", POSTVARTA__JAILS__FIREWALL: firewall },
      ...{ POSTVARTA__JAILS__FAIL2BAN: directory, POSTVARTA__JAILS__ACTION: action },
    };
    const { config } = readConfig({ file: join(directory, "empty"), environment });
    const clock = new ManualClock();
    await using store = await openStore("scratch:", { clock });
    const address = parseNetwork("198.51.100.1");
    assert.ok(address);
    const now = clock.now();
    const wanted = ["sasl", "quiet", "manual"].map((name) => ({
      ...{ address, jail: name, from: now, until: now + 600_000, reason: "", origin: "jail" as const },
      ...{ ports: undefined, enforce: true, node: "mx1", evidence: "" },
    }));
    await banNow(store, wanted, () => undefined, { by: "test", now });
    const trust = { check: () => undefined, texts: () => [] };
    const owner = new JailOwner({ config, aliases: [], store, trust, clock, log: silentLog });
    assert.deepEqual((await owner.start()).bans.map((ban) => ban.jail).sort(), held);
  });
}
