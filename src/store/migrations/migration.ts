// One step of the schema, forward only. It runs inside a transaction that also writes its row in `migrations`.

import type { DatabaseSync } from "node:sqlite";

export interface Migration {
  /** 1, 2, 3 … without gaps. */
  readonly version: number;
  readonly name: string;
  /** Must not begin or commit. */
  up(db: DatabaseSync): void;
}
