import assert from "node:assert/strict";
import { chmodSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fail2banFolder } from "../../tests/fail2ban-folder.ts";
import { readConfig } from "../config/config.ts";
import type { WantedBan } from "../core/ban.ts";
import { ManualClock } from "../core/clock.ts";
import { parseNetwork, printNetwork } from "../core/ip.ts";
import { lineLog } from "../core/log.ts";
import { banNow, unbanNow } from "../store/bans.ts";
import { openStore } from "../store/open.ts";
import { Banning } from "./banning.ts";
import { DryRunFirewall } from "./firewalls/dry-run.ts";

const jail = (name: string, action: string) =>
  `[${name}]\nenabled = true\nfilter = sasl\nlogpath = /nonexistent/log\naction = ${action}\n`;

const files = (folder: string) => ({
  "jail.conf": jail("sasl", "sets\n  tell") + jail("quiet", "sets"),
  "filter.d/sasl.conf": "[Definition]\nfailregex = failed <HOST>\n",
  // What a firewall of ours does itself; run as a command it would be seen.
  "action.d/sets.conf":
    "[Definition]\nactionban = pfctl -t banned -T add <ip>\nactionunban = pfctl -t banned -T delete <ip>\n",
  "action.d/tell.conf": `[Definition]\nactionban = printf '%%s\\n' "<name> ban <ip> <failures> <bancount> <bantime> <restored> <matches>" >> ${folder}/told\nactionunban = echo unban <ip> >> ${folder}/told\nactionstop = echo stop >> ${folder}/told\n`,
});

async function open(t: TestContext) {
  const folder = fail2banFolder(t, { empty: "" });
  const fail2ban = fail2banFolder(t, files(folder));
  const environment = { POSTVARTA__JAILS__MODE: "enforce", POSTVARTA__JAILS__FIREWALL: "nftables" };
  const paths = { POSTVARTA__JAILS__FAIL2BAN: fail2ban, POSTVARTA__POSTFIX__CONFIG_DIRECTORIES: "[]" };
  const { config } = readConfig({ file: join(folder, "empty"), environment: { ...environment, ...paths } });
  const clock = new ManualClock();
  const store = await openStore("scratch:", { clock });
  const lines: string[] = [];
  const log = lineLog({ level: "warn", journald: true, write: (line) => void lines.push(line) });
  const firewall = new DryRunFirewall(log);
  const start = async () => {
    const banning = new Banning({ config, store, clock, log, helper: firewall });
    await banning.start();
    return banning;
  };
  const wanted = (address: string, jailName: string): WantedBan => {
    const network = parseNetwork(address);
    assert.ok(network);
    const now = clock.now();
    const evidence = JSON.stringify({
      curve: [
        [now, 3],
        [now, 4],
      ],
      lines: ["failed `id`", "failed $(id)"],
    });
    const fields = { jail: jailName, from: now, until: now + 600_000, reason: "", origin: "jail" as const };
    return { address: network, ...fields, ports: undefined, enforce: true, node: "mx1", evidence };
  };
  const author = { by: "test", now: clock.now() };
  const ban = (...bans: readonly WantedBan[]) => banNow(store, bans, () => undefined, author);
  const unban = (address: string) => {
    const network = parseNetwork(address);
    return unbanNow(store, { addresses: network === undefined ? [] : [network] }, author);
  };
  const told = () => (existsSync(join(folder, "told")) ? readFileSync(join(folder, "told"), "utf8") : "");
  return { fail2ban, store, firewall, start, wanted, ban, unban, told, lines };
}

async function until(holds: () => boolean): Promise<void> {
  for (let look = 0; look < 600 && !holds(); look++) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(holds());
}

test("the firewall does what it recognises of a jail's actions, and the rest is run beside it", async (t) => {
  const house = await open(t);
  await using store = house.store;
  assert.ok(store);
  {
    await using banning = await house.start();
    // A ban that is there before the first look is one that stood.
    await until(() => banning.states.every(({ readBackAt }) => readBackAt > 0));
    await house.ban(
      house.wanted("198.51.100.1", "sasl"),
      house.wanted("198.51.100.2", "quiet"),
      house.wanted("198.51.100.3", "manual"),
    );
    await until(() => house.told().split("\n").length === 3);
    assert.equal(house.told(), "sasl ban 198.51.100.1 4 1 600 0 failed `id`\nfailed $(id)\n");
    const blocks = await house.firewall.readBack();
    assert.deepEqual(blocks.map(({ address }) => printNetwork(address)).sort(), [
      "198.51.100.1",
      "198.51.100.2",
      "198.51.100.3",
    ]);
    await until(
      () => banning.states.map(({ firewall, verified }) => `${firewall} ${verified}`).join() === "dry-run 3,command 1",
    );
  }
  // A stop takes nothing away; what stood is put back as restored, and ends when its row does.
  assert.doesNotMatch(house.told(), /unban|stop/);
  await using again = await house.start();
  await until(() => /^sasl ban 198\.51\.100\.1 4 1 600 1 /m.test(house.told()));
  await house.unban("198.51.100.1");
  await until(() => house.told().endsWith("unban 198.51.100.1\n"));
  assert.equal(await again.flush(), undefined);
  assert.match(house.told(), /stop\n$/);
  assert.deepEqual(await house.firewall.readBack(), []);
});

test("files of actions that others can change are not run, and the firewall goes on", async (t) => {
  const house = await open(t);
  await using store = house.store;
  assert.ok(store);
  chmodSync(join(house.fail2ban, "action.d/tell.conf"), 0o666);
  await using banning = await house.start();
  await house.ban(house.wanted("198.51.100.1", "sasl"));
  await until(() =>
    banning.states.some(({ firewall, error }) => firewall === "command" && /changed by others/.test(error ?? "")),
  );
  assert.equal((await house.firewall.readBack()).length, 1);
  assert.equal(house.told(), "");
  assert.ok(house.lines.some((line) => line.includes("changed by others")));
});
