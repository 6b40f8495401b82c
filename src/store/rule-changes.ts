// What applying a file changes, and the order of rules when it names only some of them.

import type { Group } from "../core/rules.ts";
import type { Author } from "./audit.ts";

export interface NameChanges {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
}

export interface ApplyOptions extends Author {
  /** Also removes what the file does not name, and members that `group add` put there. */
  readonly prune: boolean;
  /** Works out what would change, and changes nothing. */
  readonly dryRun?: boolean;
  /** What the audit tells beside the name, e.g. the file. */
  readonly detail?: string;
  /** The groups beside which the file was checked; when others are there meanwhile, applying throws OutdatedGroups and changes nothing. */
  readonly checkedAgainst?: readonly Group[];
}

/**
 * The file's order, and into it those that only the store has (unless `prune`), each right behind the one that it stood behind.
 * Merging the same file again gives the same order.
 */
export function mergeOrder(file: readonly string[], stored: readonly string[], prune: boolean): readonly string[] {
  const order = [...file];
  if (prune) return order;
  const inFile = new Set(file);
  for (const [i, name] of stored.entries()) {
    if (inFile.has(name)) continue;
    const before = stored[i - 1];
    order.splice(before === undefined ? 0 : order.indexOf(before) + 1, 0, name);
  }
  return order;
}

/** Names in both orders that do not stand in the same sequence any more. */
export function movedNames(before: readonly string[], after: readonly string[]): ReadonlySet<string> {
  const kept = new Set(after);
  const old = before.filter((name) => kept.has(name));
  const had = new Set(before);
  const fresh = after.filter((name) => had.has(name));
  return new Set(fresh.filter((name, i) => old[i] !== name));
}
