// Trust: what is never banned, and why.

import { printNetwork } from "../../core/ip.ts";
import { parseAddresses, parseTrusted, trustAdmin } from "../../jails/ban-orders.ts";
import { removeTrust, saveTrusts } from "../../store/trusts.ts";
import { authorOf } from "../claimed-by.ts";
import {
  trustChangeAnswer,
  trustCheckAnswer,
  trustCheckQuery,
  trustListAnswer,
  trustListQuery,
  trustRequest,
} from "../contract-bans.ts";
import { parseUntil } from "../raise-text.ts";
import { route } from "../route.ts";
import { isoTime } from "../trail-view.ts";

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
      const end = until === undefined ? undefined : parseUntil(until, author.now);
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
      const changed = dry_run || (await removeTrust(parts.store, value, authorOf(by, parts.clock.now())));
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
