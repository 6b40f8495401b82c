import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fail2banFolder } from "../../../tests/fail2ban-folder.ts";
import { parseIp } from "../../core/ip.ts";
import { IgnoreList, type IgnoreSources } from "./ignore-list.ts";
import { readIgnoreRules } from "./ignore-rules.ts";

function list(options: Readonly<Record<string, string>>, sources: Partial<IgnoreSources> = {}): IgnoreList {
  const rules = readIgnoreRules({ find: (option) => options[option], where: (option) => option });
  return new IgnoreList(rules, {
    lookUp: async () => [],
    ownAddresses: () => ["203.0.113.1", "fe80::1"],
    run: async ({ text }, env) =>
      spawnSync("sh", ["-c", text], { env: { PATH: process.env["PATH"], ...env } }).status ?? undefined,
    ...sources,
  });
}

function has(ignore: IgnoreList, text: string): boolean {
  const ip = parseIp(text);
  if (ip === undefined) throw new Error(`${text} is no address`);
  return ignore.has(ip);
}

test("networks, this machine's addresses and nobody else are ignored", async () => {
  const ignore = list({ ignoreip: "192.0.2.0/25 2001:db8::/32, 198.51.100.0/255.255.255.252" });
  await ignore.refresh(0);
  const asked = [
    "192.0.2.7",
    "192.0.2.200",
    "2001:db8:1::1",
    "198.51.100.3",
    "198.51.100.4",
    "203.0.113.1",
    "::ffff:192.0.2.7",
  ];
  deepStrictEqual(
    asked.map((text) => has(ignore, text)),
    [true, false, true, true, false, true, true],
  );
});

test("without ignoreself this machine's addresses are like others", async () => {
  const ignore = list({ ignoreself: "no" });
  await ignore.refresh(0);
  strictEqual(has(ignore, "203.0.113.1"), false);
});

test("names are looked up beside the lines, every five minutes", async () => {
  const asked: string[] = [];
  let address = "192.0.2.7";
  const ignore = list(
    { ignoreip: "home.example" },
    {
      lookUp: async (name) => {
        asked.push(name);
        return [address];
      },
    },
  );
  await ignore.refresh(0);
  strictEqual(has(ignore, "192.0.2.7"), true);
  address = "192.0.2.8";
  await ignore.refresh(299_000);
  strictEqual(has(ignore, "192.0.2.8"), false);
  await ignore.refresh(300_000);
  deepStrictEqual([has(ignore, "192.0.2.8"), has(ignore, "192.0.2.7")], [true, false]);
  deepStrictEqual(asked, ["home.example", "home.example"]);
});

test("a name that nobody answers for keeps its addresses, and nobody is sure before the first answer", async () => {
  let answer: readonly string[] = ["192.0.2.7"];
  const ignore = list({ ignoreip: "home.example" }, { lookUp: async () => answer });
  strictEqual(ignore.isReady, false);
  await ignore.refresh(0);
  answer = [];
  await ignore.refresh(300_000);
  deepStrictEqual([ignore.isReady, has(ignore, "192.0.2.7")], [true, true]);
  strictEqual(list({ ignoreip: "192.0.2.0/24" }).isReady, true);
});

test("a file of friends is read again when it changes, and kept while it is gone", async (t) => {
  const folder = fail2banFolder(t, { friends: "# friends\n192.0.2.7 ; the office\n2001:db8::/64\n" });
  const path = join(folder, "friends");
  const ignore = list({ ignoreip: `file:${path} file:${folder}/nowhere` });
  await ignore.refresh(0);
  deepStrictEqual(
    [has(ignore, "192.0.2.7"), has(ignore, "2001:db8::9"), has(ignore, "192.0.2.8")],
    [true, true, false],
  );
  writeFileSync(path, "192.0.2.8, 192.0.2.9\n");
  await ignore.refresh(2_000);
  deepStrictEqual([has(ignore, "192.0.2.7"), has(ignore, "192.0.2.9")], [false, true]);
});

test("the command is asked with values, and only its exit with 0 excuses", async () => {
  const ignore = list({ ignorecommand: 'test "<ip>" = 192.0.2.7 && test "<F-USER>" = "$(printf \'a;b\')"' });
  const ask = (ip: string, user: string) => ignore.isExcused((tag) => ({ ip, "F-USER": user })[tag], 0);
  deepStrictEqual(
    [await ask("192.0.2.7", "a;b"), await ask("192.0.2.7", "a"), await ask("192.0.2.8", "a;b")],
    [true, false, false],
  );
  strictEqual(await list({}).isExcused(() => undefined, 0), false);
});

test("an answer of the command is given again for its key while it is fresh", async () => {
  const asked: string[] = [];
  const options = { ignorecommand: "ask <ip>", ignorecache: 'key="<F-USER>", max-count=2, max-time=10s' };
  const ignore = list(options, {
    run: async (_, environment) => {
      asked.push(environment["f2bV_ip"] ?? "");
      return 0;
    },
  });
  const ask = (ip: string, user: string, now: number) => ignore.isExcused((tag) => ({ ip, "F-USER": user })[tag], now);
  await ask("192.0.2.1", "anna", 0);
  await ask("192.0.2.2", "anna", 9_000);
  await ask("192.0.2.3", "anna", 10_000);
  await ask("192.0.2.4", "bob", 10_000);
  await ask("192.0.2.5", "carl", 10_000);
  await ask("192.0.2.6", "anna", 10_000);
  deepStrictEqual(asked, ["192.0.2.1", "192.0.2.3", "192.0.2.4", "192.0.2.5", "192.0.2.6"]);
});
