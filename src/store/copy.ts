// A store copied into another one, whatever their engines: `store copy`. Offline; all of it in one transaction, or nothing.

import { type Kysely, sql } from "kysely";
import type { Clock } from "../core/clock.ts";
import { Problem } from "../core/problem.ts";
import { lookAtTarget } from "./copy-target.ts";
import type { Store } from "./db.ts";
import { nodeLockClass } from "./engines/pg-line.ts";
import { escapeNul, unescapeNul, withoutNul } from "./engines/pg-text.ts";
import { openStore } from "./open.ts";
import type { Tables } from "./tables.ts";

/** Rows read and written at a time; SQLite takes 32 766 values in a statement. */
const pageRows = 1_000;

/** What a store holds, in an order in which rows may be added. The journal is folded when a store opens; migrations are each store's own. */
export const copiedTables = [
  "meta",
  "policies",
  "groups",
  "group_members",
  "raises",
  "audit",
  "cells",
  "open_messages",
  "decisions",
  "places",
  "log_counts",
  "notices",
  "deliveries",
  "bans",
  "ban_history",
  "ban_changes",
  "commanded_bans",
  "trusts",
  "failures",
  "good_logins",
  "account_histories",
  "account_mails",
  "account_events",
  "account_site",
  "account_told",
  "node_roles",
  "account_levels",
  "watches",
  "watch_pauses",
  "account_marks",
  "freezes",
  "containments",
  "containment_orders",
  "containment_parts",
  "account_looks",
] as const satisfies readonly (keyof Tables)[];

type CopiedTable = (typeof copiedTables)[number];
type Row = Record<string, unknown>;

/** Columns that PostgreSQL keeps with NUL written otherwise (engines/pg-text.ts), because they are looked up or read back. */
const escapedColumns: ReadonlySet<string> = new Set(["cells.key", "open_messages.id", "open_messages.body"]);

export interface CopyOptions {
  readonly clock: Clock;
  /** This node's name: open messages in an SQLite store are its own. */
  readonly node: string;
  /** Empties the target first, and does not ask whether nodes use it. */
  readonly force: boolean;
  /** Only counts what there is to copy, and looks whether the target would take it; nothing is made or changed. */
  readonly dryRun: boolean;
  /** Told after each page. */
  readonly onProgress?: (done: number, total: number) => void;
}

export type RowCounts = Readonly<Record<CopiedTable, number>>;

/**
 * Copies every row of `from` to `to` (URLs as in `[store] url`) and compares the counts at the end. Throws a Problem: store/not-empty,
 * store/locked (also while a node is connected), store/unusable (no such source), store/url, store/newer.
 */
export async function copyStore(from: string, to: string, options: CopyOptions): Promise<RowCounts> {
  await using source = await open(from, options, true);
  await refuseNodes(source, "FROM", options);
  const counts = await countRows(source.facts);
  if (options.dryRun) {
    await rehearse(to, options);
    return counts;
  }
  await using target = await open(to, options, false);
  await refuseNodes(target, "TO", options);
  await target.facts.transaction().execute(async (tx) => {
    await makeEmpty(tx, options.force);
    await copyRows(source, { tx, engine: target.engine }, counts, options);
    if (target.engine === "postgres") await numberBehind(tx);
    const copied = await countRows(tx);
    for (const table of copiedTables) {
      if (copied[table] !== counts[table])
        throw new Error(`${table}: ${counts[table]} rows were read and ${copied[table]} are there; nothing was kept`);
    }
  });
  return counts;
}

/** Throws what the copy would throw for the target. */
async function rehearse(to: string, { force }: CopyOptions): Promise<void> {
  const { rows, nodes } = await lookAtTarget(to, copiedTables);
  if (force) return;
  if (nodes > 0) throw inUse(nodes, "TO");
  refuseFull((table) => rows.get(table) ?? 0);
}

function open(url: string, { clock, node }: CopyOptions, mustExist: boolean): Promise<Store> {
  // On PostgreSQL a name is held by one process; the node's own may be running on another store.
  const name = /^postgres(ql)?:/.test(url) ? "store copy" : node;
  return openStore(url, { clock, node: name, mustExist, maxCellsInMemory: 0 });
}

