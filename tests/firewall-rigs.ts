// Firewalls of one kind, each in network namespaces of its own. The place of one is the namespace that it protects.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after } from "node:test";
import type { Firewall } from "../src/core/firewall.ts";
import { Tools } from "../src/jails/firewalls/tools.ts";
import { NetRig } from "./net-rig.ts";

export interface FirewallRigs<Kind> {
  /** In a namespace of its own, or in one that there is. */
  create(place?: string): { readonly firewall: Kind; readonly place: string };
  rigOf(place: string): NetRig;
  /** A program in a place, with what it printed. */
  run(place: string, ...argv: readonly string[]): string;
}

export function firewallRigs<Kind extends Firewall>(create: (tools: Tools) => Kind): FirewallRigs<Kind> {
  const rigs = new Map<string, NetRig>();
  after(() => {
    for (const rig of rigs.values()) rig[Symbol.dispose]();
  });
  return {
    create: (place) => {
      const rig = (place === undefined ? undefined : rigs.get(place)) ?? new NetRig();
      rigs.set(rig.host, rig);
      return { firewall: create(new Tools({ prefix: rig.prefix })), place: rig.host };
    },
    rigOf: (place) => {
      const rig = rigs.get(place);
      assert.ok(rig);
      return rig;
    },
    run: (place, ...argv) => execFileSync("ip", ["netns", "exec", place, ...argv], { encoding: "utf8" }),
  };
}
