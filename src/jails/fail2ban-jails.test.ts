import { deepStrictEqual } from "node:assert/strict";
import { test } from "node:test";
import { fail2banFolder } from "../../tests/fail2ban-folder.ts";
import { readJails } from "./fail2ban/jail-reader.ts";
import { Fail2banJails } from "./fail2ban-jails.ts";
import { LineMemory } from "./line-memory.ts";

test("a pattern that a short line can make run for ages is told when its jail is loaded", (t) => {
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
    idsMax: 100,
  });
  deepStrictEqual(jails.troublesOf("slow"), ["a short line can make failregex 2 run for ages"]);
  deepStrictEqual(jails.troublesOf("quick"), []);
});
