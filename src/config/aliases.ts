// The file that `[accounts] aliases` names.

import { type Alias, parseAliases } from "../core/account.ts";
import { Problem, Problems } from "../core/problem.ts";
import { readText } from "./config.ts";

/** The pairs of an aliases file; none when `file` is empty. Throws Problems with every line that is no alias. */
export function readAliases(file: string): readonly Alias[] {
  if (file === "") return [];
  const { aliases, problems } = parseAliases(readAliasText(file), file);
  if (problems.length > 0) throw new Problems(problems);
  return aliases;
}

function readAliasText(file: string): string {
  try {
    return readText(file);
  } catch (error) {
    throw error instanceof Problem ? new Problems([error]) : error;
  }
}
