// Every firewall there is. Adding one is one file and one line here.

import type { Firewall } from "../../core/firewall.ts";
import type { Log } from "../../core/log.ts";
import { DryRunFirewall } from "./dry-run.ts";
import { IpsetFirewall } from "./ipset.ts";
import { NftablesFirewall } from "./nftables.ts";
import { PfFirewall, type PfOptions } from "./pf.ts";
import { PolicyOnlyFirewall } from "./policy-only.ts";
import type { Tools } from "./tools.ts";

export interface FirewallParts {
  readonly tools: Tools;
  readonly log: Log;
  /** Asked by pf alone: the table, and the file that holds what it holds. */
  readonly pf: () => Pick<PfOptions, "table" | "listFile">;
}

/** By the words of `[jails] firewall`. */
export const firewalls = {
  "policy-only": {
    help: "No firewall: our answers to Postfix refuse what is banned. Needs no rights.",
    create: (): Firewall => new PolicyOnlyFirewall(),
  },
  "dry-run": {
    help: "Changes nothing and says in the log what it would do.",
    create: ({ log }: FirewallParts): Firewall => new DryRunFirewall(log),
  },
  nftables: {
    help: "A table of our own with sets that forget by themselves, asked before routing; open connections are cut.",
    create: ({ tools }: FirewallParts): Firewall => new NftablesFirewall(tools),
  },
  ipset: {
    help: "Sets of ipset that forget by themselves, asked by a chain of iptables before routing; open connections are cut.",
    create: ({ tools }: FirewallParts): Firewall => new IpsetFirewall(tools),
  },
  pf: {
    help: "A table of pf on FreeBSD, which a rule of pf.conf asks or an anchor of ours; states and connections are ended.",
    create: ({ tools, log, pf }: FirewallParts): Firewall => new PfFirewall({ tools, log, ...pf() }),
  },
} as const;
