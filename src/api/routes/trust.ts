// Trust: what is never banned, and why.

import { checkTrust, orderDistrust, orderTrust, showTrusts } from "../../jails/trust-orders.ts";
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

export const trustRoutes = [
  route({
    method: "GET",
    path: "/trust",
    help: "Everything that is never banned: the configuration, own addresses, mynetworks, and what was added.",
    input: trustListQuery,
    answer: trustListAnswer,
    run: async ({ banning }) => ({ trusts: showTrusts(banning.trust.entries()) }),
  }),
  route({
    method: "POST",
    path: "/trust/add",
    help: "Trusts an address, a network or a host name, and ends bans that stand against it.",
    input: trustRequest,
    answer: trustChangeAnswer,
    run: async ({ store, clock }, { value, until, note, dry_run, by, admin_address: adminAddress }) => {
      const order = { value, until, note, adminAddress, dryRun: dry_run };
      return { dry_run, ...(await orderTrust(store, order, authorOf(by, clock.now()))) };
    },
  }),
  route({
    method: "POST",
    path: "/trust/remove",
    help: "Takes back what was added.",
    input: trustRequest,
    answer: trustChangeAnswer,
    run: async ({ store, clock }, { value, dry_run, by }) => {
      const order = { value, dryRun: dry_run };
      return { dry_run, ...(await orderDistrust(store, order, authorOf(by, clock.now()))) };
    },
  }),
  route({
    method: "GET",
    path: "/trust/check",
    help: "Whether an address may be banned, and why not.",
    input: trustCheckQuery,
    answer: trustCheckAnswer,
    run: async ({ banning, clock }, { value }) =>
      checkTrust(value, (address, now) => banning.trust.find(address, now), clock.now()),
  }),
];
