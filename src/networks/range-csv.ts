// Ranges of addresses as text, in the forms in which they are published: ip-location-db (`start,end,asn,name`, `start,end,CC`),
// IPinfo Lite and GeoLite2 ASN (a head line with names), CAIDA's prefix2as (tabs). The form is found from the first line.

import { type Ip, parseIp, parseNetwork } from "../core/ip.ts";
import type { AsnRanges } from "./asn-table.ts";
import { codeNumber } from "./country-table.ts";
import { tameName } from "./network-name.ts";
import { lastIp } from "./registries/address-range.ts";

/** The Internet has half a million ranges; a file with more than this is something else. */
const rangesMax = 4_000_000;
const lineLengthMax = 4_096;

export interface CsvRanges {
  readonly systems: AsnRanges;
  readonly countries: AsnRanges;
  /** Lines with a range. */
  readonly lines: number;
}

export interface BadLine {
  readonly badLine: number;
  readonly because: string;
}

/** What stands in which column; -1 for what a file does not have. `end` is -1 where `start` is a prefix. */
interface Columns {
  readonly start: number;
  readonly end: number;
  readonly length: number;
  readonly asn: number;
  readonly name: number;
  readonly country: number;
}

const heads: Readonly<Record<Exclude<keyof Columns, "length">, readonly string[]>> = {
  start: ["network", "prefix", "ip_range", "cidr", "start_ip", "range_start", "start", "ip_range_start"],
  end: ["end_ip", "range_end", "end", "ip_range_end"],
  asn: ["asn", "autonomous_system_number", "as_number"],
  name: ["as_name", "autonomous_system_organization", "organization", "name", "org"],
  country: ["country_code", "country_iso_code", "country"],
};

type Ranges = { v4: [number, number, number][]; v6: [number, number, number, number, number][] };

/** All ranges of a text, or the line that is not of the form. */
export function parseRangeCsv(text: string): CsvRanges | BadLine {
  const systems: Ranges & { names: Map<number, string> } = { v4: [], v6: [], names: new Map() };
  const countries: Ranges & { names: Map<number, string> } = { v4: [], v6: [], names: new Map() };
  let columns: Columns | undefined;
  let number = 0;
  let lines = 0;
  for (let from = 0; from < text.length; ) {
    const newline = text.indexOf("\n", from);
    const end = newline < 0 ? text.length : newline;
    const line = text.slice(from, end > from && text[end - 1] === "\r" ? end - 1 : end);
    from = end + 1;
    number++;
    if (line === "" || line.startsWith("#")) continue;
    if (line.length > lineLengthMax) return { badLine: number, because: "the line is too long" };
    const fields = split(line);
    if (columns === undefined) {
      const found = columnsOf(fields);
      if (typeof found === "string") return { badLine: number, because: found };
      columns = found.columns;
      if (found.isHead) continue;
    }
    const range = rangeOf(fields, columns);
    if (range === undefined) return { badLine: number, because: "no range of addresses stands in it" };
    if (!add(fields, columns, range, systems, countries))
      return { badLine: number, because: "no system and no country stands in it" };
    if (++lines > rangesMax) return { badLine: number, because: `more than ${rangesMax} ranges` };
  }
  return { systems, countries, lines };
}

function add(
  fields: readonly string[],
  columns: Columns,
  [first, last]: readonly [Ip, Ip],
  systems: Ranges & { names: Map<number, string> },
  countries: Ranges,
): boolean {
  const asnText = (fields[columns.asn] ?? "").replace(/^AS(?=\d)/i, "");
  // A prefix that several systems announce: the first one named.
  const asn = /^\d{1,10}/.exec(asnText)?.[0];
  const country = fields[columns.country] ?? "";
  const code = codeNumber(country);
  // An empty field is a range of which nothing is known; a word that is neither is a mistake.
  if (asn === undefined && asnText !== "" && asnText !== "-") return false;
  if (code === undefined && columns.asn < 0 && country !== "" && country !== "-") return false;
  const number = Number(asn ?? 0);
  if (number > 0xffffffff) return false;
  if (number > 0) {
    push(systems, first, last, number);
    const name = fields[columns.name] ?? "";
    if (name !== "" && !systems.names.has(number)) systems.names.set(number, tameName(name));
  }
  if (code !== undefined) push(countries, first, last, code);
  return true;
}

