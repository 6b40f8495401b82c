// Every migration in order. Adding one is one file and one line here.

import { firstTables } from "./0001-tables.ts";
import { placeTables } from "./0002-places.ts";
import { auditTable } from "./0003-audit.ts";
import { noticeTables } from "./0004-notices.ts";
import { banTables } from "./0005-bans.ts";
import { failureTables } from "./0006-failures.ts";
import { accountTables } from "./0007-accounts.ts";
import { toldTables } from "./0008-told.ts";
import { commandedTable } from "./0009-commanded.ts";
import { nodeOrderTables } from "./0010-node-orders.ts";
import type { Migration } from "./migration.ts";

export const migrations: readonly Migration[] = [
  firstTables,
  placeTables,
  auditTable,
  noticeTables,
  banTables,
  failureTables,
  accountTables,
  toldTables,
  commandedTable,
  nodeOrderTables,
];
