// What we say to ipset and iptables and what they say back. Addresses are printed by us; nothing else varies.

import { createHash } from "node:crypto";
import type { Block } from "../../core/firewall.ts";
import { type Ip, parseNetwork, printNetwork } from "../../core/ip.ts";
import { type PortList, parsePorts, printPorts } from "../../core/port-list.ts";

const chain = "postvarta";

export type Family = Ip["family"];

/** The kernel counts milliseconds in 31 bits (ipset(8), "timeout"). What ends later than this is renewed by whoever reads it back. */
const timeoutSecondsMax = 2_147_483;

/** Addresses of one set; ipset's own limit is 65536. */
const elementsMax = 1_048_576;

/** Ports that one rule takes (iptables-extensions(8), multiport); a range is two. */
const multiportMax = 15;

/** What one set is for. */
export interface SetKind {
  readonly family: Family;
  /** Undefined closes everything. */
  readonly ports: PortList | undefined;
}

export const kindOf = ({ address, ports }: Block): SetKind => ({ family: address.ip.family, ports });

/**
 * A set of networks for each family and list of ports: `postvarta4`, `postvarta6-1a2b3c4d`. A name has 31 characters at most, too few
 * for a list of ports; the rule that asks the set has them.
 */
export function setName({ family, ports }: SetKind): string {
  if (ports === undefined) return `postvarta${family}`;
  const digest = createHash("sha256").update(printPorts(ports)).digest("hex");
  return `postvarta${family}-${digest.slice(0, 8)}`;
}

const setPattern = /^postvarta[46](?:-[0-9a-f]{8})?$/;

export const isOurs = (name: string): boolean => setPattern.test(name);

export const familyOf = (name: string): Family => (name.startsWith("postvarta4") ? 4 : 6);

export function createLines(names: Iterable<string>): string[] {
  return [...names].map((name) => {
    const family = familyOf(name) === 4 ? "inet" : "inet6";
    return `create ${name} hash:net family ${family} maxelem ${elementsMax} timeout 0`;
  });
}

/** Lines of `ipset restore`. `timed`: with the time it has left; nought stands for no end. */
export function elementLines(
  verb: "add" | "del",
  blocks: readonly Block[],
  timed?: { readonly now: number },
): readonly string[] {
  return blocks.map((block) => {
    const end = timed === undefined ? "" : ` timeout ${secondsLeft(block, timed.now)}`;
    return `${verb} ${setName(kindOf(block))} ${printNetwork(block.address)}${end}`;
  });
}

function secondsLeft({ until }: Block, now: number): number {
  return until === undefined ? 0 : Math.min(timeoutSecondsMax, Math.max(1, Math.ceil((until - now) / 1_000)));
}

/** Beside the nftables firewall: before routing, behind connection tracking, so that answers to what this machine opened pass. */
const table = "mangle";
const jumpRule = `-A PREROUTING -j ${chain}`;
const replyRule = `-A ${chain} -m conntrack --ctdir REPLY -j RETURN`;

export const listRulesArguments: readonly string[] = ["-w", "5", "-t", table, "-S"];
export const restoreArguments: readonly string[] = ["-w", "5", "--noflush"];

/** The whole chain of one family, for `iptables-restore --noflush`: it stands as a whole or not at all. */
export function chainText(sets: ReadonlyMap<string, SetKind>, hasJump: boolean): string {
  const rules = [...sets].flatMap(([name, { ports }]) =>
    portGroups(ports).map((group) => {
      const dports = group === undefined ? "" : `-p tcp -m multiport --dports ${group} `;
      return `-A ${chain} ${dports}-m set --match-set ${name} src -j DROP`;
    }),
  );
  const jump = hasJump ? [] : [jumpRule.replace("-A PREROUTING", "-I PREROUTING 1")];
  return [`*${table}`, `:${chain} - [0:0]`, replyRule, ...rules, ...jump, "COMMIT", ""].join("\n");
}

/** What takes every rule of ours away; the chain must be there. */
export const emptyText = [`*${table}`, `-F ${chain}`, `-D PREROUTING -j ${chain}`, `-X ${chain}`, "COMMIT", ""].join(
  "\n",
);
export const emptyLooseText = [`*${table}`, `-F ${chain}`, `-X ${chain}`, "COMMIT", ""].join("\n");

/** As iptables writes them; undefined for all ports. */
function portGroups(ports: PortList | undefined): readonly (string | undefined)[] {
  if (ports === undefined) return [undefined];
  const groups: string[][] = [];
  let room = 0;
  for (const { from, to } of ports) {
    const size = from === to ? 1 : 2;
    if (size > room) {
      groups.push([]);
      room = multiportMax;
    }
    room -= size;
    groups.at(-1)?.push(from === to ? String(from) : `${from}:${to}`);
  }
  return groups.map((group) => group.join(","));
}

export interface Rules {
  readonly hasJump: boolean;
  readonly hasChain: boolean;
  /** The chain is asked, and lets answers pass. */
  readonly isWhole: boolean;
  /** Sets that a rule asks. */
  readonly sets: ReadonlyMap<string, SetKind>;
}

const dropRule = new RegExp(
  `^-A ${chain} (?:-p tcp -m multiport --dports (\\S+) )?-m set --match-set (postvarta[46]\\S*) src -j DROP$`,
);

/** Reads `iptables -t mangle -S` of one family. */
export function readRules(text: string, family: Family): Rules {
  const lines = text.split("\n");
  const ports = new Map<string, string[] | undefined>();
  for (const line of lines) {
    const [, dports, name] = dropRule.exec(line) ?? [];
    if (name === undefined || !isOurs(name)) continue;
    ports.set(name, dports === undefined ? undefined : [...(ports.get(name) ?? []), dports]);
  }
  const sets = new Map<string, SetKind>();
  for (const [name, list] of ports) {
    const kind = { family, ports: list === undefined ? undefined : parsePorts(list.join(",")) };
    // A rule that somebody changed asks for other ports than the set is for.
    if (setName(kind) === name) sets.set(name, kind);
  }
  const hasJump = lines.includes(jumpRule);
  const hasChain = lines.includes(`-N ${chain}`);
  return { hasJump, hasChain, isWhole: hasJump && lines.includes(replyRule), sets };
}

/** Reads `ipset save NAME`. */
export function readElements(text: string, { ports }: SetKind, now: number): readonly Block[] {
  return text.split("\n").flatMap((line) => {
    const [, address = "", seconds] = /^add \S+ (\S+)(?: timeout (\d+))?$/.exec(line) ?? [];
    const network = parseNetwork(address);
    if (network === undefined) return [];
    const until = seconds === undefined || seconds === "0" ? undefined : now + Number(seconds) * 1_000;
    return [{ address: network, ports, until }];
  });
}

/** Entries of each set of ours, from `ipset list -terse`. */
export function readCounts(text: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const part of text.split(/\n\n/)) {
    const name = /^Name: (\S+)$/m.exec(part)?.[1] ?? "";
    if (isOurs(name)) counts.set(name, Number(/^Number of entries: (\d+)$/m.exec(part)?.[1] ?? 0));
  }
  return counts;
}