function push(ranges: Ranges, first: Ip, last: Ip, value: number): void {
  if (first.family === 4) ranges.v4.push([first.words[0], last.words[0], value]);
  else ranges.v6.push([first.words[0], first.words[1], last.words[0], last.words[1], value]);
}

function rangeOf(fields: readonly string[], columns: Columns): readonly [Ip, Ip] | undefined {
  const start = fields[columns.start] ?? "";
  if (columns.end >= 0) {
    const first = parseEnd(start);
    const last = parseEnd(fields[columns.end] ?? "");
    return first?.family === last?.family && first !== undefined && last !== undefined ? [first, last] : undefined;
  }
  const network = parseNetwork(columns.length >= 0 ? `${start}/${fields[columns.length]}` : start);
  return network === undefined ? undefined : [network.ip, lastIp(network)];
}

/** Dotted, or as one decimal number: up to ten digits IPv4, more IPv6. */
function parseEnd(text: string): Ip | undefined {
  if (/^\d{1,10}$/.test(text)) {
    const word = Number(text);
    return word <= 0xffffffff ? { family: 4, words: [word, 0, 0, 0] } : undefined;
  }
  if (!/^\d{11,39}$/.test(text)) return parseIp(text);
  const value = BigInt(text);
  const word = (shift: bigint) => Number((value >> shift) & 0xffffffffn);
  return { family: 6, words: [word(96n), word(64n), word(32n), word(0n)] };
}

/** The columns of a file by its first line, or why they are not known. */
function columnsOf(fields: readonly string[]): { readonly columns: Columns; readonly isHead: boolean } | string {
  const names = fields.map((field) => field.toLowerCase().trim());
  const at = (key: keyof typeof heads) => heads[key].map((name) => names.indexOf(name)).find((i) => i >= 0) ?? -1;
  if (at("start") >= 0) {
    const columns = {
      start: at("start"),
      end: at("end"),
      length: -1,
      asn: at("asn"),
      name: at("name"),
      country: at("country"),
    };
    if (columns.asn >= 0 || columns.country >= 0) return { columns, isHead: true };
    return names.includes("geoname_id")
      ? "GeoLite2's country blocks name places by number: import the .mmdb file of the same set"
      : "the head line names neither a system nor a country";
  }
  const none = { length: -1, asn: -1, name: -1, country: -1 };
  const [first = "", second = "", third = ""] = fields;
  if (parseIp(first) !== undefined && /^\d{1,3}$/.test(second) && /^\d+[\d_,]*$/.test(third)) {
    return { columns: { ...none, start: 0, end: -1, length: 1, asn: 2 }, isHead: false };
  }
  const isPrefix = first.includes("/");
  const what = isPrefix ? second : third;
  const start = isPrefix ? parseNetwork(first) : parseEnd(first);
  if (start === undefined) return "the first line is neither a head nor a range";
  const place = { ...none, start: 0, end: isPrefix ? -1 : 1 };
  const index = isPrefix ? 1 : 2;
  if (/^(AS)?\d+$/i.test(what)) return { columns: { ...place, asn: index, name: index + 1 }, isHead: false };
  if (/^[A-Z]{2}$/.test(what)) return { columns: { ...place, country: index }, isHead: false };
  return "the first line names neither a system nor a country";
}

/** Fields between commas (or tabs), quotes as in RFC 4180. */
function split(line: string): string[] {
  const separator = line.includes("\t") && !line.includes(",") ? "\t" : ",";
  if (!line.includes('"')) return line.split(separator);
  const fields: string[] = [];
  for (let at = 0; at <= line.length; ) {
    const quoted = line[at] === '"' ? /"((?:[^"]|"")*)"/y : undefined;
    if (quoted !== undefined) quoted.lastIndex = at;
    const match = quoted?.exec(line);
    const end = match === null || match === undefined ? line.indexOf(separator, at) : at + match[0].length;
    const stop = end < 0 ? line.length : end;
    fields.push(match?.[1]?.replaceAll('""', '"') ?? line.slice(at, stop));
    at = stop + 1;
  }
  return fields;
}
