// Every firewall there is. Adding one is one file and one line here.

import type { Config } from "../../config/config.ts";
import type { Firewall } from "../../core/firewall.ts";
import type { Log } from "../../core/log.ts";
import { DryRunFirewall } from "./dry-run.ts";
import { IpsetFirewall } from "./ipset.ts";
import { NftablesFirewall } from "./nftables.ts";
import { PfFirewall, type PfOptions } from "./pf.ts";
import { PolicyOnlyFirewall } from "./policy-only.ts";
import type { Tools } from "./tools.ts";

export type FirewallName = Config["jails"]["firewall"];

interface FirewallParts {
  readonly tools: Tools;
  readonly log: Log;
  /** Asked by pf alone: the table, and the file that holds what it holds. */
  readonly pf: () => Pick<PfOptions, "table" | "listFile">;
}

interface FirewallKind {
  readonly help: string;
  /** What it runs, with rights that the daemon need not have. */
  readonly programs: readonly string[];
  readonly create: (parts: FirewallParts) => Firewall;
}

/** By the words of `[jails] firewall`. */
export const firewalls: Readonly<Record<FirewallName, FirewallKind>> = {
  "policy-only": {
    help: "No firewall: our answers to Postfix refuse what is banned. Needs no rights.",
    programs: [],
    create: () => new PolicyOnlyFirewall(),
  },
  "dry-run": {
    help: "Changes nothing and says in the log what it would do.",
    programs: [],
    create: ({ log }) => new DryRunFirewall(log),
  },
  nftables: {
    help: "A table of our own with sets that forget by themselves, asked before routing; open connections are cut.",
    programs: ["nft", "ss"],
    create: ({ tools }) => new NftablesFirewall(tools),
  },
  ipset: {
    help: "Sets of ipset that forget by themselves, asked by a chain of iptables before routing; open connections are cut.",
    programs: ["ipset", "iptables", "iptables-restore", "ip6tables", "ip6tables-restore", "ss"],
    create: ({ tools }) => new IpsetFirewall(tools),
  },
  pf: {
    help: "A table of pf on FreeBSD, which a rule of pf.conf asks or an anchor of ours; states and connections are ended.",
    programs: ["pfctl", "tcpdrop"],
    create: ({ tools, log, pf }) => new PfFirewall({ tools, log, ...pf() }),
  },
  command: {
    help: "The actions of a Fail2ban configuration as they are written: a command for each ban and each unban.",
    programs: [],
    // Commands take their time beside it (jails/banning.ts): our answers to Postfix refuse meanwhile.
    create: () => new PolicyOnlyFirewall(),
  },
};

/** It changes the machine itself, and does what it recognises of a Fail2ban configuration's actions; the rest of them is run beside it. */
export function isNative(firewall: FirewallName): boolean {
  return firewalls[firewall].programs.length > 0;
}
