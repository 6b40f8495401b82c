// Which changes wait for a restart.

import assert from "node:assert/strict";
import { test } from "node:test";
import { readConfig } from "./config.ts";
import { settingsToRestart } from "./restart.ts";

const configOf = (environment: Record<string, string>) => readConfig({ environment }).config;

test("sockets, store and node wait for a restart; what rules are compiled with does not", () => {
  const running = configOf({});
  const cases: readonly (readonly [Record<string, string>, readonly string[]])[] = [
    [{}, []],
    [{ POSTVARTA__POLICY__MODE: "observe", POSTVARTA__ACCOUNTS__DEFAULT_DOMAIN: "example.org" }, []],
    [{ POSTVARTA__POLICY__LISTEN: "127.0.0.1:10999" }, ["policy.listen"]],
    [{ POSTVARTA__NODE__NAME: "mx9", POSTVARTA__API__LISTEN: "127.0.0.1:8999" }, ["node", "api"]],
  ];
  for (const [environment, expected] of cases) {
    assert.deepEqual(settingsToRestart(running, configOf(environment)), expected);
  }
});
