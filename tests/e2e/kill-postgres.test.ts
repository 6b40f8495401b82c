// The store is PostgreSQL, which goes on while the daemon is killed: the next one has to wait for what the last one left on its way.

import { test } from "node:test";
import { needs } from "../needs.ts";
import { PostgresRig } from "../postgres-rig.ts";
import { DaemonChild } from "./daemon.ts";
import { killRules, killUnderLoad } from "./kill-loop.ts";

const kills = process.env["POSTVARTA_FULL"] === "1" ? 200 : 5;

test(`${kills} kills under load on PostgreSQL lose no answered charge and double none`, {
  skip: needs("postgres"),
  timeout: 2_400_000,
}, async (t) => {
  await using rig = await PostgresRig.start();
  await using daemon = await DaemonChild.start({ rules: killRules, storeUrl: await rig.createDatabase() });
  await killUnderLoad(daemon, kills, t);
});
