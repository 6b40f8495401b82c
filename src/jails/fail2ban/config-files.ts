// The files of one name (`jail`, `filter.d/sshd`), with what they include, put together as Fail2ban does: a later file
// wins option by option, and what it replaced stays known.

import { readdirSync, readFileSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import { Problem } from "../../core/problem.ts";
import { type IniSection, parseIni } from "./ini.ts";
import { ConfigTree } from "./interpolation.ts";

/** Includes deeper than this are a ring in disguise. */
const depthMax = 20;

/** Everything the files of `name` say; a Problem when there are none or one cannot be read. */
export function readConfigFiles(directory: string, name: string): ConfigTree {
  const base = join(directory, name);
  const own = [`${base}.conf`, ...listed(`${base}.d`, ".conf"), `${base}.local`, ...listed(`${base}.d`, ".local")];
  const read = new Map<string, Map<string, IniSection> | undefined>();
  const order = own.flatMap((path) => withIncludes(path, [], read));
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
function withIncludes(
  path: string,
  chain: readonly string[],
  read: Map<string, Map<string, IniSection> | undefined>,
): string[] {
  if (chain.length > depthMax) return [];
  if (!read.has(path)) read.set(path, readOne(path));
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
      .flatMap((entry) => withIncludes(entry, [...chain, path], read));
  };
  return [...included("before"), path, ...included("after")];
}

function readOne(path: string): Map<string, IniSection> | undefined {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch {
    return undefined;
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Problem("the file is not UTF-8", { code: "jails/syntax", where: path });
  }
  return parseIni(text, path);
}
