// The bans that stand in a Fail2ban database (SQLite, schema version 4), as bans of ours. The file is only read.

import { DatabaseSync } from "node:sqlite";
import type { WantedBan } from "../core/ban.ts";
import { parseNetwork, printNetwork } from "../core/ip.ts";
import { type PortList, parsePorts } from "../core/port-list.ts";
import { Problem } from "../core/problem.ts";
import type { JailDefinition } from "../jails/fail2ban/jail-reader.ts";

export interface Fail2banBans {
  readonly bans: readonly WantedBan[];
  /** Rows whose time is over. */
  readonly expired: number;
  /** Ids that are no address: no firewall can ban them. */
  readonly notAddresses: readonly string[];
  /** Jails of the database that the configuration does not run; their bans are taken all the same. */
  readonly unknownJails: readonly string[];
}

export interface ReadOptions {
  /** ms since the epoch. */
  readonly now: number;
  readonly node: string;
  readonly enforce: boolean;
  readonly jails: readonly JailDefinition[];
}

/** A firewall holds no more, and the memory neither. */
const rowsMax = 1_000_000;
const shownMax = 100;
const linesMax = 10;
const lineLengthMax = 500;

interface Row {
  readonly ip: string;
  readonly jail: string;
  readonly timeofban: number;
  readonly bantime: number;
  readonly bancount: number;
  readonly data: unknown;
}

/** Reads `bips`, the state of each address in each jail. A Problem when the file is no database of Fail2ban. */
export function readFail2banBans(path: string, options: ReadOptions): Fail2banBans {
  const rows = readRows(path);
  const ports = new Map(options.jails.map((jail) => [jail.name, portsOf(jail)]));
  const bans: WantedBan[] = [];
  const notAddresses: string[] = [];
  const unknownJails = new Set<string>();
  let expired = 0;
  for (const row of rows) {
    const from = row.timeofban * 1000;
    const until = row.bantime < 0 ? undefined : from + row.bantime * 1000;
    const address = parseNetwork(row.ip);
    if (until !== undefined && until <= options.now) expired++;
    else if (address === undefined) notAddresses.push(row.ip);
    else {
      if (!ports.has(row.jail)) unknownJails.add(row.jail);
      bans.push({
        address,
        jail: row.jail,
        // A clock that went wrong once must not make a ban of tomorrow.
        from: Math.min(from, options.now),
        until,
        reason: reasonOf(row),
        origin: "import",
        ports: ports.get(row.jail),
        enforce: options.enforce,
        node: options.node,
        evidence: evidenceOf(row),
      });
    }
  }
  return {
    bans: longestOfEach(bans),
    expired,
    notAddresses: notAddresses.slice(0, shownMax),
    unknownJails: [...unknownJails].sort(),
  };
}

function readRows(path: string): readonly Row[] {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { readOnly: true });
    const statement = database.prepare(
      "select ip, jail, timeofban, bantime, bancount, substr(data, 1, 65536) as data from bips order by timeofban limit ?",
    );
    return statement.all(rowsMax).flatMap((row) => parseRow(row) ?? []);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Problem(`it is no database of Fail2ban that can be read (${why})`, {
      code: "input/unreadable",
      where: path,
      hint: "the file that dbfile of fail2ban.conf names, as /var/lib/fail2ban/fail2ban.sqlite3",
    });
  } finally {
    database?.close();
  }
}

function parseRow(row: Readonly<Record<string, unknown>>): Row | undefined {
  const { ip, jail, timeofban, bantime, bancount, data } = row;
  if (typeof ip !== "string" || typeof jail !== "string" || typeof timeofban !== "number") return undefined;
  if (typeof bantime !== "number" || !Number.isFinite(timeofban) || !Number.isFinite(bantime)) return undefined;
  return { ip, jail, timeofban, bantime, bancount: Number(bancount) || 1, data: parseData(data) };
}

function parseData(data: unknown): unknown {
  const text = data instanceof Uint8Array ? Buffer.from(data).toString("utf8") : data;
  if (typeof text !== "string") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function field(data: unknown, name: string): unknown {
  return typeof data === "object" && data !== null && name in data ? data[name as keyof typeof data] : undefined;
}

function reasonOf({ data, bancount }: Row): string {
  const failures = Number(field(data, "failures")) || 0;
  const times = bancount > 1 ? `, banned for the ${bancount}. time` : "";
  return `Fail2ban: ${failures} failure${failures === 1 ? "" : "s"}${times}`;
}

/** `{"lines":["…"]}`; a line is a text, or its three parts around the date. */
function evidenceOf({ data, timeofban, bancount }: Row): string {
  const matches = field(data, "matches");
  const lines = (Array.isArray(matches) ? matches : [])
    .slice(-linesMax)
    .map((line) => (Array.isArray(line) ? line.join("") : String(line)).slice(0, lineLengthMax));
  return JSON.stringify({ curve: [[timeofban * 1000, Number(field(data, "failures")) || bancount]], lines });
}

/** The ports that the jail's own action closes; undefined where it closes all, or does something of its own. */
function portsOf({ actions }: JailDefinition): PortList | undefined {
  const native = actions.map((action) => action.native).find((one) => one !== undefined);
  return native === undefined || native.ports.length === 0 ? undefined : parsePorts(native.ports.join(","));
}

/** One ban for an address and a jail: two spellings of an address may stand there. */
function longestOfEach(bans: readonly WantedBan[]): readonly WantedBan[] {
  const kept = new Map<string, WantedBan>();
  const end = (ban: WantedBan) => ban.until ?? Number.POSITIVE_INFINITY;
  for (const ban of bans) {
    const key = `${printNetwork(ban.address)} ${ban.jail}`;
    const other = kept.get(key);
    if (other === undefined || end(ban) > end(other)) kept.set(key, ban);
  }
  return [...kept.values()];
}
