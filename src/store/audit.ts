// Who changed what, and when: one row a change, written in the transaction that makes it. Explain asks it for the last ones.

import { randomBytes } from "node:crypto";
import { type Kysely, type Selectable, sql } from "kysely";
import type { Store } from "./db.ts";
import { partsOf } from "./row-parts.ts";
import type { Tables } from "./tables.ts";

/** Rows that are kept; the oldest go first. Ten years of thirty changes a day. */
const auditRowsMax = 100_000;

/** Longer details are cut: a change of ten thousand members is told by its first ones. */
const detailMax = 500;

/** Who changes something. */
export interface Author {
  /** As it is known, e.g. `cli:olena (claimed)`. */
  readonly by: string;
  /** The way in: `control socket`. */
  readonly via?: string;
  /** ms since the epoch. */
  readonly now: number;
}

/** A counter's name is `policy/quota/track key`. */
export interface AuditSubject {
  readonly kind: "policy" | "group" | "counter" | "ban" | "trust" | "account";
  readonly name: string;
}

export interface AuditEntry extends AuditSubject {
  readonly act: "added" | "changed" | "removed" | "raised" | "reset";
  readonly detail: string;
}

export interface AuditRow extends AuditEntry {
  readonly at: number;
  readonly by: string;
  readonly via: string;
}

/** Writes entries in their order, as one author's at one time. */
export async function writeAudit(
  db: Kysely<Tables>,
  entries: readonly AuditEntry[],
  { by, via = "", now }: Author,
): Promise<void> {
  const lot = randomBytes(6).toString("hex");
  const rows = entries.map(({ kind, name, act, detail }, i) => {
    const id = `${now}-${lot}-${String(i).padStart(6, "0")}`;
    return { id, at: now, changed_by: by, via, act, kind, name, detail: shorten(detail) };
  });
  for (const part of partsOf(rows)) await db.insertInto("audit").values(part).execute();
}

function shorten(detail: string): string {
  return detail.length <= detailMax ? detail : `${detail.slice(0, detailMax - 1)}…`;
}

/** The newest changes of a subject, newest first, at most `limit`. */
export async function findAudit(store: Store, { kind, name }: AuditSubject, limit: number): Promise<AuditRow[]> {
  const rows = await store.facts
    .selectFrom("audit")
    .selectAll()
    .where("kind", "=", kind)
    .where("name", "=", name)
    .orderBy("at", "desc")
    .orderBy("id", "desc")
    .limit(limit)
    .execute();
  return rows.map(toAuditRow);
}

function toAuditRow({ at, changed_by, via, act, kind, name, detail }: Selectable<Tables["audit"]>): AuditRow {
  return {
    ...{ at, by: changed_by, via, name, detail },
    act: act as AuditRow["act"],
    kind: kind as AuditRow["kind"],
  };
}

/** Forgets all but the newest `keep`; returns how many. */
export async function pruneAudit(store: Store, keep = auditRowsMax): Promise<number> {
  const edge = await store.facts
    .selectFrom("audit")
    .select(["at", "id"])
    .orderBy("at", "desc")
    .orderBy("id", "desc")
    .offset(keep)
    .limit(1)
    .executeTakeFirst();
  if (edge === undefined) return 0;
  const { numDeletedRows } = await store.facts
    .deleteFrom("audit")
    .where(({ eb, refTuple, tuple }) => eb(refTuple("at", "id"), "<=", tuple(edge.at, edge.id)))
    .executeTakeFirst();
  return Number(numDeletedRows);
}

/**
 * Lets one change of the rules at a time into the store: the second waits, and sees what the first left. On SQLite every transaction
 * of the facts is alone already. Readers and questions wait for nothing.
 */
export async function lockRules(tx: Kysely<Tables>, engine: Store["engine"]): Promise<void> {
  if (engine !== "postgres") return;
  await sql`lock table policies, groups, group_members in share row exclusive mode`.execute(tx);
}
