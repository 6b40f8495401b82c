// Groups and their members, one member at a time; whole groups come in a policies file.

import * as z from "zod";
import { Problem, Problems } from "../../core/problem.ts";
import type { Group } from "../../core/rules.ts";
import { parseSpec } from "../../policy/match/parse.ts";
import { parseRules } from "../../policy/rules-file.ts";
import type { Store } from "../../store/db.ts";
import { addMembers, readGroups, removeMembers } from "../../store/groups.ts";
import { readRules } from "../../store/policies.ts";
import { endWatch, findWatch, readWatches } from "../../store/watches.ts";
import { authorOf } from "../claimed-by.ts";
import {
  type GroupAnswer,
  type GroupChangeAnswer,
  groupAnswer,
  groupChangeAnswer,
  groupChangeRequest,
  groupList,
  groupQuery,
} from "../contract.ts";
import { groupsInside, groupsNamed } from "../group-nesting.ts";
import { parseCursor, printCursor } from "../page.ts";
import type { ApiParts } from "../parts.ts";
import { route } from "../route.ts";

type ChangeRequest = z.output<typeof groupChangeRequest>;

export const groupRoutes = [
  route({
    method: "GET",
    path: "/groups",
    help: "All groups, without their members.",
    input: z.strictObject({}),
    answer: groupList,
    run: async ({ store }) => ({ groups: (await readGroups(store.facts)).map(headOf) }),
  }),
  route({
    method: "GET",
    path: "/groups/show",
    help: "One group with its members, at most 500 a page, and who uses it.",
    input: groupQuery,
    answer: groupAnswer,
    run: showGroup,
  }),
  route({
    method: "POST",
    path: "/groups/add",
    help: "Adds members to a group; the next question is answered with them. Adding one twice changes nothing.",
    input: groupChangeRequest,
    answer: groupChangeAnswer,
    run: (parts, request) => changeMembers(parts, request, "add"),
  }),
  route({
    method: "POST",
    path: "/groups/remove",
    help: "Removes members from a group.",
    input: groupChangeRequest,
    answer: groupChangeAnswer,
    run: (parts, request) => changeMembers(parts, request, "remove"),
  }),
];

function headOf({ name, enabled, comment, members }: Group) {
  return { name, enabled, comment, members: members.length };
}

async function showGroup(
  { store, accounts, clock }: ApiParts,
  query: z.output<typeof groupQuery>,
): Promise<GroupAnswer> {
  const rules = await readRules(store);
  const group = rules.groups.find(({ name }) => name === query.name);
  if (group === undefined) throw unknownGroup(query.name);
  const offset = Number(parseCursor(query.cursor) ?? 0);
  const list = await membersAt(
    store,
    query.name,
    Number.isSafeInteger(offset) && offset >= 0 ? offset : 0,
    query.limit,
  );
  const end = offset + list.length;
  const isLast = end >= group.members.length;
  const watched = isLast && accounts.mode === "enforce" && query.name === accounts.watchGroup;
  if (watched) {
    const watches = await readWatches(store.facts, clock.now());
    list.push(...watches.map(({ account }) => ({ member: `$${account}`, origin: "watch" as const })));
  }
  const usesOf = (member: string | null) =>
    groupsNamed(member ?? "").some((name) => groupsInside(name, rules.groups).has(query.name));
  const users = rules.policies.filter(({ members }) => members.some((m) => usesOf(m.source) || usesOf(m.destination)));
  const inside = groupsInside(query.name, rules.groups);
  inside.delete(query.name);
  return {
    ...headOf(group),
    list,
    nested: [...inside],
    used_by: users.map(({ name }) => name),
    next: !isLast && list.length > 0 ? printCursor(String(end)) : null,
  };
}

/** In the order of `readGroups`: the file's first. */
async function membersAt(store: Store, name: string, offset: number, limit: number): Promise<GroupAnswer["list"]> {
  const rows = await store.facts
    .selectFrom("group_members")
    .select(["member", "origin"])
    .where("group_name", "=", name)
    .orderBy("origin", "desc")
    .orderBy("position")
    .orderBy("member")
    .offset(offset)
    .limit(limit)
    .execute();
  return rows.map(({ member, origin }) => ({ member, origin: origin === "added" ? "added" : "file" }));
}

