// From what a person writes to the counters meant: `QUOTA/TRACK-KEY`, a track key alone, an account or an address.

import { type Ip, networkOf, parseIp, printIp } from "../core/ip.ts";
import { Problem } from "../core/problem.ts";
import type { Track } from "../core/rules.ts";
import type { CompiledLimit, CompiledRules } from "../policy/compiled-rules.ts";

/** One limit of one key. `key` is the cell's. */
export interface QuotaTarget {
  readonly limit: CompiledLimit;
  readonly track: string;
  readonly key: string;
}

/** Counters one text may mean; beyond it the rules have more quotas than anybody reads. */
const targetsMax = 5_000;

const words: Readonly<Record<Track["kind"], string>> = {
  sender: "Sender",
  recipient: "Recipient",
  "sasl-username": "SASLUsername",
  "sender-ip": "SenderIP",
  policy: "Policy",
};

/** The counters that `text` may mean by the rules, whether anything was counted there or not. */
export function findTargets(
  text: string,
  rules: CompiledRules,
  canonical: (login: string) => string,
): readonly QuotaTarget[] {
  const named: QuotaTarget[] = [];
  const other: QuotaTarget[] = [];
  for (const limit of rules.limits.values()) {
    if (named.length >= targetsMax) break;
    const track = limit.quota.rule.track;
    const rest = restAfterName(text, limit);
    if (rest !== undefined) named.push(...targetsOf(limit, trackOf(track, rest, canonical)));
    else if (other.length < targetsMax) {
      const key = trackOf(track, text, canonical) ?? trackOfSubject(track, text, canonical);
      other.push(...targetsOf(limit, key));
    }
  }
  return named.length > 0 ? named : other;
}

/** `quota/…` and `policy/quota/…`; names may hold slashes themselves, so the rules say where a name ends. */
function restAfterName(text: string, { quota }: CompiledLimit): string | undefined {
  for (const name of [`${quota.policy.name}/${quota.rule.name}/`, `${quota.rule.name}/`]) {
    if (text.startsWith(name)) return text.slice(name.length);
  }
  return undefined;
}

function targetsOf(limit: CompiledLimit, track: string | undefined): readonly QuotaTarget[] {
  return track === undefined ? [] : [{ limit, track, key: limit.prefix + track }];
}

/** A track key as a person writes it, in the form that cells have; undefined when it is of another kind. */
function trackOf(track: Track, text: string, canonical: (login: string) => string): string | undefined {
  const word = words[track.kind];
  if (track.kind === "policy") return text.toLowerCase() === "policy" ? word : undefined;
  const colon = text.indexOf(":");
  if (text.slice(0, colon).toLowerCase() !== word.toLowerCase()) return undefined;
  const value = text.slice(colon + 1);
  if (track.kind === "sasl-username") return `${word}:${canonical(value.toLowerCase())}`;
  if (track.kind === "sender-ip") return trackOfAddress(track, parseIp(value.replace(/\/\d+$/, "")));
  return `${word}:${value.toLowerCase()}`;
}

/** The key of an account's own counters, or of an address. Counters that it shares with others (a domain's) are not its own. */
function trackOfSubject(track: Track, text: string, canonical: (login: string) => string): string | undefined {
  const ip = parseIp(text);
  if (track.kind === "sender-ip") return trackOfAddress(track, ip);
  if (ip !== undefined || text === "") return undefined;
  if (track.kind === "sasl-username") return `SASLUsername:${canonical(text.toLowerCase())}`;
  const isOwn = track.kind === "sender" && track.part === "user@domain" && text.includes("@");
  return isOwn ? `Sender:${text.toLowerCase()}` : undefined;
}

function trackOfAddress(track: Extract<Track, { kind: "sender-ip" }>, ip: Ip | undefined): string | undefined {
  if (ip === undefined) return undefined;
  const length = ip.family === 4 ? track.v4 : track.v6;
  return `SenderIP:${printIp(networkOf(ip, length).ip)}/${length}`;
}

export function unknownKey(text: string): Problem {
  return new Problem("nothing is counted under this name", {
    code: "quota/unknown-key",
    where: text,
    hint: "an account, or QUOTA/TRACK-KEY as `postvarta quota list` prints it",
  });
}
