// Accounts under watch are members of the watch group as the policy sees it. The group's own members, which people write and export,
// stay as they are (decided 12).

import type { RuleSet } from "../core/rules.ts";
import type { Store } from "../store/db.ts";
import { readWatches } from "../store/watches.ts";
import type { CompileOptions } from "./compiled-rules.ts";
import { parseSpec } from "./match/parse.ts";

/** Accounts under watch, whenever their watch ends: what is over is taken away by the upkeep. */
export async function readWatched(store: Store): Promise<readonly string[]> {
  return (await readWatches(store.facts, 0)).map(({ account }) => account);
}

/** The rules with the watch group made longer; as they are where watches are only recorded, or the group does not exist. */
export function withWatched(
  rules: RuleSet,
  watched: readonly string[],
  { watchGroup }: Pick<CompileOptions, "watchGroup">,
): RuleSet {
  if (watchGroup === undefined || watched.length === 0) return rules;
  const members = watched.filter(isPlain).map((account) => `$${account}`);
  const groups = rules.groups.map((group) =>
    group.name === watchGroup ? { ...group, members: [...group.members, ...members] } : group,
  );
  return { ...rules, groups };
}

/** An account whose name would be a pattern for others is left alone: no name from a log may stand for more than itself. */
function isPlain(account: string): boolean {
  if (account.includes("*")) return false;
  const spec = parseSpec(`$${account}`, "group");
  if (!spec.ok || spec.expression.kind !== "all") return false;
  const [item, ...more] = spec.expression.items;
  return more.length === 0 && item?.negated === false && item.pattern.kind === "login" && item.pattern.glob === account;
}
