// What `fail2ban-client` may be asked about one jail, as plain data: how it is set, and how it stands.

import { printNetwork } from "../../core/ip.ts";
import type { JailDefinition } from "../fail2ban/jail-reader.ts";
import type { JailSetting } from "../jail.ts";

export interface JailSettings {
  readonly name: string;
  readonly backend: string;
  readonly journalmatch: readonly (readonly string[])[];
  readonly prefregex: string;
  readonly failregex: readonly string[];
  readonly ignoreregex: readonly string[];
  readonly datepattern: readonly string[];
  readonly ignoreip: readonly string[];
  readonly actions: readonly { readonly name: string; readonly properties: Readonly<Record<string, string>> }[];
  /** Options that are one word in an answer. */
  readonly plain: Readonly<Record<string, string>>;
}

export interface BanFact {
  readonly address: string;
  /** Seconds since 1970. */
  readonly from: number;
  /** Below nought: for ever. */
  readonly seconds: number;
}

/** How a jail stands. */
export interface JailFacts {
  readonly settings: JailSettings;
  /** Files that are followed; empty for the journal. */
  readonly files: readonly string[];
  readonly failedNow: number;
  readonly failedTotal: number;
  readonly bannedTotal: number;
  readonly bannedNow: number;
  /** Of those, what the answer needs. */
  readonly banned: readonly BanFact[];
}

/** The settings of a jail in the words of Fail2ban. */
export function settingsOf(jail: JailDefinition): JailSettings {
  const { filter, ignore, growth } = jail;
  return {
    name: jail.name,
    backend: jail.backend,
    journalmatch: filter.journalmatch,
    prefregex: filter.prefregex,
    failregex: filter.failregex,
    ignoreregex: filter.ignoreregex,
    datepattern: filter.datepattern,
    ignoreip: [
      ...ignore.networks.map(printNetwork).map((text) => text.replace(/\/(?:32|128)$/, "")),
      ...ignore.names,
      ...ignore.files.map((file) => `file:${file}`),
    ],
    actions: jail.actions.map((action) => ({ name: action.name, properties: Object.fromEntries(action.settings) })),
    plain: {
      findtime: String(jail.findtimeSeconds),
      bantime: String(jail.bantimeSeconds),
      maxretry: String(jail.maxretry),
      maxmatches: String(jail.maxmatches),
      maxlines: String(filter.maxlines),
      usedns: filter.usedns ?? "warn",
      ignoreself: ignore.self ? "True" : "False",
      ignorecommand: ignore.command?.source ?? "False",
      ignorecache: ignore.cache === undefined ? "None" : printCache(ignore.cache),
      logtimezone: printZone(jail.logtimezoneMinutes),
      logencoding: jail.logencoding === "auto" ? "UTF-8" : jail.logencoding,
      "bantime.increment": growth === undefined ? "None" : "True",
      "bantime.formula": growth?.formula ?? "None",
      "bantime.factor": growth === undefined ? "None" : String(growth.factor),
      "bantime.multipliers": growth?.multipliers.join(" ") || "None",
      "bantime.maxtime": growth?.maxSeconds === undefined ? "None" : String(growth.maxSeconds),
      "bantime.rndtime": growth === undefined ? "None" : String(growth.randomSeconds),
      "bantime.overalljails": growth?.allJails ? "True" : "None",
    },
  };
}

/** The settings of one of our own jails; it has no filter of Fail2ban's. */
export function ownSettingsOf({ name, findtimeMs, bantimeMs, maxretry }: JailSetting): JailSettings {
  const bantime = bantimeMs === undefined ? "-1" : String(bantimeMs / 1000);
  return {
    ...{ name, backend: "auto", journalmatch: [], prefregex: "", failregex: [], ignoreregex: [] },
    ...{ datepattern: [], ignoreip: [], actions: [] },
    plain: { findtime: String(findtimeMs / 1000), bantime, maxretry: String(maxretry), logencoding: "UTF-8" },
  };
}

function printCache({ key, countMax, maxSeconds }: { key: string; countMax: number; maxSeconds: number }): string {
  return `['${key}', ${countMax}, ${maxSeconds}]`;
}

function printZone(minutes: number | undefined): string {
  if (minutes === undefined) return "None";
  const two = (value: number) => String(value).padStart(2, "0");
  const hours = Math.floor(Math.abs(minutes) / 60);
  return `UTC${minutes < 0 ? "-" : "+"}${two(hours)}${two(Math.abs(minutes) % 60)}`;
}
