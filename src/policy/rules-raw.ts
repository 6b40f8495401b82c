// A policies file as it was read, before its values are known to be good: so that names, groups and texts are checked
// even where another value is wrong, and all mistakes are told at once.

import type { Document } from "../config/document.ts";
import type { Path } from "../config/tree.ts";

/** A table of the file and its path. */
export interface RawTable {
  readonly value: unknown;
  readonly path: Path;
}

/** The tables of the list under `key`; none when it is something else. */
export function tablesIn(table: RawTable, key: string): RawTable[] {
  const list = entryOf(table.value, key);
  if (!Array.isArray(list)) return [];
  return list.map((value: unknown, index) => ({ value, path: [...table.path, key, index] }));
}

/** The texts of the list under `key`, each with its path; other values are left out. */
export function textsIn(table: RawTable, key: string): { text: string; path: Path }[] {
  return tablesIn(table, key).flatMap(({ value, path }) => (typeof value === "string" ? [{ text: value, path }] : []));
}

export function textOf(table: RawTable, key: string): string | undefined {
  const value = entryOf(table.value, key);
  return typeof value === "string" ? value : undefined;
}

export function rawFile(document: Document): RawTable {
  return { value: document.value, path: [] };
}

function entryOf(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
  const entry: unknown = Reflect.get(value, key);
  return entry;
}
