// Trust: what is never banned, and why.

import { printNetwork } from "../../core/ip.ts";
import { parseAddresses, parseTrusted, trustAdmin } from "../../jails/ban-orders.ts";
import type { Store } from "../../store/db.ts";
import { readTrusts, removeTrust, saveTrusts } from "../../store/trusts.ts";
import { authorOf } from "../claimed-by.ts";
import {
  trustChangeAnswer,
  trustCheckAnswer,
  trustCheckQuery,
  trustListAnswer,
  trustListQuery,
  trustRequest,
} from "../contract-bans.ts";
import { route } from "../route.ts";
import { isoTime } from "../trail-view.ts";
import { parseUntil } from "../until-text.ts";

export const trustRoutes = [
  route({
    method: "GET",
    path: "/trust",
    help: "Everything that is never banned: the configuration, own addresses, mynetworks, and what was added.",
    input: trustListQuery,
    answer: trustListAnswer,
    run: async (parts) => ({
      trusts: parts.banning.trust.entries().map(({ network, why, until }) => ({
        ...{ address: printNetwork(network), why, until: until === undefined ? null : isoTime(until) },
      })),
    }),
  }),
  route({
    method: "POST",
    path: "/trust/add",
    help: "Trusts an address, a network or a host name, and ends bans that stand against it.",
    input: trustRequest,
    answer: trustChangeAnswer,
    run: async (parts, { value: text, until, note, dry_run, by, admin_address }) => {
      const author = authorOf(by, parts.clock.now());
      const value = parseTrusted(text);
      const end = until === undefined ? undefined : parseUntil(until, author.now, "bans/bad-time");
      if (!dry_run) {
        await trustAdmin(parts.store, admin_address, author);
        await saveTrusts(parts.store, [{ value, origin: "added", node: "", until: end, note }], author);
      }
      return { dry_run, value, changed: true };
    },
  }),
  route({
    method: "POST",
    path: "/trust/remove",
    help: "Takes back what was added.",
    input: trustRequest,
    answer: trustChangeAnswer,
    run: async (parts, { value: text, dry_run, by }) => {
      const value = parseTrusted(text);
      const author = authorOf(by, parts.clock.now());
      const { store } = parts;
      const changed = dry_run ? await isAdded(store, value, author.now) : await removeTrust(store, value, author);
      return { dry_run, value, changed };
    },
  }),
  route({
    method: "GET",
    path: "/trust/check",
    help: "Whether an address may be banned, and why not.",
    input: trustCheckQuery,
    answer: trustCheckAnswer,
    run: async (parts, { value }) => {
      const [address] = parseAddresses([value]);
      if (address === undefined) throw new Error("one address is one network");
      const entry = parts.banning.trust.find(address, parts.clock.now());
      return {
        address: printNetwork(address),
        trusted: entry !== undefined,
        by: entry === undefined ? null : printNetwork(entry.network),
        why: entry?.why ?? null,
      };
    },
  }),
];

/** True for what `trust remove` would take back. */
async function isAdded(store: Store, value: string, now: number): Promise<boolean> {
  return (await readTrusts(store, now)).some((trust) => trust.value === value && trust.origin !== "node");
}
