// Ranges with their systems as CSV, `start,end,asn,"name"` with decimal addresses: the form in which they are published.

import { parseIp } from "../core/ip.ts";
import type { AsnRanges } from "./asn-table.ts";

/** The Internet has half a million ranges; a file with more than this is something else. */
const rangesMax = 4_000_000;
const nameLengthMax = 120;

/** Reads lines of both families, numeric or dotted; undefined when a line is not of the form, with the line's number. */
export function parseAsnCsv(texts: readonly string[]): AsnRanges | { readonly badLine: number } {
  const v4: [number, number, number][] = [];
  const v6: [number, number, number, number, number][] = [];
  const names = new Map<number, string>();
  for (const text of texts) {
    let line = 0;
    for (let from = 0; from < text.length; ) {
      const newline = text.indexOf("\n", from);
      const end = newline < 0 ? text.length : newline;
      line++;
      if (end > from && !addLine(text.slice(from, end), v4, v6, names)) return { badLine: line };
      if (v4.length + v6.length > rangesMax) return { badLine: line };
      from = end + 1;
    }
  }
  return { v4, v6, names };
}

function addLine(
  line: string,
  v4: [number, number, number][],
  v6: [number, number, number, number, number][],
  names: Map<number, string>,
): boolean {
  const first = line.indexOf(",");
  const second = line.indexOf(",", first + 1);
  const third = line.indexOf(",", second + 1);
  if (first < 0 || second < 0) return false;
  const start = parseEnd(line.slice(0, first));
  const end = parseEnd(line.slice(first + 1, second));
  const asn = Number(line.slice(second + 1, third < 0 ? undefined : third));
  if (start === undefined || end === undefined || !Number.isInteger(asn) || asn < 0 || asn > 0xffffffff) return false;
  if (start.length !== end.length) return false;
  if (third >= 0 && !names.has(asn)) names.set(asn, unquote(line.slice(third + 1)));
  if (start.length === 1) v4.push([start[0] ?? 0, end[0] ?? 0, asn]);
  else v6.push([start[0] ?? 0, start[1] ?? 0, end[0] ?? 0, end[1] ?? 0, asn]);
  return true;
}

/** One word for IPv4, the upper two for IPv6. */
function parseEnd(text: string): readonly number[] | undefined {
  if (/^\d{1,10}$/.test(text)) {
    const word = Number(text);
    return word <= 0xffffffff ? [word] : undefined;
  }
  if (/^\d{11,39}$/.test(text)) {
    const value = BigInt(text);
    return [Number((value >> 96n) & 0xffffffffn), Number((value >> 64n) & 0xffffffffn)];
  }
  const ip = parseIp(text);
  if (ip === undefined) return undefined;
  return ip.family === 4 ? [ip.words[0]] : [ip.words[0], ip.words[1]];
}

/** Names come from registries: hostile text, shortened and printable. */
function unquote(text: string): string {
  const inner = text.startsWith('"')
    ? text.replace(/\r$/, "").slice(1, -1).replaceAll('""', '"')
    : text.replace(/\r$/, "");
  return inner.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, " ").slice(0, nameLengthMax);
}
