// The store is SQLite.

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { DaemonChild } from "./daemon.ts";
import { killRules, killUnderLoad } from "./kill-loop.ts";

const kills = process.env["POSTVARTA_FULL"] === "1" ? 200 : 10;

test(`${kills} kills under load lose no answered charge and double none`, { timeout: 2_400_000 }, async (t) => {
  await using daemon = await DaemonChild.start({ rules: killRules });
  await killUnderLoad(daemon, kills, t);
  await daemon.kill("SIGTERM");
  using database = new DatabaseSync(daemon.storeFile);
  assert.deepEqual({ ...database.prepare("PRAGMA integrity_check").get() }, { integrity_check: "ok" });
});
