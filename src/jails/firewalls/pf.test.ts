import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { testEnforced } from "../../../tests/contracts/enforced.ts";
import { block, type FirewallUnderTest, testFirewall } from "../../../tests/contracts/firewall.ts";
import { FakePf } from "../../../tests/fake-pf.ts";
import type { Firewall } from "../../core/firewall.ts";
import { silentLog } from "../../core/log.ts";
import { PfFirewall } from "./pf.ts";
import { Tools } from "./tools.ts";

const folder = mkdtempSync(join(tmpdir(), "postvarta-pf-"));
after(() => rmSync(folder, { recursive: true }));
let places = 0;

function create(place = join(folder, `${++places}`), rules?: string) {
  const pf = new FakePf(place, rules);
  const firewall: Firewall = new PfFirewall({
    ...{ tools: new Tools({ path: `${pf.programs}:${process.env["PATH"]}` }), log: silentLog, glanceMs: 200 },
    ...{ table: "fail2ban", listFile: join(place, "fail2ban.txt") },
  });
  return { firewall, place, pf };
}

const kind: FirewallUnderTest = {
  name: "pf",
  create: async (place) => create(place),
  wipe: async (place) => new FakePf(place).write("main.table.fail2ban", ""),
  keeps: true,
  connect: async (place) => {
    const pf = new FakePf(place);
    const line = "tcpdrop 198.51.100.1 25 203.0.113.9 40000";
    pf.write("connections", `${line}\n`);
    return { from: "203.0.113.9", isOpen: () => pf.read("connections").includes(line) };
  },
};
testFirewall(kind);
testEnforced(kind);

test("pf: a ban is one address in the table, its states and connections end, and the list is written", async () => {
  const { firewall, pf, place } = create();
  await using opened = firewall;
  await opened.open();
  const lines = [
    "tcpdrop 198.51.100.1 25 203.0.113.9 40000",
    "tcpdrop 198.51.100.1 465 203.0.113.9 40001",
    "tcpdrop 198.51.100.1 25 203.0.113.90 40000",
    "tcpdrop 198.51.100.1 49152 203.0.113.9 25",
    "tcpdrop 2001:db8::1 25 2001:db8:7::9 40000",
    "a line that nobody knows; rm -rf /",
  ];
  pf.write("connections", `${lines.join("\n")}\n`);
  const bans = [block("203.0.113.9"), block("2001:db8:7::9"), block("198.18.0.0/16")];
  await opened.apply({ adds: bans, renewals: [], deletes: [] }, 0);
  assert.deepEqual(await opened.cut(bans), { cut: 3, left: 0 });
  assert.deepEqual(pf.read("connections").trim().split("\n"), [lines[2], lines[3], lines[5]]);
  const told = pf.calls.filter((call) => / \[-T\] \[add\]| \[-k\]|^tcpdrop \[[^-]/.test(call));
  assert.deepEqual(told, [
    "pfctl [-t] [fail2ban] [-T] [add] [203.0.113.9] [2001:db8:7::9] [198.18.0.0/16]",
    "pfctl [-k] [203.0.113.9]",
    "pfctl [-k] [2001:db8:7::9]",
    "pfctl [-k] [198.18.0.0/16]",
    "tcpdrop [198.51.100.1] [25] [203.0.113.9] [40000]",
    "tcpdrop [198.51.100.1] [465] [203.0.113.9] [40001]",
    "tcpdrop [2001:db8::1] [25] [2001:db8:7::9] [40000]",
  ]);
  await opened[Symbol.asyncDispose]();
  assert.equal(readFileSync(join(place, "fail2ban.txt"), "utf8"), "198.18.0.0/16\n2001:db8:7::9\n203.0.113.9\n");
});

test("pf: a connection that does not end is counted as left", async () => {
  const { firewall, pf } = create();
  await using opened = firewall;
  pf.write("connections", "tcpdrop 198.51.100.1 25 203.0.113.9 40000\n");
  pf.write("deaf", "");
  assert.deepEqual(await opened.cut([block("203.0.113.9")]), { cut: 0, left: 1 });
});

test("pf: without a rule that asks the table bans would not hold, and that is said; an anchor that pf.conf calls is filled", async () => {
  const none = create(undefined, "pass all\n");
  await using first = none.firewall;
  await assert.rejects(first.open(), /no rule of pf asks the table <fail2ban>/);
  for (const [call, file] of [
    ['anchor "postvarta" all', "postvarta"],
    ['anchor "f2b/*" all', "f2b_postvarta"],
  ] as const) {
    const { firewall, pf } = create(undefined, `pass all\n${call}\n`);
    await using opened = firewall;
    await opened.open();
    await opened.apply({ adds: [block("203.0.113.9")], renewals: [], deletes: [] }, 0);
    assert.equal(pf.read(`${file}.rules`), "block drop in quick from <fail2ban> to any\n");
    assert.equal(pf.read(`${file}.table.fail2ban`), "203.0.113.9\n");
    await opened.flush();
    assert.equal(pf.read(`${file}.table.fail2ban`), "");
  }
  const off = create();
  off.pf.write("info", "Status: Disabled for 0 days\n");
  await using last = off.firewall;
  await assert.rejects(last.open(), /pf is not enabled/);
});

test("pf: what somebody takes out of the table, or the rule that asks it, is noticed", async () => {
  const { firewall, pf } = create();
  await using opened = firewall;
  await opened.open();
  const adds = [block("203.0.113.9"), block("203.0.113.10")];
  let told = Promise.withResolvers<void>();
  opened.onForeignChange(() => told.resolve());
  for (const [file, text] of [
    ["main.table.fail2ban", "203.0.113.10\n"],
    ["main.rules", "pass all\n"],
  ] as const) {
    await opened.apply({ adds, renewals: [], deletes: [] }, 0);
    told = Promise.withResolvers();
    pf.write(file, text);
    await told.promise;
  }
});

test("pf: a batch of a thousand is one step", async () => {
  const { firewall, pf } = create();
  await using opened = firewall;
  await opened.open();
  const many = Array.from({ length: 1_000 }, (_, i) => block(`10.1.${i >> 8}.${i & 255}`));
  await opened.apply({ adds: many, renewals: [], deletes: [] }, 0);
  assert.equal(pf.calls.filter((call) => call.includes("[replace] [-f] [-]")).length, 1);
  assert.equal(pf.calls.filter((call) => call.includes("[add]")).length, 0);
});
