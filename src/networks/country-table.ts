// Countries of ranges in the same compact table as systems: a country's two letters are a number.

import { parseIp } from "../core/ip.ts";
import type { AsnTable } from "./asn-table.ts";
import type { CountrySource } from "./network-book.ts";

const a = 65;

/** 1 to 676 for two capital letters; undefined for everything else. */
export function codeNumber(code: string): number | undefined {
  if (!/^[A-Z]{2}$/.test(code)) return undefined;
  return (code.charCodeAt(0) - a) * 26 + (code.charCodeAt(1) - a) + 1;
}

/** The countries in a table whose numbers `codeNumber` made. */
export function countriesOfTable(table: AsnTable): CountrySource {
  return {
    find: (text) => {
      const ip = parseIp(text);
      const number = ip === undefined ? undefined : table.find(ip);
      return number === undefined
        ? undefined
        : String.fromCharCode(a + Math.floor((number - 1) / 26), a + ((number - 1) % 26));
    },
  };
}
