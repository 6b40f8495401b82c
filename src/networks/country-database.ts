// Countries from a MaxMind DB file: the one that ships, GeoLite2-Country, IPinfo Lite and their like.

import { Reader, type Response } from "mmdb-lib";
import type { CountrySource } from "./network-book.ts";

/** Opens the bytes of an MMDB file; undefined when they are damaged or hold no countries for either family. */
export function openCountries(bytes: Buffer): CountrySource | undefined {
  try {
    const reader = new Reader(bytes);
    const source: CountrySource = { find: (ip) => countryIn(lookUp(reader, ip)) };
    // A damaged tree shows in the first walks.
    return ["193.0.6.139", "8.8.8.8", "2001:500:88:200::8"].some((ip) => source.find(ip) !== undefined)
      ? source
      : undefined;
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

/** Three forms are in use: `country_code`, `country.iso_code`, and `country` as text. */
function countryIn(record: unknown): string | undefined {
  if (!isRecord(record)) return undefined;
  const inner = record.country;
  const code = record.country_code ?? (isRecord(inner) ? inner.iso_code : inner);
  return typeof code === "string" && /^[A-Z]{2}$/.test(code) ? code : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
