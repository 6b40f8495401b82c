import assert from "node:assert/strict";
import { chmodSync, existsSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fail2banFolder } from "../../tests/fail2ban-folder.ts";
import { needs } from "../../tests/needs.ts";
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

interface Given {
  readonly firewall?: "nftables" | "command";
  readonly action?: string;
  /** Files of the Fail2ban configuration besides, in which `FOLDER` is one of their own. */
  readonly more?: Readonly<Record<string, string>>;
  /** main.cf, of which mynetworks is read. */
  readonly main?: string;
}

async function open(t: TestContext, { firewall: kind = "nftables", action = "", more = {}, main }: Given = {}) {
  const folder = fail2banFolder(t, { empty: "", ...(main === undefined ? {} : { "main.cf": main }) });
  const besides = Object.entries(more).map(([name, text]) => [name, text.replaceAll("FOLDER", folder)]);
  const fail2ban = fail2banFolder(t, { ...files(folder), ...Object.fromEntries(besides) });
  const environment = { POSTVARTA__JAILS__MODE: "enforce", POSTVARTA__JAILS__FIREWALL: kind };
  const paths = {
    ...{ POSTVARTA__JAILS__FAIL2BAN: fail2ban, POSTVARTA__JAILS__ACTION: action },
    POSTVARTA__POSTFIX__CONFIG_DIRECTORIES: JSON.stringify(main === undefined ? [] : [folder]),
  };
  const { config } = readConfig({ file: join(folder, "empty"), environment: { ...environment, ...paths } });
  const clock = new ManualClock();
  const store = await openStore("scratch:", { clock });
  const lines: string[] = [];
  const log = lineLog({ level: "warn", journald: true, write: (line) => void lines.push(line) });
  const firewall = new DryRunFirewall(log);
  const create = () => new Banning({ config, store, clock, log, ...(kind === "command" ? {} : { helper: firewall }) });
  const start = async () => {
    const banning = create();
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
  return { folder, clock, fail2ban, store, firewall, create, start, wanted, ban, unban, told, lines };
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

const tell = (name: string) => `echo ${name} <ip> >> FOLDER/told`;

test("our answers to Postfix refuse while a command runs, and nobody waits for it", async (t) => {
  const waits = `while ! test -e FOLDER/go; do sleep 0.05; done; ${tell("slow")}`;
  const more = { "action.d/slow.conf": `[Definition]\nactionban = ${waits}\nactionunban = ${tell("unban")}\n` };
  const house = await open(t, { firewall: "command", action: "slow", more });
  await using store = house.store;
  assert.ok(store);
  await using banning = await house.start();
  await until(() => banning.states.every(({ readBackAt }) => readBackAt > 0));
  const ten = setTimeout(() => writeFileSync(join(house.folder, "go"), ""), 10_000);
  t.after(() => clearTimeout(ten));
  for (const address of ["198.51.100.1", "198.51.100.2"]) {
    await house.ban(house.wanted(address, "manual"));
    assert.equal(house.told(), "", "the command has ended before");
    const ban = banning.enforcer.book.at(address)[0];
    assert.ok(ban);
    assert.equal(banning.isVerified(ban), false);
  }
  writeFileSync(join(house.folder, "go"), "");
  await until(() => house.told() === "slow 198.51.100.1\nslow 198.51.100.2\n");
  await until(() => banning.state.verified === 2);
  assert.equal(banning.state.firewall, "command");
  for (const address of banning.enforcer.book.addresses())
    for (const ban of banning.enforcer.book.at(address)) assert.equal(banning.isVerified(ban), true);
});

test("an action that is always gone is tried with the pauses of a firewall that fails, not in a circle", async (t) => {
  const gone = `[Definition]\nactionstart = ${tell("start")}\nactioncheck = false\nactionban = ${tell("ban")}; false\nactionunban = true\n`;
  const house = await open(t, { firewall: "command", action: "gone", more: { "action.d/gone.conf": gone } });
  await using store = house.store;
  assert.ok(store);
  await using banning = await house.start();
  await until(() => banning.states.every(({ readBackAt }) => readBackAt > 0));
  await house.ban(house.wanted("198.51.100.1", "manual"));
  await until(() => banning.state.retries === 1);
  // The clock stands still, so no pause ends.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  assert.equal(banning.state.retries, 1);
  assert.deepEqual(house.told().match(/ban/g)?.length, 2);
});

test("an unban while nobody runs is taken back by the next start, and by a flush", async (t) => {
  const house = await open(t, { firewall: "command", action: "tell" });
  await using store = house.store;
  assert.ok(store);
  const addresses = ["198.51.100.1", "198.51.100.2"];
  {
    await using banning = await house.start();
    await house.ban(...addresses.map((address) => house.wanted(address, "manual")));
    await until(() => banning.state.verified === 2);
  }
  await house.unban("198.51.100.1");
  {
    await using banning = await house.start();
    await until(() => house.told().endsWith("unban 198.51.100.1\n") || banning.state.verified === 1);
    await until(() => /\nunban 198\.51\.100\.1\n/.test(house.told()));
  }
  assert.doesNotMatch(house.told(), /stop/);
  await using idle = await house.create();
  assert.equal(await idle.flush(), undefined);
  assert.match(house.told(), /unban 198\.51\.100\.2\nstop\n$/);
});

test("who becomes trusted for other reasons than a row is let go by commands too", {
  skip: needs("postfix"),
}, async (t) => {
  const main = (networks: string) => `compatibility_level = 3.6\nmynetworks = ${networks}\n`;
  // postconf waits for a main.cf that was written just now.
  const settle = (folder: string) => utimesSync(join(folder, "main.cf"), 1_000, 1_000);
  for (const [firewall, jailName] of [
    ["nftables", "sasl"],
    ["command", "manual"],
  ] as const) {
    const house = await open(t, { firewall, action: "tell", main: main("127.0.0.0/8") });
    await using store = house.store;
    assert.ok(store);
    settle(house.folder);
    await using banning = await house.start();
    await until(() => banning.states.every(({ readBackAt }) => readBackAt > 0));
    const later = house.clock.now() + 3_600_000;
    await house.ban({ ...house.wanted("198.51.100.1", jailName), until: later });
    await until(() => house.told().includes("ban 198.51.100.1"));
    writeFileSync(join(house.folder, "main.cf"), main("127.0.0.0/8, 198.51.100.0/24"));
    settle(house.folder);
    house.clock.advance(600_000);
    await banning.trust.due();
    await until(() => house.told().endsWith("unban 198.51.100.1\n"));
  }
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
