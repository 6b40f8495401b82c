// What applying a file changes, and the order of rules when it names only some of them.

export interface NameChanges {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
}

export interface ApplyOptions {
  /** Also removes what the file does not name, and members that `group add` put there. */
  readonly prune: boolean;
  /** Works out what would change, and changes nothing. */
  readonly dryRun?: boolean;
  /** Who, for the record. */
  readonly by: string;
  /** ms since the epoch. */
  readonly now: number;
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
