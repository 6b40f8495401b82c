// Groups and their members. A member is the file's (`policy apply`) or was added by hand (`group add`); only --prune takes the latter.

import type { Kysely, Transaction } from "kysely";
import { Problem } from "../core/problem.ts";
import type { Group } from "../core/rules.ts";
import { type Author, lockRules, writeAudit } from "./audit.ts";
import type { Store } from "./db.ts";
import { partsOf } from "./row-parts.ts";
import { type ApplyOptions, mergeOrder, movedNames, type NameChanges } from "./rule-changes.ts";
import type { Tables } from "./tables.ts";

/** Members to add or remove, as one change. */
export interface MemberChange extends Author {
  readonly group: string;
  readonly members: readonly string[];
  /** Asked of the groups as they stand in the same transaction; what it throws changes nothing. */
  readonly check?: (groups: readonly Group[]) => void;
}

/** All groups in their order, members of the file first. */
export async function readGroups(db: Kysely<Tables>): Promise<Group[]> {
  const rows = await db.selectFrom("groups").selectAll().orderBy("position").orderBy("name").execute();
  const members = await readMembers(db);
  return rows.map((row) => ({
    name: row.name,
    enabled: row.enabled !== 0,
    comment: row.comment,
    members: (members.get(row.name) ?? []).map((member) => member.member),
  }));
}

/** Adds members by hand; returns those that were not there. Problem `group/unknown` when the group is not. */
export function addMembers(store: Store, change: MemberChange): Promise<readonly string[]> {
  return changeMembers(store, change, "add", async (tx, member) => {
    const outcome = await tx
      .insertInto("group_members")
      .columns(["group_name", "member", "position", "origin"])
      .expression((eb) =>
        eb
          .selectFrom("group_members")
          .where("group_name", "=", change.group)
          .select(({ val, fn }) => [
            val(change.group).as("group_name"),
            val(member).as("member"),
            eb(fn.coalesce(fn.max("position"), val(-1)), "+", 1).as("position"),
            val("added").as("origin"),
          ]),
      )
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst();
    return Number(outcome.numInsertedOrUpdatedRows ?? 0) > 0;
  });
}

/** Removes members, whoever put them there; returns those that were there. Problem `group/unknown` when the group is not. */
export function removeMembers(store: Store, change: MemberChange): Promise<readonly string[]> {
  return changeMembers(store, change, "remove", async (tx, member) => {
    const outcome = await tx
      .deleteFrom("group_members")
      .where("group_name", "=", change.group)
      .where("member", "=", member)
      .executeTakeFirst();
    return outcome.numDeletedRows > 0n;
  });
}

/** All in one transaction, told once: rules are compiled once, however many members come. */
async function changeMembers(
  store: Store,
  change: MemberChange,
  verb: "add" | "remove",
  write: (tx: Transaction<Tables>, member: string) => Promise<boolean>,
): Promise<readonly string[]> {
  const { group: name } = change;
  const changed = await store.facts.transaction().execute(async (tx) => {
    await lockRules(tx, store.engine);
    const group = await tx.selectFrom("groups").select("name").where("name", "=", name).executeTakeFirst();
    if (group === undefined)
      throw new Problem(`No group has the name ${name}`, {
        code: "group/unknown",
        hint: "postvarta group list shows them",
      });
    change.check?.(await readGroups(tx));
    const done: string[] = [];
    for (const member of new Set(change.members)) if (await write(tx, member)) done.push(member);
    if (done.length === 0) return done;
    await tx
      .updateTable("groups")
      .set({ changed_at: change.now, changed_by: change.by })
      .where("name", "=", name)
      .execute();
    await writeAudit(tx, [{ kind: "group", name, act: "changed", detail: `${verb} ${done.join(" ")}` }], change);
    return done;
  });
  if (changed.length > 0) await store.changes.announce("rules");
  return changed;
}

/** The groups' part of applyRules. */
export async function applyGroups(
  tx: Transaction<Tables>,
  groups: readonly Group[],
  options: ApplyOptions,
): Promise<NameChanges> {
  const rows = await tx.selectFrom("groups").selectAll().orderBy("position").orderBy("name").execute();
  const stored = rows.map((row) => row.name);
  const known = new Map(rows.map((row) => [row.name, row]));
  const members = await readMembers(tx);
  const names = groups.map((group) => group.name);
  const order = mergeOrder(names, stored, options.prune);
  const moved = movedNames(stored, order);
  const differing = groups.filter((group) =>
    differs(group, known.get(group.name), members.get(group.name) ?? [], options.prune),
  );
  const added = names.filter((name) => !known.has(name));
  const changed = names.filter(
    (name) => known.has(name) && (moved.has(name) || differing.some((group) => group.name === name)),
  );
  const removed = stored.filter((name) => !order.includes(name));
  if (options.dryRun === true) return { added, changed, removed };
  for (const name of removed) await tx.deleteFrom("groups").where("name", "=", name).execute();
  for (const group of differing) await writeGroup(tx, group, members.get(group.name) ?? [], options);
  for (const [position, name] of order.entries()) {
    if (known.get(name)?.position !== position)
      await tx.updateTable("groups").set({ position }).where("name", "=", name).execute();
  }
  return { added, changed, removed };
}

interface StoredMember {
  readonly member: string;
  readonly origin: string;
}

async function readMembers(db: Kysely<Tables>): Promise<ReadonlyMap<string, readonly StoredMember[]>> {
  // 'file' sorts behind 'added', hence the descending order.
  const rows = await db
    .selectFrom("group_members")
    .selectAll()
    .orderBy("group_name")
    .orderBy("origin", "desc")
    .orderBy("position")
    .orderBy("member")
    .execute();
  return Map.groupBy(rows, (row) => row.group_name);
}

function differs(
  group: Group,
  row: { enabled: number; comment: string } | undefined,
  stored: readonly StoredMember[],
  prune: boolean,
): boolean {
  if (row === undefined || row.enabled !== Number(group.enabled) || row.comment !== group.comment) return true;
  const own = stored.filter((member) => member.origin === "file").map((member) => member.member);
  if (prune && own.length < stored.length) return true;
  const wanted = [...new Set(group.members)];
  return own.length !== wanted.length || own.some((member, i) => member !== wanted[i]);
}

/** The row and the file's members; members added by hand stay unless `prune`, and are the file's once it names them. */
async function writeGroup(
  tx: Transaction<Tables>,
  group: Group,
  stored: readonly StoredMember[],
  options: ApplyOptions,
): Promise<void> {
  const row = {
    enabled: Number(group.enabled),
    comment: group.comment,
    changed_at: options.now,
    changed_by: options.by,
  };
  await tx
    .insertInto("groups")
    .values({ name: group.name, position: 0, ...row })
    .onConflict((conflict) => conflict.column("name").doUpdateSet(row))
    .execute();
  const own = [...new Set(group.members)].map((member) => ({ member, origin: "file" }));
  const wanted = new Set(group.members);
  const kept = options.prune ? [] : stored.filter((member) => member.origin === "added" && !wanted.has(member.member));
  await tx.deleteFrom("group_members").where("group_name", "=", group.name).execute();
  const members = [...own, ...kept].map(({ member, origin }, position) => ({
    group_name: group.name,
    member,
    position,
    origin,
  }));
  for (const part of partsOf(members)) {
    await tx.insertInto("group_members").values(part).execute();
  }
}
