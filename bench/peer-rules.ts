// Rules by which others find stolen accounts, in our own readings of what their authors publish. Each looks at the logins of one
// account, the last of which has just happened.

import { capitals } from "../src/cli/capitals.ts";
import type { NetworkOfAddress } from "../src/networks/network-book.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** A login, or a refused password. */
export interface Visit {
  readonly at: number;
  readonly ip: string;
  readonly from: NetworkOfAddress;
  readonly failed: boolean;
}

export interface PeerRule {
  readonly name: string;
  /** How far back it looks; Infinity for all time. */
  readonly windowMs: number;
  /** Refused passwords are shown to it too. */
  readonly seesFailures?: true;
  /** True when an account that did this is to be alarmed; visits are in order. */
  trips(visits: readonly Visit[]): boolean;
}

export const peerRules: readonly PeerRule[] = [
  {
    name: "more than 10 netnames, no window",
    windowMs: Number.POSITIVE_INFINITY,
    trips: (visits) => distinct(visits, netname) > 10,
  },
  { name: "more than 10 netnames, two logs", windowMs: 2 * dayMs, trips: (visits) => distinct(visits, netname) > 10 },
  {
    name: "more than 10 origin systems, no window",
    windowMs: Number.POSITIVE_INFINITY,
    trips: (visits) => distinct(visits, ({ from }) => from.network) > 10,
  },
  {
    name: "geoip-policyd: > 10 addresses or > 3 countries, 1 h",
    windowMs: hourMs,
    trips: (visits) => distinct(visits, address) > 10 || countries(visits) > 3,
  },
  {
    name: "postfwd anti-geoip: > 5 countries or > 20 addresses, 1 d",
    windowMs: dayMs,
    trips: (visits) => countries(visits) > 5 || distinct(visits, address) > 20,
  },
  { name: "pcc: 3 countries, 2 d", windowMs: 2 * dayMs, trips: (visits) => countries(visits) >= 3 },
  {
    name: "nauthilus: > 12 addresses 1 d, > 30 7 d; 7 failures 1 d, 15 7 d",
    windowMs: 7 * dayMs,
    seesFailures: true,
    trips: nauthilus,
  },
  {
    name: "CrowdSec: > 1000 km between two logins, 3 h",
    windowMs: 3 * hourMs,
    trips: (visits) => kilometres(visits) > 1_000,
  },
];

function distinct<T>(visits: readonly Visit[], key: (visit: Visit) => T): number {
  return new Set(visits.map(key)).size;
}

function address({ ip }: Visit): string {
  return ip;
}

function countries(visits: readonly Visit[]): number {
  return distinct(
    visits.filter(({ from }) => from.country !== ""),
    ({ from }) => from.country,
  );
}

/** A registry's netname is imitated by the system and the /16. */
function netname({ from, ip }: Visit): string {
  return `${from.network} ${ip.split(".").slice(0, 2).join(".")}`;
}

function nauthilus(visits: readonly Visit[]): boolean {
  const now = visits.at(-1)?.at ?? 0;
  const today = visits.filter(({ at }) => now - at <= dayMs);
  const addresses = (list: readonly Visit[]) =>
    distinct(
      list.filter(({ failed }) => !failed),
      address,
    );
  const failures = (list: readonly Visit[]) => list.filter(({ failed }) => failed).length;
  return addresses(today) > 12 || addresses(visits) > 30 || failures(today) >= 7 || failures(visits) >= 15;
}

/** Between the last two logins, from capital to capital: cities are not known here. */
function kilometres(visits: readonly Visit[]): number {
  const [a, b] = [visits.at(-2), visits.at(-1)].map((visit) => capitals[visit?.from.country ?? ""]);
  if (a === undefined || b === undefined) return 0;
  const [[lat1, lon1], [lat2, lon2]] = [a, b].map(([lat, lon]) => [radians(lat), radians(lon)] as const) as [
    readonly [number, number],
    readonly [number, number],
  ];
  const half = Math.sin((lat2 - lat1) / 2) ** 2 + Math.cos(lat1) * Math.cos(lat2) * Math.sin((lon2 - lon1) / 2) ** 2;
  return 2 * 6_371 * Math.asin(Math.sqrt(half));
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180;
}
