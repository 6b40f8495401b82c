// One step of the schema, forward only. It runs inside a transaction that also writes its row in `migrations`.

import type { DatabaseSync } from "node:sqlite";

export interface Migration {
  /** 1, 2, 3 … without gaps. */
  readonly version: number;
  readonly name: string;
  /** Must not begin or commit. */
  up(db: DatabaseSync): void;
  /** The same step for PostgreSQL, as statements. Texts are `collate "C"`, so that their order is SQLite's; tables that others hold compiled get the trigger `tell_change`. */
  readonly postgres: string;
}
