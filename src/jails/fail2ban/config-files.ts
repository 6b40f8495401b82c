// The files of one name (`jail`, `filter.d/sshd`), with what they include, put together as Fail2ban does: a later file
// wins option by option, and what it replaced stays known.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { Problem } from "../../core/problem.ts";
import { type IniSection, parseIni } from "./ini.ts";
import { ConfigTree } from "./interpolation.ts";

/** Includes deeper than this are a ring in disguise. */
const depthMax = 20;

/** Hears of each file before it is read; what it throws ends the reading. */
export type SeeFile = (path: string) => void;

/** Everything the files of `name` say; a Problem when there are none or one cannot be read. */
export function readConfigFiles(directory: string, name: string, sees: SeeFile = () => {}): ConfigTree {
  const base = join(directory, name);
  const own = [`${base}.conf`, ...listed(`${base}.d`, ".conf"), `${base}.local`, ...listed(`${base}.d`, ".local")];
  const read = new Map<string, Map<string, IniSection> | undefined>();
  const order = own.flatMap((path) => withIncludes(path, [], { read, sees }));
  if (order.length === 0) {
    throw new Problem("there is no such file", { code: "jails/unreadable", where: `${base}.conf` });
  }
  const tree = new ConfigTree();
  for (const path of order) {
    const sections = read.get(path);
    if (sections !== undefined) tree.add(sections);
  }
  return tree;
}

function listed(directory: string, end: string): string[] {
  try {
    return readdirSync(directory)
      .filter((file) => file.endsWith(end) && !file.startsWith("."))
      .sort()
      .map((file) => join(directory, file));
  } catch {
    return [];
  }
}

/** The files to read for one file, in order: before, itself, after. Files that are not there are passed over. */
function withIncludes(path: string, chain: readonly string[], reading: Reading): string[] {
  const { read, sees } = reading;
  if (chain.length > depthMax) return [];
  if (!read.has(path)) read.set(path, readOne(path, sees));
  const sections = read.get(path);
  if (sections === undefined) return [];
  const included = (option: string): string[] => {
    const list = new ConfigTree().add(sections).find("INCLUDES", option);
    if (list === undefined) return [];
    return list
      .split("\n")
      .filter((entry) => entry !== "")
      .map((entry) => (isAbsolute(entry) ? entry : join(dirname(path), entry)))
      .flatMap((entry) => [entry, `${entry.replace(/\.conf$/, "")}.local`])
      .filter((entry, i, all) => all.indexOf(entry) === i && entry !== path && !chain.includes(entry))
      .flatMap((entry) => withIncludes(entry, [...chain, path], reading));
  };
  return [...included("before"), path, ...included("after")];
}

interface Reading {
  readonly read: Map<string, Map<string, IniSection> | undefined>;
  readonly sees: SeeFile;
}

function readOne(path: string, sees: SeeFile): Map<string, IniSection> | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch {
    return undefined;
  }
  sees(path);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Problem("the file is not UTF-8", { code: "jails/syntax", where: path });
  }
  return parseIni(text, path);
}
