// The rules of most tests with a whole daemon: one quota on an account's recipients, and what it has counted.

import assert from "node:assert/strict";
import type { DaemonChild } from "./e2e/daemon.ts";

/** A policies file whose quota `q` gives each account `max` recipients a day. */
export function accountQuota(max: number): string {
  return `
[[policies]]
name = "p"
members = [{}]
[[policies.quotas]]
name = "q"
track = "SASLUsername"
limits = [{ count = "recipients", max = ${max}, per = "1d" }]
`;
}

/** What the daemon has counted for an account. */
export async function usedOf(daemon: DaemonChild, account: string): Promise<number> {
  const { stdout, stderr } = await daemon.command("quota", "show", `q/SASLUsername:${account}`, "--json");
  const counters: unknown = JSON.parse(stdout === "" ? stderr : stdout);
  assert.ok(Array.isArray(counters), stdout + stderr);
  return counters[0]?.used;
}
