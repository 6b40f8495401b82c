// What we say to nft and what it says back. Addresses are printed by us; nothing else varies.

import * as z from "zod";
import type { Block } from "../../core/firewall.ts";
import { type Ip, networkOf, parseIp, printIp, widthOf } from "../../core/ip.ts";
import { parsePorts, printPorts } from "../../core/port-list.ts";

const table = "inet postvarta";
const chain = `${table} banned`;

/** nft 1.0.6 refuses ten years, written in seconds. What ends later than this is taken away by the daemon. */
const timeoutMsMax = 1_000 * 86_400_000;

/** Elements in one statement of a batch. */
const elementsPerStatement = 5_000;

/**
 * A set for each prefix length and list of ports, because a plain hash of masked addresses takes networks that lie in each other, and an
 * interval set does not. `b4_24_25_1000.2000` holds IPv4 networks of 24 bits closed to ports 25 and 1000-2000.
 */
export function setName({ address: { ip, length }, ports }: Block): string {
  const base = `b${ip.family}_${length}`;
  return ports === undefined ? base : `${base}_${printPorts(ports).replaceAll(",", "_").replaceAll("-", ".")}`;
}

const setPattern = /^b([46])_(\d{1,3})(?:_([\d._]+))?$/;

/** The reverse of setName, for an address that the set holds; undefined when either is not ours. */
function blockOf(name: string, element: string, until: number | undefined): Block | undefined {
  const [, family, digits, portsText] = setPattern.exec(name) ?? [];
  const ip = parseIp(element);
  if (ip === undefined || String(ip.family) !== family) return undefined;
  const length = Number(digits);
  if (length > widthOf(ip)) return undefined;
  const ports = portsText === undefined ? undefined : parsePorts(portsText.replaceAll("_", ",").replaceAll(".", "-"));
  return { address: networkOf(ip, length), until, ports };
}

/**
 * Hooked before routing, so that mail forwarded to a container is covered too, and behind connection tracking, so that answers to
 * connections that this machine opened pass: mail to a server that is banned still leaves.
 */
export const baseCommands: readonly string[] = [
  `add table ${table}`,
  `add chain ${chain} { type filter hook prerouting priority -150 ; policy accept ; }`,
];
export const repliesCommand = `insert rule ${chain} ct direction reply accept`;
export const flushCommands: readonly string[] = [`add table ${table}`, `delete table ${table}`];
export const listArguments: readonly string[] = ["-j", "list", "table", ...table.split(" ")];
export const structureArguments: readonly string[] = ["-t", ...listArguments];

/** A set and the rule that asks it. */
export function setCommands(block: Block): readonly string[] {
  const name = setName(block);
  const { ip, length } = block.address;
  const type = ip.family === 4 ? "ipv4_addr" : "ipv6_addr";
  const ones: Ip = { family: ip.family, words: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff] };
  const mask = length === widthOf(ip) ? "" : ` & ${printIp(networkOf(ones, length).ip)}`;
  const ports = block.ports === undefined ? "" : ` tcp dport { ${printPorts(block.ports).replaceAll(",", ", ")} }`;
  return [
    `add set ${table} ${name} { type ${type} ; flags timeout ; }`,
    `add rule ${chain} ${ip.family === 4 ? "ip" : "ip6"} saddr${mask} @${name}${ports} counter drop`,
  ];
}

/** `timed`: with the time it has left. */
export function elementCommands(
  verb: "add" | "delete",
  blocks: readonly Block[],
  timed: { readonly now: number } | undefined,
): string[] {
  const commands: string[] = [];
  for (const [name, own] of Map.groupBy(blocks, setName)) {
    for (let at = 0; at < own.length; at += elementsPerStatement) {
      const elements = own
        .slice(at, at + elementsPerStatement)
        .map((block) => printIp(block.address.ip) + (timed === undefined ? "" : timeout(block, timed.now)));
      commands.push(`${verb} element ${table} ${name} { ${elements.join(", ")} }`);
    }
  }
  return commands;
}

function timeout({ until }: Block, now: number): string {
  if (until === undefined || until - now > timeoutMsMax) return "";
  return ` timeout ${Math.max(1, Math.ceil((until - now) / 1_000))}s`;
}

export interface NftTable {
  /** Sets that have a rule which asks them. */
  readonly sets: ReadonlySet<string>;
  /** The rule that lets answers pass stands. */
  readonly letsReplies: boolean;
  readonly blocks: readonly Block[];
}

const element = z.union([
  z.string(),
  z.object({ elem: z.object({ val: z.string(), expires: z.number().optional() }) }),
]);
const part = z.object({
  set: z.object({ name: z.string(), elem: z.array(element).optional() }).optional(),
  rule: z.object({ chain: z.string(), expr: z.array(z.unknown()) }).optional(),
});
const listing = z.object({ nftables: z.array(part) });

/** Reads `nft -j list table`. Blocks of sets that no rule asks do not stand. */
export function readTable(json: string, now: number): NftTable {
  const parts = listing.parse(JSON.parse(json)).nftables;
  const rules = parts.flatMap(({ rule }) => (rule?.chain === "banned" ? [JSON.stringify(rule.expr)] : []));
  const asked = new Set(
    rules.filter((rule) => rule.endsWith('{"drop":null}]')).map((rule) => /"@([\w.]+)"/.exec(rule)?.[1] ?? ""),
  );
  const sets = parts.flatMap(({ set }) => (set !== undefined && asked.has(set.name) ? [set] : []));
  const blocks = sets.flatMap(({ name, elem = [] }) =>
    elem.flatMap((one) => {
      const [text, expires] = typeof one === "string" ? [one] : [one.elem.val, one.elem.expires];
      return blockOf(name, text, expires === undefined ? undefined : now + expires * 1_000) ?? [];
    }),
  );
  const letsReplies = rules.some((rule) => rule.includes('"reply"') && rule.endsWith('{"accept":null}]'));
  return { sets: new Set(sets.map(({ name }) => name)), letsReplies, blocks };
}
