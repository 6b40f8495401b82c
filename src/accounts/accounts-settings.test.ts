import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readConfig } from "../config/config.ts";
import { Problem } from "../core/problem.ts";
import { readAccountsSettings } from "./accounts-settings.ts";

function settingsOf(section: string) {
  const directory = mkdtempSync(join(tmpdir(), "postvarta-settings-"));
  try {
    const file = join(directory, "postvarta.toml");
    writeFileSync(file, `[accounts]\n${section}`);
    return readAccountsSettings(readConfig({ file, environment: {} }));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

test("every weight of the judge is a setting", () => {
  const { judge, contain } = settingsOf("[accounts.judge]\nnewNetworks = { each = 5 }\nloginWindowMs = 3600000\n");
  assert.equal(judge.newNetworks.each, 5);
  assert.equal(judge.newNetworks.max, 45, "the others stay");
  assert.equal(judge.loginWindowMs, 3_600_000);
  assert.equal(contain, "hand", "nobody is contained by itself unless it is asked for");
});

test("a weight that is not known is told with its line", () => {
  assert.throws(
    () => settingsOf("[accounts.judge]\nnewNetworks = { eech = 5 }\n"),
    (error) => error instanceof Problem && /postvarta\.toml:3$/.test(error.where ?? "") && /eech/.test(error.message),
  );
});
