// Bans whose commands a node has run: what to take back when nobody wants them any more, also after a restart.

import type { Migration } from "./migration.ts";

const table = (text: string, end: string) => `
create table commanded_bans (
  node ${text} not null,
  address ${text} not null,
  jail ${text} not null,
  primary key (node, address, jail)
)${end};
`;

export const commandedTable: Migration = {
  version: 9,
  name: "commanded",
  up: (db) => db.exec(table("text", " strict, without rowid")),
  postgres: table('text collate "C"', ""),
};
