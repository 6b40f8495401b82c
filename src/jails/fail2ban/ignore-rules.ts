// What a jail's `ignoreip`, `ignoreself`, `ignorecommand` and `ignorecache` say, as data. Who is ignored is decided by `ignore-list.ts`.

import { type Network, parseNetwork } from "../../core/ip.ts";
import { Problem } from "../../core/problem.ts";
import type { OptionSource } from "./ban-growth.ts";
import { parseNamed } from "./parameters.ts";
import { type ShellCommand, shellCommand } from "./shell-command.ts";
import { parseSeconds } from "./time-expression.ts";

export interface IgnoreRules {
  readonly networks: readonly Network[];
  /** Names; whoever holds one of their addresses is ignored. */
  readonly names: readonly string[];
  /** Files of addresses and names, read again when they change. */
  readonly files: readonly string[];
  /** Addresses of this machine are ignored. */
  readonly self: boolean;
  /** Ends with 0: ignored. */
  readonly command: ShellCommand | undefined;
  readonly cache: IgnoreCacheRule | undefined;
}

export interface IgnoreCacheRule {
  /** Text with tags: failures of the same key have the same answer. */
  readonly key: string;
  readonly countMax: number;
  readonly maxSeconds: number;
}

export const ignoreOptions = ["ignoreip", "ignoreself", "ignorecommand", "ignorecache"];

/** A Problem with the place when one of them cannot be understood. */
export function readIgnoreRules(source: OptionSource): IgnoreRules {
  const words = (source.find("ignoreip") ?? "").split(/[\s,]+/).filter((word) => word !== "");
  const command = source.find("ignorecommand") ?? "";
  return {
    ...sortIgnored(words),
    files: words.filter((word) => word.startsWith("file:")).map((word) => word.slice("file:".length)),
    self: /^(?:1|on|true|yes)$/i.test(source.find("ignoreself") ?? "true"),
    command: command.trim() === "" ? undefined : shellCommand(command),
    cache: readCache(source),
  };
}

/** Words of `ignoreip` or of a file of it: networks, and what must be looked up. */
export function sortIgnored(words: readonly string[]): { networks: readonly Network[]; names: readonly string[] } {
  const networks: Network[] = [];
  const names: string[] = [];
  for (const word of words) {
    if (word.startsWith("file:")) continue;
    const network = parseNetwork(withPrefixLength(word));
    if (network !== undefined) networks.push(network);
    else if (/^[\w.-]+$/.test(word)) names.push(word);
  }
  return { networks, names };
}

/** `192.0.2.0/255.255.255.0` is an old way to write a prefix. */
function withPrefixLength(word: string): string {
  const found = /^([\d.]+)\/(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(word);
  if (found === null) return word;
  const bits = found
    .slice(2)
    .map((part) => Number(part).toString(2).padStart(8, "0"))
    .join("");
  return /^1*0*$/.test(bits) && bits.length === 32 ? `${found[1]}/${bits.replaceAll("0", "").length}` : word;
}

function readCache({ find, where }: OptionSource): IgnoreCacheRule | undefined {
  const text = find("ignorecache")?.trim() ?? "";
  if (text === "") return undefined;
  const place = where("ignorecache");
  // The words of a cache are those of an action without its name.
  const parameters = parseNamed(`cache[${text}]`, place)[0]?.parameters;
  const key = parameters?.get("key");
  const countMax = Number(parameters?.get("max-count") ?? 100);
  const maxSeconds = parseSeconds(parameters?.get("max-time") ?? "5m");
  if (key === undefined || !Number.isInteger(countMax) || countMax < 1 || maxSeconds === undefined) {
    throw new Problem(`ignorecache is ${text}`, {
      code: "jails/bad-value",
      where: place,
      hint: 'key="<ip>", max-count=100, max-time=5m',
    });
  }
  return { key, countMax: Math.min(countMax, cacheMax), maxSeconds };
}

/** Answers kept beyond this would be a leak. */
const cacheMax = 10_000;
