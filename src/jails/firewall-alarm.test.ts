import assert from "node:assert/strict";
import { test } from "node:test";
import type { Notice } from "../core/notice.ts";
import type { EnforcerState } from "./enforce.ts";
import { FirewallAlarm } from "./firewall-alarm.ts";

const state = (error: string | undefined): EnforcerState => ({
  ...{ firewall: "nftables", wanted: 1, verified: 0, error, retries: 1, readBackAt: 0, mended: 0, cut: 0, notCut: 0 },
});

test("a firewall that fails for a minute is told once, a stumble never, and the next failure again", () => {
  const told: Omit<Notice, "at">[] = [];
  const alarm = new FirewallAlarm("mx1", (notice) => told.push(notice));
  let now = 1_700_000_000_000;
  const pass = (seconds: number, error: string | undefined) => {
    for (let second = 0; second < seconds; second++) {
      now += 1_000;
      alarm.look([state(error)], now);
    }
  };
  pass(30, "nft failed");
  pass(5, undefined);
  pass(60, "nft failed");
  assert.equal(told.length, 0);
  pass(300, "nft failed otherwise");
  assert.equal(told.length, 1);
  assert.deepEqual(
    [told[0]?.kind, told[0]?.subject, told[0]?.facts["error"], told[0]?.facts["node"]],
    ["firewall_failing", "nftables", "nft failed otherwise", "mx1"],
  );
  pass(5, undefined);
  pass(62, "nft failed");
  assert.equal(told.length, 2);
});
