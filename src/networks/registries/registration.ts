// What a registry says of a block of addresses: evidence that an administrator knows by sight, never part of a decision.

import type { Ip } from "../../core/ip.ts";
import { tameName } from "../network-name.ts";

/** One block. Texts come from whoever filled in the registry's form: hostile, shortened, printable. Empty where not told. */
export interface Registration {
  readonly first: Ip;
  readonly last: Ip;
  /** netname; where a registry has none, the owner's id. */
  readonly name: string;
  readonly organisation: string;
  /** Two capital letters. The registry's word, not a place. */
  readonly country: string;
  /** Numbers of systems that are registered to announce it. */
  readonly origins: readonly number[];
  /** `ripe`, `arin`, … */
  readonly registry: string;
}

const textMax = 120;

/** `N/A` and its like say nothing. */
export function tame(text: string | undefined): string {
  const plain = tameName(text ?? "");
  return /^(n\/?a|none|-|null)$/i.test(plain) ? "" : plain;
}

export function tameCountry(text: string | undefined): string {
  const code = (text ?? "").trim().slice(0, 2).toUpperCase();
  return /^[A-Z]{2}$/.test(code) ? code : "";
}

/** Numbers in `AS64500`, `AS64500, AS64501`; others are left out. */
export function originsIn(texts: readonly string[]): readonly number[] {
  const numbers = texts.flatMap((text) =>
    [...text.slice(0, textMax).matchAll(/\bAS(\d{1,10})\b/gi)].map(([, digits]) => Number(digits)),
  );
  return [...new Set(numbers.filter((number) => number > 0 && number <= 0xffffffff))];
}

/** Compares addresses of one family. */
export function compareIps(a: Ip, b: Ip): number {
  for (let i = 0; i < 4; i++) {
    const difference = (a.words[i] ?? 0) - (b.words[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

export function holds({ first, last }: Pick<Registration, "first" | "last">, ip: Ip): boolean {
  return first.family === ip.family && compareIps(first, ip) <= 0 && compareIps(ip, last) <= 0;
}
