// The member language in a policies file: every member is read, every %group it names must exist, and no group may
// contain itself.

import { keyText, problemsMax, quoted } from "../config/check.ts";
import type { Document } from "../config/document.ts";
import { orList } from "../config/outline.ts";
import type { Path } from "../config/tree.ts";
import { nearest } from "../core/nearest.ts";
import { Problem } from "../core/problem.ts";
import type { Group } from "../core/rules.ts";
import { parseSpec } from "./match/parse.ts";
import { rawFile, tablesIn, textOf, textsIn } from "./rules-raw.ts";
import type { Findings } from "./rules-text.ts";

/** A chain of this many groups is read; more are nobody's lists (cluebringer stops at 6). */
const nestingMax = 32;

/** So many group names are listed in a hint. */
const namesShown = 10;

export type KnownGroup = Pick<Group, "name" | "members">;

/** A group, where it stands, and the groups it names. */
interface Node {
  readonly name: string;
  readonly where: string;
  readonly names: Set<string>;
}

/** Findings of all members and groups of a file; `known` are groups outside of it that it may name. */
export function checkGroups(document: Document, known: readonly KnownGroup[]): Findings {
  const findings: Findings = { problems: [], warnings: [] };
  const uses: { name: string; where: string }[] = [];
  const graph = new Map<string, Node>();
  for (const { name, members } of known)
    graph.set(name, { name, where: document.placeOf([]), names: namesIn(members) });
  const file = rawFile(document);
  const own = new Map<string, Node>();
  for (const group of tablesIn(file, "groups")) {
    const name = textOf(group, "name") ?? "";
    const node: Node = own.get(name) ?? { name, where: document.placeOf([...group.path, "name"]), names: new Set() };
    own.set(name, node);
    for (const { text, path } of textsIn(group, "members")) {
      for (const named of readMember(text, "group", path, document, findings)) {
        node.names.add(named);
        uses.push({ name: named, where: document.placeOf(path) });
      }
    }
  }
  for (const [name, node] of own) if (name !== "") graph.set(name, node);
  for (const policy of tablesIn(file, "policies")) {
    for (const member of tablesIn(policy, "members")) {
      for (const side of ["source", "destination"] as const) {
        const text = textOf(member, side);
        const path = [...member.path, side];
        if (text === undefined) continue;
        for (const name of readMember(text, side, path, document, findings))
          uses.push({ name, where: document.placeOf(path) });
      }
    }
  }
  findings.problems.push(...unknownGroups(uses, [...graph.keys()]), ...nestingProblems(graph));
  return findings;
}

/** The groups a member names; what is wrong or odd with it goes to `findings`. */
function readMember(
  text: string,
  side: "source" | "destination" | "group",
  path: Path,
  document: Document,
  findings: Findings,
): readonly string[] {
  const spec = parseSpec(text, side);
  const told = (message: string, hint?: string) =>
    new Problem(`${keyText(path)}: ${message}`, { code: "rules/bad-member", where: document.placeOf(path), hint });
  if (!spec.ok) {
    findings.problems.push(told(spec.message, spec.hint));
    return [];
  }
  for (const warning of spec.warnings) findings.warnings.push(told(warning));
  return spec.groups;
}

function namesIn(members: readonly string[]): Set<string> {
  const names = new Set<string>();
  for (const member of members) {
    // Most members are no groups; reading all members of large groups of the store would cost a second.
    if (!member.includes("%")) continue;
    const spec = parseSpec(member, "group");
    if (spec.ok) for (const name of spec.groups) names.add(name);
  }
  return names;
}

function unknownGroups(uses: readonly { name: string; where: string }[], names: readonly string[]): Problem[] {
  const there = new Set(names);
  return uses
    .filter(({ name }) => !there.has(name))
    .slice(0, problemsMax)
    .map(({ name, where }) => {
      const hint = unknownHint(name, names);
      return new Problem(`group ${quoted(`%${name}`)} does not exist`, { code: "rules/unknown-group", where, hint });
    });
}

function unknownHint(name: string, names: readonly string[]): string {
  const near = nearest(name, names);
  if (near !== undefined) return `did you mean "%${near}"?`;
  if (names.length === 0) return "there is no group yet: add a [[groups]] entry";
  if (names.length > namesShown) return "add a [[groups]] entry with this name";
  return `known groups: ${orList(names.map((known) => `%${known}`))}`;
}

/**
 * Groups are taken away from the innermost outwards (Kahn 1962); those that stay lie on a cycle or lead to one.
 * Without recursion, because a chain may be as long as the file.
 */
function nestingProblems(graph: ReadonlyMap<string, Node>): Problem[] {
  const users = new Map<string, Node[]>();
  const open = new Map<string, number>();
  for (const node of graph.values()) {
    const inner = [...node.names].filter((name) => graph.has(name));
    open.set(node.name, inner.length);
    for (const name of inner) {
      const others = users.get(name);
      if (others === undefined) users.set(name, [node]);
      else others.push(node);
    }
  }
  const depths = new Map<string, number>();
  const ready = [...graph.values()].filter((node) => open.get(node.name) === 0);
  for (const node of ready) {
    const depth = 1 + Math.max(0, ...[...node.names].map((name) => depths.get(name) ?? 0));
    depths.set(node.name, depth);
    for (const user of users.get(node.name) ?? []) {
      const rest = (open.get(user.name) ?? 0) - 1;
      open.set(user.name, rest);
      if (rest === 0) ready.push(user);
    }
  }
  const deep = [...graph.values()].filter((node) => depths.get(node.name) === nestingMax + 1).map(tooDeep);
  return [...deep, ...cyclesAmong(graph, depths)];
}

function tooDeep(node: Node): Problem {
  const message = `group ${quoted(node.name)} nests other groups more than ${nestingMax} deep`;
  return new Problem(message, { code: "rules/group-cycle", where: node.where, hint: `at most ${nestingMax} deep` });
}

/** One Problem for each cycle that is met by walking on from each group that has no depth. */
function cyclesAmong(graph: ReadonlyMap<string, Node>, depths: ReadonlyMap<string, number>): Problem[] {
  const problems: Problem[] = [];
  const walked = new Set<string>();
  for (const start of graph.values()) {
    const way: Node[] = [];
    let node: Node | undefined = depths.has(start.name) ? undefined : start;
    while (node !== undefined && !walked.has(node.name)) {
      walked.add(node.name);
      way.push(node);
      const next: string | undefined = [...node.names].find((name) => graph.has(name) && !depths.has(name));
      node = next === undefined ? undefined : graph.get(next);
    }
    const from = node === undefined ? -1 : way.indexOf(node);
    if (from >= 0) problems.push(cycle(way.slice(from)));
  }
  return problems;
}

function cycle(nodes: readonly Node[]): Problem {
  const [first] = nodes;
  const chain = [...nodes, ...nodes.slice(0, 1)].map(({ name }) => name).join(" → ");
  return new Problem(`group ${quoted(first?.name ?? "")} contains itself: ${chain}`, {
    code: "rules/group-cycle",
    where: first?.where,
    hint: "take one of these groups out of another",
  });
}
