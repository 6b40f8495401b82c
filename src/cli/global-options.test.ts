import assert from "node:assert/strict";
import { test } from "node:test";
import { splitGlobals } from "./global-options.ts";

test("global options before the verb are told from the verb, with their values", () => {
  const cases: readonly (readonly [args: string, before: string, rest: string])[] = [
    ["status", "", "status"],
    ["--json status", "--json", "status"],
    ["--config a.toml run", "--config a.toml", "run"],
    ["--config=a.toml --no-color --socket s status --json", "--config=a.toml --no-color --socket s", "status --json"],
    ["--dry-run policy apply f", "--dry-run", "policy apply f"],
    ["--version", "", "--version"],
    ["--socket", "--socket", ""],
    ["--jso status", "", "--jso status"],
  ];
  for (const [args, before, rest] of cases) {
    const split = splitGlobals(args.split(" "));
    assert.deepEqual([split.before.join(" "), split.rest.join(" ")], [before, rest], args);
  }
});
