import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { parseNetwork } from "../src/core/ip.ts";
import { silentLog } from "../src/core/log.ts";
import { HelperClient, HelperFirewall } from "../src/helper/helper-client.ts";
import { HelperServer } from "../src/helper/helper-server.ts";
import { QueueTools } from "../src/helper/queue-tools.ts";
import { DryRunFirewall } from "../src/jails/firewalls/dry-run.ts";
import { Tools } from "../src/jails/firewalls/tools.ts";
import { testEnforced } from "./contracts/enforced.ts";
import { block, type FirewallUnderTest, testFirewall } from "./contracts/firewall.ts";

const folder = mkdtempSync(join(tmpdir(), "postvarta-helper-"));
after(() => rmSync(folder, { recursive: true }));
const tools = join(folder, "bin");
mkdirSync(tools);
for (const name of ["postsuper", "doveadm"]) {
  writeFileSync(join(tools, name), `#!/bin/sh\n{ printf '${name}'; printf ' [%s]' "$@"; cat; } >> ${folder}/asked\n`);
  chmodSync(join(tools, name), 0o755);
}
const rest: AsyncDisposable[] = [];
after(async () => {
  for (const one of rest) await one[Symbol.asyncDispose]();
});
let places = 0;

async function start(place = join(folder, `${++places}`)) {
  const trusted = parseNetwork("192.0.2.99");
  assert.ok(trusted);
  const server = new HelperServer({
    ...{ socket: join(place, "helper.sock"), owner: undefined, log: silentLog, trusted: [trusted] },
    firewall: new DryRunFirewall(silentLog),
    queue: new QueueTools(new Tools({ path: tools }), ["/etc/postfix"]),
  });
  await server.start();
  rest.push(server);
  return { place, server, client: new HelperClient(join(place, "helper.sock")) };
}

const kind: FirewallUnderTest = {
  name: "through the helper",
  create: async () => {
    const { client, place } = await start();
    return { firewall: new HelperFirewall(client, { name: "dry-run", forgets: false, grain: "ports" }), place };
  },
  keeps: false,
};
testFirewall(kind);
testEnforced(kind);

test("what is trusted is refused again, and so is what is on no list; the next call is served", async () => {
  const { client, place } = await start();
  using helper = client;
  const none = { renewals: [], deletes: [], now: 0 };
  for (const address of ["127.0.0.1", "::1", "0.0.0.0/0", "192.0.2.0/24", "::ffff:192.0.2.99"]) {
    await assert.rejects(helper.call({ verb: "apply", adds: [[address, "", null]], ...none }), /trusted/, address);
  }
  const bad: readonly unknown[] = [
    { verb: "exec", command: "reboot" },
    { verb: "apply", adds: [["localhost", "", null]], ...none },
    { verb: "apply", adds: [["010.0.0.1", "", null]], ...none },
    { verb: "apply", adds: [["192.0.2.1", "25; flush ruleset", null]], ...none },
    { verb: "delete", queue_ids: ["ALL"] },
    { verb: "delete", queue_ids: ["-d"] },
    { verb: "kick", login: "*" },
    { verb: "kick", login: "-A" },
    { verb: "kick", login: "a\nb" },
    { verb: "hang-up", connections: [["192.0.2.1", 0]] },
  ];
  for (const call of bad) await assert.rejects(helper.call(call as never), /./, JSON.stringify(call));
  await helper.call({ verb: "apply", adds: [["203.0.113.1", "", null]], ...none });
  assert.equal(statSync(place).mode & 0o777, 0o700);
  assert.equal(statSync(join(place, "helper.sock")).mode & 0o777, 0o600);
});

test("garbage ends its connection and nothing else", async () => {
  const { client, place } = await start();
  using helper = client;
  for (const garbage of ["\n\nnonsense\n", "{}\n", `"${"x".repeat(5_000_000)}`, "[1]\n", "null\n"]) {
    const socket = createConnection(join(place, "helper.sock"));
    socket.on("error", () => {});
    await new Promise<void>((resolve) => {
      socket.on("close", () => resolve());
      socket.end(garbage);
    });
  }
  await helper.call({ verb: "open" });
});

test("queue ids and logins reach the programs as they are, by fixed arguments", async () => {
  const { client } = await start();
  using helper = client;
  await helper.hold(["4XyZ12bcdf", "ABCDEF0123"]);
  await helper.kick("olena@example.org");
  const asked = readFileSync(join(folder, "asked"), "utf8");
  assert.equal(
    asked,
    "postsuper [-c] [/etc/postfix] [-h] [-]4XyZ12bcdf\nABCDEF0123\ndoveadm [kick] [olena@example.org]",
  );
});

test("a helper that is not there fails the call, and is found when it comes back", async () => {
  const place = join(folder, "late");
  using client = new HelperClient(join(place, "helper.sock"));
  const firewall = new HelperFirewall(client, { name: "dry-run", forgets: false, grain: "ports" });
  await assert.rejects(firewall.open(), /helper/);
  const { server } = await start(place);
  await firewall.open();
  await server[Symbol.asyncDispose]();
  await assert.rejects(firewall.open(), /helper/);
  await start(place);
  await firewall.apply({ adds: [block("203.0.113.1")], renewals: [], deletes: [] }, 0);
});

test("a folder that others use is not taken over", async () => {
  const place = join(folder, "shared");
  mkdirSync(place, { mode: 0o755 });
  chmodSync(place, 0o755);
  await assert.rejects(start(place), /open to others/);
  assert.equal(statSync(place).mode & 0o777, 0o755);
});
