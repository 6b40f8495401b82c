// How deep groups nest, found from the innermost outwards (Kahn's order), so that no chain of groups can exhaust a stack.

import type { Expression } from "./expression.ts";

/**
 * By name, 1 for a group without groups, otherwise one more than the deepest inside. A group that contains itself, or one
 * that does, has no entry. Names that are not in `members` count for nothing.
 */
export function nestingOf(members: ReadonlyMap<string, readonly (Expression | undefined)[]>): Map<string, number> {
  const nesting = new Map<string, number>();
  const waiting = new Map<string, number>();
  const outer = new Map<string, string[]>();
  const ready: { readonly name: string; readonly depth: number }[] = [];
  for (const [name, expressions] of members) {
    const inner = innerGroups(expressions).filter((each) => members.has(each));
    waiting.set(name, inner.length);
    if (inner.length === 0) ready.push({ name, depth: 1 });
    for (const each of inner) outer.set(each, [...(outer.get(each) ?? []), name]);
  }
  for (let next = ready.shift(); next !== undefined; next = ready.shift()) {
    nesting.set(next.name, next.depth);
    for (const name of outer.get(next.name) ?? []) {
      const left = (waiting.get(name) ?? 0) - 1;
      waiting.set(name, left);
      if (left === 0) ready.push({ name, depth: next.depth + 1 });
    }
  }
  return nesting;
}

function innerGroups(expressions: readonly (Expression | undefined)[]): string[] {
  const names = new Set<string>();
  for (const expression of expressions) {
    if (expression?.kind !== "all") continue;
    for (const { pattern } of expression.items) if (pattern.kind === "group") names.add(pattern.name);
  }
  return [...names];
}
