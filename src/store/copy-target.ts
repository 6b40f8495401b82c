// The target of a copy, looked at without opening it as a store: opening would make it, or bring it to this version.

import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { Problem } from "../core/problem.ts";
import { connectPg, endPg } from "./engines/pg-connection.ts";
import { nodeLockClass } from "./engines/pg-line.ts";
import { parsePgUrl } from "./engines/pg-url.ts";
import { takeLock } from "./engines/sqlite-file.ts";
import { migrations } from "./migrations/index.ts";
import { refuseNewer } from "./migrations/newer-store.ts";
import { sqlitePath } from "./open.ts";

export interface TargetLook {
  /** Rows by table; tables that are not there have none. */
  readonly rows: ReadonlyMap<string, number>;
  /** Nodes that are connected. */
  readonly nodes: number;
}

/**
 * Counts the rows of `tables` in the store at `url` and changes nothing. A Problem where `store copy` would throw one: store/unusable,
 * store/locked, store/newer, store/url.
 */
export async function lookAtTarget(url: string, tables: readonly string[]): Promise<TargetLook> {
  return url.startsWith("sqlite:") ? lookAtSqlite(sqlitePath(url), tables) : lookAtPostgres(url, tables);
}

function lookAtSqlite(path: string, tables: readonly string[]): TargetLook {
  if (!existsSync(path)) return { rows: new Map(), nodes: 0 };
  // A store that nobody opened yet has no lock file, and gets none from a look.
  const lock = existsSync(`${path}.lock`) ? takeLock(path) : undefined;
  try {
    const db = new DatabaseSync(path, { readOnly: true });
    try {
      const there = new Set(db.prepare("select name from sqlite_schema where type = 'table'").all().map(nameOf));
      if (there.size > 0 && !there.has("migrations")) throw somethingElse(path);
      if (there.has("migrations"))
        refuseUnknown(countOf(db.prepare("select max(version) as n from migrations").get()), path);
      const rows = tables
        .filter((table) => there.has(table))
        .map((table) => {
          return [table, countOf(db.prepare(`select count(*) as n from "${table}"`).get())] as const;
        });
      return { rows: new Map(rows), nodes: 0 };
    } finally {
      db.close();
    }
  } catch (error) {
    throw asProblem(error, path);
  } finally {
    lock?.close();
  }
}

async function lookAtPostgres(url: string, tables: readonly string[]): Promise<TargetLook> {
  const target = parsePgUrl(url, "TO");
  const client = await connectPg(target, "postvarta store copy").catch((error: unknown) => {
    throw asProblem(error, target.location);
  });
  try {
    await client.query("begin read only");
    const named = await client.query<{ name: string }>(
      "select name from unnest($1::text[]) name where to_regclass(quote_ident(name)) is not null",
      [[...tables, "migrations"]],
    );
    const there = new Set(named.rows.map(nameOf));
    if (there.has("cells") && !there.has("migrations")) throw somethingElse(target.location);
    const count = async (text: string, values: unknown[] = []) => countOf((await client.query(text, values)).rows[0]);
    if (there.has("migrations"))
      refuseUnknown(await count("select max(version) as n from migrations"), target.location);
    const rows = new Map<string, number>();
    for (const table of tables.filter((one) => there.has(one)))
      rows.set(table, await count(`select count(*) as n from "${table}"`));
    const nodes = await count(
      `select count(*) as n from pg_locks where locktype = 'advisory' and classid = $1
        and database = (select oid from pg_database where datname = current_database())`,
      [nodeLockClass],
    );
    return { rows, nodes };
  } catch (error) {
    throw asProblem(error, target.location);
  } finally {
    await endPg(client);
  }
}

function refuseUnknown(version: number, where: string): void {
  refuseNewer({ version, latest: migrations.at(-1)?.version ?? 0, where, hint: "install the newer version" });
}

function nameOf(row: Readonly<Record<string, unknown>>): string {
  return String(row["name"]);
}

function countOf(row: Readonly<Record<string, unknown>> | undefined): number {
  return Number(row?.["n"] ?? 0);
}

function somethingElse(where: string): Problem {
  return new Problem("The target is a database of something else", {
    code: "store/unusable",
    where,
    hint: "name a database of its own",
  });
}

function asProblem(error: unknown, where: string): Problem {
  if (error instanceof Problem) return error;
  return new Problem(`The target cannot be looked at: ${error instanceof Error ? error.message : String(error)}`, {
    code: "store/unusable",
    where,
    hint: "the copy itself would fail too",
  });
}