/** Throws Problems for members that cannot be read, and for groups that do not exist or would hold themselves. */
function checkMembers(name: string, members: readonly string[], groups: readonly Group[]): void {
  const group = groups.find((one) => one.name === name);
  if (group === undefined) throw unknownGroup(name);
  const problems = members.flatMap((member) => {
    const spec = parseSpec(member, "group");
    return spec.ok ? [] : [new Problem(spec.message, { code: "rules/bad-member", where: member, hint: spec.hint })];
  });
  if (problems.length > 0) throw new Problems(problems);
  // Only members that name groups matter here; a group may have ten thousand others.
  const naming = [...group.members, ...members].filter((member) => member.includes("%"));
  if (naming.length === 0) return;
  try {
    parseRules(JSON.stringify({ groups: [{ name: group.name, members: naming }] }), group.name, groups);
  } catch (error) {
    if (!(error instanceof Problems)) throw error;
    throw new Problems(
      error.list.map(({ message, code, hint }) => new Problem(message, { code, where: `%${group.name}`, hint })),
    );
  }
}

async function changeMembers(
  parts: ApiParts,
  request: ChangeRequest,
  verb: "add" | "remove",
): Promise<GroupChangeAnswer> {
  const { name } = request;
  const members = [...new Set(request.members)];
  const check = verb === "add" ? (groups: readonly Group[]) => checkMembers(name, members, groups) : () => undefined;
  const changed = request.dry_run
    ? await wouldChange(parts, { name, members, verb, check })
    : await makeChange(parts, { name, members, verb, check, by: request.by });
  const unchanged = members.filter((member) => !changed.includes(member));
  return { dry_run: request.dry_run, name, changed: [...changed], unchanged };
}

interface Change {
  readonly name: string;
  readonly members: readonly string[];
  readonly verb: "add" | "remove";
  readonly check: (groups: readonly Group[]) => void;
}

async function makeChange(parts: ApiParts, { name, members, verb, check, by }: Change & { readonly by: string }) {
  const author = authorOf(by, parts.clock.now());
  const write = verb === "add" ? addMembers : removeMembers;
  const own = await write(parts.store, { group: name, members, check, ...author });
  const ended: string[] = [];
  for (const [member, account] of watchedMembers(parts, { name, members, verb }))
    if (await endWatch(parts.store, account, author)) ended.push(member);
  const changed = [...new Set([...own, ...ended])];
  if (changed.length > 0) {
    parts.log.info(`group_${verb}`, { group: name, members: changed.join(" "), by: author.by });
  }
  return changed;
}

/** An account under watch is no member that could be removed: its watch ends (decided 12). */
function watchedMembers(
  { accounts, canonical }: ApiParts,
  { name, members, verb }: Pick<Change, "name" | "members" | "verb">,
): readonly (readonly [member: string, account: string])[] {
  if (verb === "add" || name !== accounts.watchGroup) return [];
  return members.filter((member) => member.startsWith("$")).map((member) => [member, canonical(member.slice(1))]);
}

async function wouldChange(parts: ApiParts, { name, members, verb, check }: Change): Promise<readonly string[]> {
  const { store } = parts;
  check(await readGroups(store.facts));
  const changed = new Set<string>();
  for (const member of members) {
    if ((await isMember(store, name, member)) === (verb === "remove")) changed.add(member);
  }
  for (const [member, account] of watchedMembers(parts, { name, members, verb }))
    if ((await findWatch(store.facts, account)) !== undefined) changed.add(member);
  return [...changed];
}

async function isMember(store: Store, name: string, member: string): Promise<boolean> {
  const group = await store.facts.selectFrom("groups").select("name").where("name", "=", name).executeTakeFirst();
  if (group === undefined) throw unknownGroup(name);
  const row = await store.facts
    .selectFrom("group_members")
    .select("member")
    .where("group_name", "=", name)
    .where("member", "=", member)
    .executeTakeFirst();
  return row !== undefined;
}

function unknownGroup(name: string): Problem {
  return new Problem("no group has this name", {
    code: "group/unknown",
    where: name,
    hint: "`postvarta group list` prints them",
  });
}
