// Every firewall there is. Adding one is one file and one line here.

import type { Firewall } from "../../core/firewall.ts";
import type { Log } from "../../core/log.ts";
import { CommandFirewall, type CommandOptions } from "./command.ts";
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
  /** Asked by command alone. */
  readonly command: () => Omit<CommandOptions, "log">;
}

/** By the words of `[jails] firewall`. */
export const firewalls = {
  "policy-only": {
    help: "No firewall: our answers to Postfix refuse what is banned. Needs no rights.",
    create: (): Firewall => new PolicyOnlyFirewall(),
  },
  "dry-run": {
    help: "Changes nothing and says in the log what it would do.",
    create: ({ log }: Pick<FirewallParts, "log">): Firewall => new DryRunFirewall(log),
  },
  nftables: {
    help: "A table of our own with sets that forget by themselves, asked before routing; open connections are cut.",
    create: ({ tools }: Pick<FirewallParts, "tools">): Firewall => new NftablesFirewall(tools),
  },
  ipset: {
    help: "Sets of ipset that forget by themselves, asked by a chain of iptables before routing; open connections are cut.",
    create: ({ tools }: Pick<FirewallParts, "tools">): Firewall => new IpsetFirewall(tools),
  },
  pf: {
    help: "A table of pf on FreeBSD, which a rule of pf.conf asks or an anchor of ours; states and connections are ended.",
    create: ({ tools, log, pf }: Omit<FirewallParts, "command">): Firewall => new PfFirewall({ tools, log, ...pf() }),
  },
  command: {
    help: "The actions of a Fail2ban configuration as they are written: a command for each ban and each unban.",
    create: ({ log, command }: Pick<FirewallParts, "log" | "command">): Firewall =>
      new CommandFirewall({ log, ...command() }),
  },
} as const;
