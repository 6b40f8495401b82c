// The options of one jail as values: how many failures in what time, how long a ban, whom never, and where its lines come from.

import { Problem } from "../../core/problem.ts";
import { type BanGrowth, type OptionSource, readBanGrowth } from "./ban-growth.ts";
import { parseZoneMinutes } from "./date-time.ts";
import { type IgnoreRules, ignoreOptions, readIgnoreRules } from "./ignore-rules.ts";
import { parseSeconds } from "./time-expression.ts";

export interface JailLogPath {
  /** May hold `*`, `?` and `[…]`. */
  readonly glob: string;
  /** Begin at the end of the file, whatever stands in it. */
  readonly tail: boolean;
}

export interface JailOptions {
  readonly name: string;
  readonly backend: string;
  readonly maxretry: number;
  /** Lines of a failure that are kept for actions. */
  readonly maxmatches: number;
  readonly findtimeSeconds: number;
  /** Below nought: for ever. */
  readonly bantimeSeconds: number;
  /** Undefined: each ban takes as long as the first. */
  readonly growth: BanGrowth | undefined;
  readonly ignore: IgnoreRules;
  readonly logpaths: readonly JailLogPath[];
  /** `auto`: UTF-8 where the bytes are, Latin-1 where they are not. */
  readonly logencoding: string;
  /** Minutes east of UTC of dates without a zone; undefined: the system's zone. */
  readonly logtimezoneMinutes: number | undefined;
  /** Missing log files are no mistake. */
  readonly skipIfNoLogs: boolean;
  readonly where: (option: string) => string;
}

export const jailOptionNames: readonly string[] = [
  "enabled",
  "backend",
  "maxretry",
  "maxmatches",
  "findtime",
  "bantime",
  "bantime.increment",
  "bantime.factor",
  "bantime.formula",
  "bantime.multipliers",
  "bantime.maxtime",
  "bantime.rndtime",
  "bantime.overalljails",
  ...ignoreOptions,
  "filter",
  "logtimezone",
  "logencoding",
  "logpath",
  "skip_if_nologs",
  "systemd_if_nologs",
  "action",
];

const maxretryDefault = 5;
/** Beyond these the memory of one address is the attacker's. */
const maxretryMost = 10_000;
const maxmatchesMost = 1000;
const encodings = ["auto", "utf-8", "utf8", "ascii", "us-ascii", "latin-1", "latin1", "iso-8859-1"];

/** A Problem with the place when a value cannot be used. */
export function readJailOptions(name: string, source: OptionSource): JailOptions {
  const { find, where } = source;
  const maxretry = count(find("maxretry"), maxretryDefault, maxretryMost);
  return {
    name,
    backend: find("backend") ?? "auto",
    maxretry,
    maxmatches: count(find("maxmatches"), maxretry, maxmatchesMost),
    findtimeSeconds: seconds("findtime", source),
    bantimeSeconds: seconds("bantime", source),
    growth: readBanGrowth(source),
    ignore: readIgnoreRules(source),
    logpaths: (find("logpath") ?? "").split("\n").flatMap(readLogPath),
    logencoding: readEncoding(source),
    logtimezoneMinutes: readZone(source),
    skipIfNoLogs: /^(?:1|on|true|yes)$/i.test(find("skip_if_nologs") ?? ""),
    where,
  };
}

/** As Fail2ban: a number that is none is the default. */
function count(text: string | undefined, otherwise: number, most: number): number {
  const value = /^\s*\+?\d{1,9}\s*$/.test(text ?? "") ? Number(text) : otherwise;
  return Math.min(Math.max(value, 1), most);
}

function seconds(option: string, { find, where }: OptionSource): number {
  const text = find(option) ?? "10m";
  const value = parseSeconds(text);
  if (value !== undefined) return value;
  throw new Problem(`${option} is ${text}`, {
    code: "jails/bad-value",
    where: where(option),
    hint: "a span of time, as 10m",
  });
}

function readLogPath(line: string): readonly JailLogPath[] {
  const found = /^(.*?)(?: (tail|head))?$/.exec(line.trim());
  const glob = found?.[1]?.trim() ?? "";
  return glob === "" ? [] : [{ glob, tail: found?.[2] === "tail" }];
}

function readEncoding({ find, where }: OptionSource): string {
  const text = (find("logencoding") ?? "auto").toLowerCase();
  if (encodings.includes(text)) return text;
  throw new Problem(`logencoding is ${text}`, {
    code: "jails/bad-value",
    where: where("logencoding"),
    hint: encodings.join(", "),
  });
}

function readZone({ find, where }: OptionSource): number | undefined {
  const text = find("logtimezone");
  if (text === undefined || text === "") return undefined;
  const minutes = parseZoneMinutes(text);
  if (minutes !== undefined) return minutes;
  throw new Problem(`logtimezone is ${text}`, {
    code: "jails/bad-value",
    where: where("logtimezone"),
    hint: "UTC+0200, or an abbreviation as CET",
  });
}
