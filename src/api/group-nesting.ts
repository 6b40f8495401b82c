// Which groups a member names, and which stand inside a group.

import type { Group } from "../core/rules.ts";
import { parseSpec } from "../policy/match/parse.ts";

/** Groups that a member names directly. */
export function groupsNamed(member: string): readonly string[] {
  if (!member.includes("%")) return [];
  const spec = parseSpec(member, "source");
  return spec.ok ? spec.groups : [];
}

/** The group and all groups inside it. */
export function groupsInside(name: string, groups: readonly Group[]): Set<string> {
  const inside = new Set([name]);
  for (const found of inside) {
    const members = groups.find((group) => group.name === found)?.members ?? [];
    for (const member of members) for (const next of groupsNamed(member)) inside.add(next);
  }
  return inside;
}
