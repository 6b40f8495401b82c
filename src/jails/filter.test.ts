import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { test } from "node:test";
import { fail2banFolder } from "../../tests/fail2ban-folder.ts";
import { FilterEngine } from "./fail2ban/filter-engine.ts";
import { readFilter } from "./fail2ban/filter-reader.ts";
import { GuardedFilter } from "./filter.ts";

test("a pattern without end is interrupted, and left alone after the third time", () => {
  const endless = /^(?:a+)+$/;
  const filter = new GuardedFilter<string>({ see: (line) => (endless.test(line) ? line : undefined) }, 100);
  const attack = `${"a".repeat(60)}b`;
  deepStrictEqual(filter.see("aaa"), { kind: "failure", failure: "aaa" });
  deepStrictEqual(filter.see("b"), { kind: "nothing" });
  deepStrictEqual(filter.see(attack), { kind: "interrupted", part: "filter", quarantined: false });
  deepStrictEqual(filter.see("aaa"), { kind: "failure", failure: "aaa" });
  deepStrictEqual(filter.see(attack), { kind: "interrupted", part: "filter", quarantined: false });
  deepStrictEqual(filter.see(attack), { kind: "interrupted", part: "filter", quarantined: true });
  deepStrictEqual(filter.see("aaa"), { kind: "quarantined" });
  ok(filter.quarantined);
});

test("a fault of the engine is no timeout", () => {
  const filter = new GuardedFilter<string>({
    see: () => {
      throw new TypeError("broken");
    },
  });
  let caught: unknown;
  try {
    filter.see("x");
  } catch (error) {
    caught = error;
  }
  ok(caught instanceof TypeError);
  strictEqual(filter.quarantined, false);
});

test("of many lines in one go each gives what it gives alone, those after an interrupted one too", () => {
  const endless = /^(?:a+)+$/;
  const filter = new GuardedFilter<string>({ see: (line) => (endless.test(line) ? line : undefined) }, 50);
  const lines = ["a", "b", `${"a".repeat(60)}b`, "aa", "b", "aaa"];
  const seen: string[] = [];
  filter.seeAll(lines, (one, index) => seen.push(`${index} ${one.kind}`));
  deepStrictEqual(seen, ["0 failure", "2 interrupted", "3 failure", "5 failure"]);
});

test("many lines that are quick, one by one, are not held against the filter when they take long together", () => {
  let count = 0;
  // Looked up here: a first use that is interrupted would leave it undefined.
  const { performance } = globalThis;
  const spin = (ms: number) => {
    const until = performance.now() + ms;
    while (performance.now() < until);
  };
  const filter = new GuardedFilter<number>(
    {
      see: () => {
        spin(1);
        return ++count;
      },
    },
    20,
  );
  const seen: string[] = [];
  filter.seeAll(new Array<string>(200).fill("x"), (one) => seen.push(one.kind));
  deepStrictEqual(new Set(seen), new Set(["failure"]));
  strictEqual(seen.length, 200);
});

test("a thread that gets no processor makes no pattern slow", () => {
  // Sleeps as a thread does that waits for its turn: wall time goes by, its own does not.
  const pause = new Int32Array(new SharedArrayBuffer(4));
  const filter = new GuardedFilter<string>(
    {
      see: (line) => {
        for (let i = 0; i < 5; i++) Atomics.wait(pause, 0, 0, 20);
        return line;
      },
    },
    30,
  );
  for (let i = 0; i < 4; i++) deepStrictEqual(filter.see("a"), { kind: "failure", failure: "a" });
  strictEqual(filter.quarantined, false);
});

test("only the regular expression that takes too long is left alone", (t) => {
  const directory = fail2banFolder(t, {
    "filter.d/two.conf": "[Definition]\nfailregex = ^(?:a+)+ <HOST>$\n  ^good <HOST>$\n",
  });
  const definition = readFilter({ directory, name: "two", parameters: new Map() });
  const filter = new GuardedFilter(new FilterEngine(definition, { now: Date.now }), 50);
  const attack = `${"a".repeat(60)}b 192.0.2.1`;
  const seen = [attack, attack, attack, attack].map((line) => filter.see(line));
  deepStrictEqual(
    seen.map((one) => (one.kind === "interrupted" ? `${one.part} ${one.quarantined}` : one.kind)),
    ["failregex 1 false", "failregex 1 false", "failregex 1 true", "nothing"],
  );
  deepStrictEqual([filter.leftOut, filter.quarantined], [["failregex 1"], false]);
  strictEqual(filter.see("good 192.0.2.2").kind, "failure");
});
