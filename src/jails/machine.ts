// What a jail asks this machine about those it ignores: names, own addresses, and a command of the administrator's.

import { lookup } from "node:dns/promises";
import { networkInterfaces } from "node:os";
import type { IgnoreSources } from "./fail2ban/ignore-list.ts";
import { Tools } from "./firewalls/tools.ts";

/** A command that hangs excuses nobody. */
const commandTimeoutMs = 10_000;

const tools = new Tools();

export const machine: IgnoreSources = {
  lookUp: async (name) => {
    try {
      return (await lookup(name, { all: true })).map(({ address }) => address);
    } catch {
      return [];
    }
  },
  ownAddresses: () => Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address)),
  run: async ({ text }, environment) => {
    try {
      return (await tools.run("sh", ["-c", text], { environment, timeoutMs: commandTimeoutMs })).status;
    } catch {
      return undefined;
    }
  },
};
