// Names that must be alone: groups, policies, and the rules of one kind in one policy.

import { quoted } from "../config/check.ts";
import type { Document } from "../config/document.ts";
import { Problem } from "../core/problem.ts";
import { type RawTable, rawFile, tablesIn, textOf } from "./rules-raw.ts";
import { accessName, accountingName, quotaName } from "./rules-schema.ts";

/** A Problem rules/duplicate-name for each name that stands a second time. */
export function checkNames(document: Document): Problem[] {
  const file = rawFile(document);
  const policies = tablesIn(file, "policies");
  return [
    ...duplicates("groups", tablesIn(file, "groups"), document),
    ...duplicates("policies", policies, document),
    ...policies.flatMap((policy) => [
      ...duplicates("access rules of one policy", tablesIn(policy, "access"), document, accessName),
      ...duplicates("quotas of one policy", tablesIn(policy, "quotas"), document, quotaName),
      ...duplicates("accounting rules of one policy", tablesIn(policy, "accounting"), document, accountingName),
    ]),
  ];
}

function duplicates(
  what: string,
  tables: readonly RawTable[],
  document: Document,
  nameOf?: (index: number) => string,
): Problem[] {
  const first = new Map<string, RawTable>();
  const problems: Problem[] = [];
  for (const [index, table] of tables.entries()) {
    const name = textOf(table, "name") ?? nameOf?.(index);
    if (name === undefined) continue;
    const other = first.get(name);
    if (other === undefined) first.set(name, table);
    else problems.push(duplicate(what, name, table, other, document));
  }
  return problems;
}

function duplicate(what: string, name: string, table: RawTable, other: RawTable, document: Document): Problem {
  const place = (of: RawTable) => document.placeOf([...of.path, "name"]);
  const hint = `names are given once; the other stands at ${place(other)}`;
  return new Problem(`two ${what} are named ${quoted(name)}`, {
    code: "rules/duplicate-name",
    where: place(table),
    hint,
  });
}
