// Where each log has been read up to, and what was counted in it; both are written in one transaction.

import type { Migration } from "./migration.ts";

const sql = `
create table places (
  node text not null,
  source text not null,
  key text not null,
  body text not null,
  changed_at integer not null,
  primary key (node, source, key)
) strict, without rowid;

create table log_counts (
  node text not null,
  source text not null,
  kind text not null,
  count integer not null,
  primary key (node, source, kind)
) strict, without rowid;
`;

const postgres = `
create table places (
  node text collate "C" not null,
  source text collate "C" not null,
  key text collate "C" not null,
  body text not null,
  changed_at bigint not null,
  primary key (node, source, key)
) with (fillfactor = 60);

create table log_counts (
  node text collate "C" not null,
  source text collate "C" not null,
  kind text collate "C" not null,
  count bigint not null,
  primary key (node, source, kind)
) with (fillfactor = 60);
`;

export const placeTables: Migration = { version: 2, name: "places", up: (db) => db.exec(sql), postgres };
