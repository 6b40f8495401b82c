// Accounts under the whole daemon, with PostgreSQL: what every engine has to show.

import { after, before, describe, test } from "node:test";
import { needs } from "../needs.ts";
import { PostgresRig } from "../postgres-rig.ts";
import { playContainment, playWatch, startWithLog } from "./account-circle.ts";
import type { DaemonChild } from "./daemon.ts";

describe("a stolen account, known to a PostgreSQL", { skip: needs("postgres") }, () => {
  let rig: PostgresRig;
  before(async () => {
    rig = await PostgresRig.start();
  });
  after(() => rig?.[Symbol.asyncDispose]());
  const place = {
    start: async (text: string) => startWithLog(text, "enforce", await rig.createDatabase()),
    rows: (_: DaemonChild, sql: string) => rig.query(sql),
  };

  test("is under watch, and its next question is limited; a manual removal is respected; others are left alone", () =>
    playWatch(place));

  test("is contained by one list of steps, and given back by another", () => playContainment(place));
});
