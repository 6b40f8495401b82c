// Bans and networks as they stand in rows.

import type { Selectable } from "kysely";
import type { Ban, BanOrigin } from "../core/ban.ts";
import { type Network, networkOf, parseNetwork, printNetwork, widthOf } from "../core/ip.ts";
import { parsePorts, printPorts } from "../core/port-list.ts";
import type { Tables } from "./tables.ts";

/** The last day that a Date can be (ECMA-262, 21.4.1.1): an end that is a number in every engine, and never comes. */
const forever = 8_640_000_000_000_000;

export function untilToRow(until: number | undefined): number {
  return Math.min(until ?? forever, forever);
}

export function untilOfRow(until: number): number | undefined {
  return until >= forever ? undefined : until;
}

export function banToRow(ban: Ban): Tables["bans"] {
  return {
    address: printNetwork(ban.address),
    jail: ban.jail,
    first: endsOf(ban.address)[0],
    from_at: ban.from,
    until_at: untilToRow(ban.until),
    reason: ban.reason,
    origin: ban.origin,
    ports: ban.ports === undefined ? "" : printPorts(ban.ports),
    enforce: ban.enforce ? 1 : 0,
    node: ban.node,
    count: ban.count,
  };
}

export function banOfRow(row: Selectable<Tables["bans"]>): Ban {
  return {
    address: addressOfRow(row.address),
    jail: row.jail,
    from: row.from_at,
    until: untilOfRow(row.until_at),
    reason: row.reason,
    origin: row.origin as BanOrigin,
    ports: row.ports === "" ? undefined : parsePorts(row.ports),
    enforce: row.enforce !== 0,
    node: row.node,
    count: row.count,
  };
}

/** Rows hold what printNetwork made. */
export function addressOfRow(text: string): Network {
  const network = parseNetwork(text);
  if (network === undefined) throw new Error(`a row holds ${JSON.stringify(text)} in the place of an address`);
  return network;
}

/** The first and the last address of a network, as texts whose order is that of the addresses. */
export function endsOf({ ip, length }: Network): readonly [first: string, last: string] {
  const width = widthOf(ip);
  const words = ip.words.slice(0, width / 32);
  const hex = (of: (word: number, index: number) => number) =>
    `${ip.family}${words.map((word, index) => of(word, index).toString(16).padStart(8, "0")).join("")}`;
  const fill = (word: number, index: number) => {
    const bits = Math.min(32, Math.max(0, length - index * 32));
    return bits === 32 ? word : (word | (0xffffffff >>> bits)) >>> 0;
  };
  return [hex((word) => word), hex(fill)];
}

/** The texts of the network and of all that contain it. */
export function aroundTexts({ ip, length }: Network): string[] {
  return Array.from({ length: length + 1 }, (_, bits) => printNetwork(networkOf(ip, bits)));
}

/** What a numbered change of a ban was. `removed` is a person's act: the address is forgiven. */
export type BanAct = "added" | "expired" | "removed";
