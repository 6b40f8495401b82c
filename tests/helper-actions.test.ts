// The helper runs commands of actions: by name, with checked values, by its own reading of files that nobody else can change.

import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readConfig } from "../src/config/config.ts";
import type { ActionCall, ActionValues } from "../src/core/action.ts";
import { silentLog } from "../src/core/log.ts";
import { HelperClient } from "../src/helper/helper-client.ts";
import { startHelper } from "../src/helper-role.ts";
import { readActionBook } from "../src/jails/action-book.ts";
import { CommandFirewall } from "../src/jails/firewalls/command.ts";
import { testEnforced } from "./contracts/enforced.ts";
import { type FirewallUnderTest, testFirewall } from "./contracts/firewall.ts";

const folder = mkdtempSync(join(tmpdir(), "postvarta-actions-"));
after(() => rmSync(folder, { recursive: true }));
const rest: AsyncDisposable[] = [];
after(async () => {
  for (const one of rest) await one[Symbol.asyncDispose]();
});
let places = 0;

async function start(place = join(folder, `${++places}`)) {
  const directory = join(place, "fail2ban");
  const file = join(place, "set");
  for (const name of ["filter.d", "action.d"]) mkdirSync(join(directory, name), { recursive: true });
  const write = (name: string, text: string) => writeFileSync(join(directory, name), text);
  write("filter.d/sasl.conf", "[Definition]\nfailregex = failed <HOST>\n");
  const table = `actionban = grep -qxF -e <ip> ${file} || printf '%%s\\n' <ip> >> ${file}\nactionunban = grep -vxF -e <ip> ${file} > ${file}.left; mv ${file}.left ${file}\nactioncheck = test -f ${file}\n`;
  write("action.d/table.conf", `[Definition]\nactionstart = : > ${file}\nactionstop = rm ${file}\n${table}`);
  write("action.d/tell.conf", `[Definition]\nactionban = printf '%%s' "<matches>" > ${place}/told\n`);
  write("action.d/slow.conf", "[Definition]\nactionban = sleep 20\n[Init]\ntimeout = 2\n");
  const jail = (name: string) => `[${name}]\nenabled = true\nfilter = sasl\nlogpath = ${file}\n`;
  write("jail.conf", `${jail("sasl")}action = table\n${jail("more")}action = tell\n  slow\n`);
  const config = join(place, "postvarta.toml");
  const socket = join(place, "h", "helper.sock");
  writeFileSync(
    config,
    `[jails]\nmode = "enforce"\nfirewall = "command"\nfail2ban = "${directory}"\n[helper]\nsocket = "${socket}"\n[jails.trust]\naddresses = ["192.0.2.99"]\n`,
  );
  const read = readConfig({ file: config, environment: {} });
  const server = await startHelper(read, silentLog);
  rest.push(server);
  return { place, directory, file, client: new HelperClient(socket), jails: read.config.jails };
}

const values: ActionValues = {
  ...{ failures: "4", time: "1700000000", bantime: "3600", bancount: "1", restored: "0", matches: "a line" },
  ...{ ipmatches: "", ipjailmatches: "", ipfailures: "4", ipjailfailures: "4" },
};

const kind: FirewallUnderTest = {
  name: "command through the helper",
  create: async (place) => {
    const { client, jails, place: made } = await start(place);
    const firewall = new CommandFirewall({
      readBook: () => readActionBook(jails),
      run: (call) => client.runAction(call),
      valuesOf: async () => values,
      log: silentLog,
      glanceMs: 200,
    });
    return { firewall, place: made };
  },
  wipe: async (place) => rmSync(join(place, "set"), { force: true }),
  keeps: false,
  batchMax: 20,
};
testFirewall(kind);
testEnforced(kind);

const ban: ActionCall = {
  ...{ jail: "more", action: "tell", operation: "ban", family: "inet4", address: "192.0.2.1", values },
};

test("a command has the text of the files and the values of the call, as they are", async () => {
  const { client, place } = await start();
  using helper = client;
  const matches = "'; touch pwn; $(id) `id`\n\"<ip>";
  assert.deepEqual(await helper.runAction({ ...ban, values: { ...values, matches } }), {
    ok: true,
    hung: false,
    said: "",
  });
  assert.equal(readFileSync(join(place, "told"), "utf8"), matches);
});

test("no text of a command, no unknown action, no value that is none and nobody trusted comes through", async () => {
  const { client, place } = await start();
  using helper = client;
  const bad: readonly object[] = [
    { ...ban, command: "touch pwn" },
    { ...ban, values: { ...values, text: "touch pwn" } },
    { ...ban, values: { ...values, failures: "4; id" } },
    { ...ban, values: { ...values, restored: "2" } },
    { ...ban, values: { ...values, matches: "x".repeat(60_001) } },
    { ...ban, values: null },
    { ...ban, address: null },
    { ...ban, address: "localhost" },
    { ...ban, address: "010.0.0.1" },
    { ...ban, address: "192.0.2.1; id" },
    { ...ban, family: "inet6" },
    { ...ban, operation: "exec" },
    { ...ban, operation: "start" },
    { ...ban, jail: "more\n", action: "tell" },
    { ...ban, jail: "nowhere" },
    { ...ban, action: "../tell" },
    { ...ban, action: "tell; id" },
  ];
  for (const call of bad) {
    await assert.rejects(
      helper.call({ verb: "action", call } as never),
      /not a call|has no action/,
      JSON.stringify(call).slice(0, 200),
    );
  }
  for (const address of ["127.0.0.1", "192.0.2.99", "192.0.2.0/24", "::ffff:192.0.2.99"]) {
    await assert.rejects(helper.runAction({ ...ban, address }), /trusted/, address);
  }
  await assert.rejects(helper.runAction({ ...ban, family: "inet6", address: "::1" }), /trusted/);
  assert.equal(existsSync(join(place, "told")), false);
});

test("a command that hangs is ended, and other calls do not wait for it", async () => {
  const { client } = await start();
  using helper = client;
  const slow = helper.runAction({ ...ban, action: "slow" });
  await helper.call({ verb: "open" });
  const quick = await Promise.race([helper.runAction(ban), slow]);
  assert.equal(quick.ok, true);
  assert.deepEqual(await slow, { ok: false, hung: true, said: "it took too long" });
});

test("files that were refused are not read again at every call", async () => {
  const { client, directory } = await start();
  using helper = client;
  chmodSync(join(directory, "action.d", "tell.conf"), 0o666);
  await assert.rejects(helper.runAction(ban), /can be changed by others/);
  // Nobody who asks in a loop makes a privileged process read a directory in a loop: this mend is seen ten seconds later.
  chmodSync(join(directory, "action.d", "tell.conf"), 0o644);
  await assert.rejects(helper.runAction(ban), /can be changed by others/);
});

test("files that somebody else can change are not run", async () => {
  const changed: readonly ((directory: string) => void)[] = [
    (directory) => chmodSync(join(directory, "action.d", "tell.conf"), 0o666),
    (directory) => chmodSync(join(directory, "action.d"), 0o777),
    (directory) => chmodSync(join(directory, "filter.d", "sasl.conf"), 0o664),
    (directory) => chmodSync(join(directory, "jail.conf"), 0o622),
    (directory) => chmodSync(join(directory, ".."), 0o777),
  ];
  for (const [i, change] of changed.entries()) {
    const { client, directory, place } = await start();
    using helper = client;
    change(directory);
    await assert.rejects(helper.runAction(ban), /can be changed by others/, `change ${i}`);
    assert.equal(existsSync(join(place, "told")), false);
  }
});
