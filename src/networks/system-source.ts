// Who announces an address, from a MaxMind DB file: GeoLite2-ASN, DB-IP ASN Lite, IPinfo Lite and their like.

import { Reader, type Response } from "mmdb-lib";
import type { Ip } from "../core/ip.ts";
import type { AsnTable } from "./asn-table.ts";
import { tameName } from "./network-name.ts";

/** Finds the system that announces an address, and the name of one that was found. */
export interface SystemSource {
  find(ip: Ip, text: string): number | undefined;
  nameOf(asn: number): string | undefined;
}

/** Names that are remembered; the Internet has 85 000 systems. */
const namesMax = 200_000;

export function systemsOfTable(table: AsnTable): SystemSource {
  return { find: (ip) => table.find(ip), nameOf: (asn) => table.nameOf(asn) };
}

/** Opens the bytes of an MMDB file; undefined when they are damaged or name no systems. Names are known once a system was found. */
export function openSystems(bytes: Buffer): SystemSource | undefined {
  try {
    const reader = new Reader(bytes);
    const names = new Map<number, string>();
    const find = (text: string) => {
      const found = systemIn(lookUp(reader, text));
      if (found !== undefined && names.size < namesMax && !names.has(found.asn)) names.set(found.asn, found.name);
      return found?.asn;
    };
    if (!["8.8.8.8", "193.0.6.139", "1.1.1.1", "2001:4860:4860::8888"].some((ip) => find(ip) !== undefined))
      return undefined;
    return { find: (_, text) => find(text), nameOf: (asn) => names.get(asn) };
  } catch {
    return undefined;
  }
}

function lookUp(reader: Reader<Response>, ip: string): unknown {
  try {
    return reader.get(ip);
  } catch {
    return undefined;
  }
}

/** `autonomous_system_number` with `…_organization`, or `asn` as `AS64500` with `as_name`. */
function systemIn(record: unknown): { readonly asn: number; readonly name: string } | undefined {
  if (typeof record !== "object" || record === null) return undefined;
  const fields = record as Record<string, unknown>;
  const number = fields["autonomous_system_number"] ?? fields["asn"];
  const digits = /^(?:AS)?(\d{1,10})$/.exec(String(number))?.[1];
  const name = fields["autonomous_system_organization"] ?? fields["as_name"] ?? fields["name"];
  if (digits === undefined || Number(digits) > 0xffffffff) return undefined;
  const text = typeof name === "string" ? tameName(name) : "";
  return { asn: Number(digits), name: text === "" ? `AS${digits}` : text };
}
