import { deepStrictEqual, strictEqual } from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fail2banFolder } from "../../tests/fail2ban-folder.ts";
import type { LineBatch } from "../core/line-batch.ts";
import type { IgnoreSources } from "./fail2ban/ignore-list.ts";
import { readJails } from "./fail2ban/jail-reader.ts";
import { Fail2banJails } from "./fail2ban-jails.ts";
import { FailureBudget } from "./failure-budget.ts";
import { LineMemory } from "./line-memory.ts";
import { machine } from "./machine.ts";

test("a pattern that a short line can make run for ages is told soon after its jail was loaded", (t) => {
  const directory = fail2banFolder(t, {
    "jail.conf": "[slow]\nenabled = true\n[quick]\nenabled = true\n",
    "filter.d/slow.conf": "[Definition]\nfailregex = ^good <HOST>$\n  ^(?:\\w+\\s?)+: <HOST>$\n",
    "filter.d/quick.conf": "[Definition]\nfailregex = ^good <HOST>$\n",
  });
  const jails = new Fail2banJails({
    definitions: readJails(directory).jails,
    method: "sliding",
    lines: new LineMemory(),
    isTrusted: () => false,
    now: Date.now,
    timeOf: (at) => at,
    budget: new FailureBudget(100),
    outside: machine,
  });
  for (let second = 0; second < 2; second++) jails.due(second);
  deepStrictEqual(jails.troublesOf("slow"), ["a short line can make failregex 2 run for ages"]);
  deepStrictEqual(jails.troublesOf("quick"), []);
});

function batchOf(lines: readonly string[]): LineBatch {
  const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
  const starts: number[] = [];
  const ends: number[] = [];
  for (let at = 0; at < bytes.length; at = (ends.at(-1) ?? 0) + 1) {
    starts.push(at);
    ends.push(bytes.indexOf(10, at));
  }
  const readAt = Date.now();
  const places = { starts: Int32Array.from(starts), ends: Int32Array.from(ends), count: lines.length, skipped: 0 };
  return { source: "s", stream: "/var/log/mail.log", bytes, ...places, readAt, isReplay: false, isLive: true };
}

/** One jail that bans at the first failure, with these options about whom it ignores. */
function ignoring(t: TestContext, options: string, outside: IgnoreSources): Fail2banJails {
  const directory = fail2banFolder(t, {
    "jail.conf": `[one]\nenabled = true\nmaxretry = 1\nlogpath = /var/log/mail.log\n${options}\n`,
    "filter.d/one.conf": "[Definition]\nfailregex = refused <F-USER>\\w+</F-USER> from <HOST>$\n",
  });
  const { jails: definitions } = readJails(directory);
  const lines = new LineMemory();
  const rest = { isTrusted: () => false, now: Date.now, timeOf: (at: number) => at, budget: new FailureBudget(100) };
  return new Fail2banJails({ definitions, method: "sliding", lines, outside, ...rest });
}

/** Ids of the tickets of these lines: at once, and those that came within five seconds. */
async function idsOf(jails: Fail2banJails, lines: readonly string[], expected: number): Promise<[string[], string[]]> {
  const now = jails.see(batchOf(lines), []).map(({ id }) => id);
  const later: string[] = [];
  for (let i = 0; i < 500 && later.length < expected; i++) {
    await sleep(10);
    later.push(...jails.due(Date.now()).map(({ id }) => id));
  }
  return [now, later];
}

test("the command is asked with values before a ban, and whom it excuses is not banned", async (t) => {
  const jails = ignoring(t, `ignorecommand = test "<ip>/<F-USER>" = 203.0.113.1/anna`, machine);
  const lines = ["refused anna from 203.0.113.1", "refused anna from 203.0.113.2", "refused bob from 203.0.113.3"];
  const [now, later] = await idsOf(jails, lines, 2);
  deepStrictEqual([now, later.sort()], [[], ["203.0.113.2", "203.0.113.3"]]);
  strictEqual(jails.jails[0]?.counts.exempt, 1);
});

test("who has a name that is ignored is not banned, not even before it was looked up", async (t) => {
  const outside = { ...machine, lookUp: async () => ["203.0.113.1"] };
  const jails = ignoring(t, "ignoreip = home.example 198.51.100.0/24", outside);
  const lines = ["refused a from 203.0.113.1", "refused a from 203.0.113.2", "refused a from 198.51.100.9"];
  deepStrictEqual(await idsOf(jails, lines, 1), [[], ["203.0.113.2"]]);
  deepStrictEqual(await idsOf(jails, lines, 0), [["203.0.113.2"], []]);
});