/** SQLite says by itself that a daemon holds it. */
async function refuseNodes(store: Store, where: string, { force }: CopyOptions): Promise<void> {
  if (store.engine !== "postgres" || force) return;
  const { rows } = await sql<{ others: number }>`select count(*) as others from pg_locks
    where locktype = 'advisory' and classid = ${nodeLockClass} and objid::bigint <> (hashtext('store copy')::bigint & 4294967295)
      and database = (select oid from pg_database where datname = current_database())`.execute(store.facts);
  const others = rows[0]?.others ?? 0;
  if (others === 0) return;
  throw inUse(others, where);
}

function inUse(nodes: number, where: string): Problem {
  return new Problem(`${nodes === 1 ? "A node uses" : `${nodes} nodes use`} this store`, {
    code: "store/locked",
    where,
    hint: "stop every node first; --force copies all the same",
  });
}

/** `meta` is each store's own when it is made. */
function refuseFull(rowsOf: (table: CopiedTable) => number): void {
  const full = copiedTables.filter((table) => table !== "meta" && rowsOf(table) > 0);
  if (full.length === 0) return;
  const held = full.map((table) => `${rowsOf(table)} ${table.replace("_", " ")}`).join(", ");
  throw new Problem(`The target holds ${held}`, {
    code: "store/not-empty",
    where: "TO",
    hint: "name an empty store, or empty this one with --force",
  });
}

async function makeEmpty(tx: Kysely<Tables>, force: boolean): Promise<void> {
  const there = await countRows(tx);
  if (!force) refuseFull((table) => there[table]);
  for (const table of [...copiedTables].reverse()) await tx.deleteFrom(table).execute();
}

async function countRows(db: Kysely<Tables>): Promise<RowCounts> {
  const counts: [CopiedTable, number][] = [];
  for (const table of copiedTables) {
    const { rows } = await sql<{ rows: number }>`select count(*) as rows from ${sql.table(table)}`.execute(db);
    counts.push([table, Number(rows[0]?.rows ?? 0)]);
  }
  return Object.fromEntries(counts) as Record<CopiedTable, number>;
}

interface Target {
  readonly tx: Kysely<Tables>;
  readonly engine: Store["engine"];
}

/** PostgreSQL numbers these rows itself: behind those that were copied, and behind what a judge has already heard. */
async function numberBehind(tx: Kysely<Tables>): Promise<void> {
  for (const table of ["ban_changes", "account_told"] as const) {
    const heard = sql`coalesce((select max(body::bigint) from account_site where key in ('sequence', 'applied')), 0)`;
    const others = table === "account_told" ? heard : sql`0`;
    await sql`select setval(pg_get_serial_sequence(${table}, 'seq'),
      greatest(coalesce((select max(seq) from ${sql.table(table)}), 0), ${others}) + 1, false)`.execute(tx);
  }
}

async function copyRows(source: Store, target: Target, counts: RowCounts, options: CopyOptions): Promise<void> {
  const total = Object.values(counts).reduce((sum, rows) => sum + rows, 0);
  // Tables by name: their columns are the same in both engines, and are not looked at here.
  const from = source.facts as unknown as Kysely<Record<string, Row>>;
  const to = target.tx as unknown as Kysely<Record<string, Row>>;
  let done = 0;
  for (const table of copiedTables) {
    let page: Row[] = [];
    const write = async () => {
      if (page.length > 0) await to.insertInto(table).values(page).execute();
      done += page.length;
      page = [];
      options.onProgress?.(done, total);
    };
    for await (const row of from.selectFrom(table).selectAll().stream(pageRows)) {
      page.push(translate(table, row, source.engine, target.engine));
      if (page.length === pageRows) await write();
    }
    await write();
  }
}

function translate(table: string, row: Row, from: Store["engine"], to: Store["engine"]): Row {
  const columns = Object.entries(row).map(([name, value]) => {
    if (typeof value !== "string") return [name, value];
    const isEscaped = escapedColumns.has(`${table}.${name}`);
    const plain = from === "postgres" && isEscaped ? unescapeNul(value) : value;
    if (to !== "postgres") return [name, plain];
    return [name, isEscaped ? escapeNul(plain) : withoutNul(plain)];
  });
  return Object.fromEntries(columns);
}
