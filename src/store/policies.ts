// Policies as rows, and the whole set of rules: read for compiling, replaced by a file.

import type { Transaction } from "kysely";
import type { AccessRule, Group, Policy, QuotaRule, RuleSet } from "../core/rules.ts";
import { type AuditEntry, lockRules, writeAudit } from "./audit.ts";
import type { Store } from "./db.ts";
import { applyGroups, readGroups } from "./groups.ts";
import { type ApplyOptions, mergeOrder, movedNames, type NameChanges } from "./rule-changes.ts";
import type { Tables } from "./tables.ts";

export interface RuleChanges {
  readonly policies: NameChanges;
  readonly groups: NameChanges;
}

/** All groups and policies; policies by (priority, order in the file), members in their order. */
export async function readRules(store: Store): Promise<RuleSet> {
  // One snapshot: an apply between two reads must not be seen by half.
  return store.facts
    .transaction()
    .setIsolationLevel("repeatable read")
    .execute(async (tx) => ({ groups: await readGroups(tx), policies: await readPolicies(tx) }));
}

async function readPolicies(tx: Transaction<Tables>): Promise<Policy[]> {
  const rows = await tx.selectFrom("policies").select("body").orderBy("position").orderBy("name").execute();
  // Sorting is stable: equal priorities keep the order of their positions.
  return rows.map((row) => parsePolicy(row.body)).sort((a, b) => a.priority - b.priority);
}

/**
 * Makes the store equal to a file whose rules have been checked: all of it in one transaction, or nothing. Without `prune`, what the file
 * does not name stays, behind the policy that it stood behind. Applying twice changes nothing the second time.
 * Listeners have taken the change when it returns; without a change they hear nothing.
 */
export async function applyRules(store: Store, rules: RuleSet, options: ApplyOptions): Promise<RuleChanges> {
  const changes = await store.facts.transaction().execute(async (tx) => {
    await lockRules(tx, store.engine);
    if (options.checkedAgainst !== undefined) await refuseOutdated(tx, options.checkedAgainst);
    const policies = await applyPolicies(tx, rules.policies, options);
    const groups = await applyGroups(tx, rules.groups, options);
    const detail = options.detail ?? "";
    const entries = [...auditOf("policy", policies, detail), ...auditOf("group", groups, detail)];
    if (options.dryRun !== true) await writeAudit(tx, entries, options);
    return { policies, groups };
  });
  if (options.dryRun !== true && hasChanges(changes)) await store.changes.announce("rules");
  return changes;
}

/** Somebody else changed the groups since the file was checked against them: check again. */
export class OutdatedGroups extends Error {}

/** Throws OutdatedGroups when a file was checked beside other groups than there are. */
async function refuseOutdated(tx: Transaction<Tables>, checked: readonly Group[]): Promise<void> {
  const text = (groups: readonly Group[]) => JSON.stringify(groups.map(({ name, members }) => [name, members]));
  if (text(await readGroups(tx)) !== text(checked)) throw new OutdatedGroups("the groups changed meanwhile");
}

function auditOf(kind: AuditEntry["kind"], changes: NameChanges, detail: string): AuditEntry[] {
  return (["added", "changed", "removed"] as const).flatMap((act) =>
    changes[act].map((name) => ({ kind, name, act, detail })),
  );
}

/** True when anything was added, changed or removed. */
function hasChanges(changes: RuleChanges): boolean {
  return [changes.policies, changes.groups].some(
    ({ added, changed, removed }) => added.length + changed.length + removed.length > 0,
  );
}

async function applyPolicies(
  tx: Transaction<Tables>,
  policies: readonly Policy[],
  options: ApplyOptions,
): Promise<NameChanges> {
  const rows = await tx.selectFrom("policies").selectAll().orderBy("position").orderBy("name").execute();
  const known = new Map(rows.map((row) => [row.name, row]));
  const names = policies.map((policy) => policy.name);
  const order = mergeOrder(
    names,
    rows.map((row) => row.name),
    options.prune,
  );
  const moved = movedNames(
    rows.map((row) => row.name),
    order,
  );
  const bodies = new Map(policies.map((policy) => [policy.name, renderPolicy(policy)]));
  const changed = names.filter(
    (name) => known.has(name) && (known.get(name)?.body !== bodies.get(name) || moved.has(name)),
  );
  const added = names.filter((name) => !known.has(name));
  const removed = rows.map((row) => row.name).filter((name) => !order.includes(name));
  if (options.dryRun === true) return { added, changed, removed };
  for (const name of removed) await tx.deleteFrom("policies").where("name", "=", name).execute();
  for (const [position, name] of order.entries()) {
    const row = known.get(name);
    const body = bodies.get(name) ?? row?.body ?? "";
    if (row !== undefined && row.body === body && row.position === position) continue;
    const stamp =
      row === undefined || row.body !== body
        ? { changed_at: options.now, changed_by: options.by }
        : { changed_at: row.changed_at, changed_by: row.changed_by };
    const values = { position, body, ...stamp };
    await tx
      .insertInto("policies")
      .values({ name, ...values })
      .onConflict((conflict) => conflict.column("name").doUpdateSet(values))
      .execute();
  }
  return { added, changed, removed };
}

/** One text for equal policies, whatever the order in which their fields were made. */
function renderPolicy(policy: Policy): string {
  return JSON.stringify(policy, (_, value: unknown) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** JSON leaves out `onError` where it is undefined; a Policy always has it. */
function parsePolicy(body: string): Policy {
  const policy = JSON.parse(body) as Policy;
  const whole = <R extends Policy | AccessRule | QuotaRule>(rule: R): R => ({ ...rule, onError: rule.onError });
  return { ...whole(policy), access: policy.access.map(whole), quotas: policy.quotas.map(whole) };
}
