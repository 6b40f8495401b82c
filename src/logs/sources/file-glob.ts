// Which paths a pattern means: `*`, `?` and `[…]` in any part of a path, looked up again and again because logs come and go.

import { readdirSync } from "node:fs";
import { dirname } from "node:path";

/** Paths of one pattern, and directories that are looked into. */
export const pathsMax = 256;
const directoriesMax = 64;

export interface Expansion {
  readonly paths: readonly string[];
  /** Where a new path could appear. */
  readonly directories: readonly string[];
}

/** Existing paths of a pattern, in order of their names, at most `pathsMax`; a path without wildcards is always among them. */
export function expandGlob(pattern: string): Expansion {
  if (!/[*?[]/.test(pattern)) return { paths: [pattern], directories: [dirname(pattern)] };
  const parts = pattern.split("/");
  const looked = new Set<string>();
  let found: readonly string[] = [parts[0] ?? ""];
  for (const part of parts.slice(1)) {
    found = /[*?[]/.test(part)
      ? found.flatMap((directory) => namesIn(directory, part, looked))
      : found.map((directory) => `${directory}/${part}`);
  }
  return { paths: found.slice(0, pathsMax), directories: [...looked] };
}

function namesIn(directory: string, part: string, looked: Set<string>): readonly string[] {
  const path = directory === "" ? "/" : directory;
  if (looked.size >= directoriesMax) return [];
  looked.add(path);
  try {
    const matches = globRegex(part);
    return readdirSync(path)
      .filter((name) => matches.test(name) && (part.startsWith(".") || !name.startsWith(".")))
      .sort()
      .slice(0, pathsMax)
      .map((name) => `${directory}/${name}`);
  } catch {
    return [];
  }
}

/** `[!x]` is not x, as in sh(1). */
function globRegex(part: string): RegExp {
  const source = part.replace(/\[[!^]?[^\]]+\]|[\s\S]/g, (token) => {
    if (token === "*") return "[^/]*";
    if (token === "?") return "[^/]";
    if (token.length > 2) {
      const isNot = token[1] === "!" || token[1] === "^";
      return `[${isNot ? "^" : ""}${token.slice(isNot ? 2 : 1, -1).replace(/[\\^]/g, "\\$&")}]`;
    }
    return token.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
  });
  return new RegExp(`^${source}$`, "s");
}
