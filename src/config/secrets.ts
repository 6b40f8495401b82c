// Secrets that stand in files of their own: `url_file = "/run/secrets/x"` in the place of `url = "…"`.

import { readFileSync } from "node:fs";
import { Problem } from "../core/problem.ts";
import { keyText } from "./check.ts";
import { leavesOf, type Outline } from "./outline.ts";
import { findTree, printPlace, type Table, type Tree } from "./tree.ts";
import { reasonOf } from "./unreadable.ts";

/** A password, a token or a URL; whatever is larger was named by mistake. */
const secretBytesMax = 64 * 1024;

/**
 * Replaces every `KEY_file` of a secret setting in `table` by `KEY` with the content of that file (one line end at its
 * end is cut). Returns the Problems: unreadable files, and both keys given.
 */
export function readSecrets(table: Table, outline: () => Outline): Problem[] {
  const problems: Problem[] = [];
  if (!namesFiles(table)) return problems;
  for (const { path, outline: setting } of leavesOf(outline())) {
    const section = findTree(table, path.slice(0, -1));
    const key = path.at(-1) ?? "";
    const named = section?.kind === "table" ? section.entries.get(`${key}_file`) : undefined;
    if (setting.secret !== true || section?.kind !== "table" || named === undefined) continue;
    section.entries.delete(`${key}_file`);
    if (section.entries.has(key))
      problems.push(secretProblem(named, `${keyText(path)} and ${key}_file are both given`, "one of them"));
    else readSecret(section, key, named, problems);
  }
  return problems;
}

function namesFiles(tree: Tree): boolean {
  if (tree.kind !== "table") return false;
  for (const [key, entry] of tree.entries) if (key.endsWith("_file") || namesFiles(entry)) return true;
  return false;
}

function readSecret(section: Table, key: string, named: Tree, problems: Problem[]): void {
  if (named.kind !== "leaf" || typeof named.value !== "string") {
    problems.push(secretProblem(named, `${key}_file is no text`, "the path of a file that holds the secret"));
    return;
  }
  try {
    const bytes = readFileSync(named.value);
    if (bytes.length > secretBytesMax) throw new Error(`larger than ${secretBytesMax / 1024} KiB`);
    section.entries.set(key, { kind: "leaf", place: named.place, value: bytes.toString("utf8").replace(/\r?\n$/, "") });
  } catch (error) {
    problems.push(secretProblem(named, `the secret of ${key}_file cannot be read`, reasonOf(error)));
  }
}

function secretProblem(named: Tree, message: string, hint: string): Problem {
  return new Problem(message, { code: "config/secret", where: printPlace(named.place), hint });
}
