// Who changed what: rules, groups, counters. A row stays when what it tells of is gone.

import type { Migration } from "./migration.ts";

/** What is known of rules that were there before the table: their last change. */
const seed = `
insert into audit (id, at, changed_by, via, act, kind, name, detail)
  select '0-policy-' || name, changed_at, changed_by, '', 'changed', 'policy', name, '' from policies;
insert into audit (id, at, changed_by, via, act, kind, name, detail)
  select '0-group-' || name, changed_at, changed_by, '', 'changed', 'group', name, '' from groups;
`;

const sql = `
create table audit (
  id text primary key,
  at integer not null,
  changed_by text not null,
  via text not null,
  act text not null,
  kind text not null,
  name text not null,
  detail text not null
) strict;
create index audit_by_time on audit (at, id);
create index audit_by_subject on audit (kind, name, at, id);
${seed}`;

const postgres = `
create table audit (
  id text collate "C" primary key,
  at bigint not null,
  changed_by text not null,
  via text not null,
  act text collate "C" not null,
  kind text collate "C" not null,
  name text collate "C" not null,
  detail text not null
);
create index audit_by_time on audit (at, id);
create index audit_by_subject on audit (kind, name, at, id);
${seed}`;

export const auditTable: Migration = { version: 3, name: "audit", up: (db) => db.exec(sql), postgres };
