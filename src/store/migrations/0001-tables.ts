// The tables of the first version, as src/store/tables.ts names them.

import type { Migration } from "./migration.ts";

/** `cells` has no index on expires_at: it would double the cost of folding; a walk in key order finds what is over. */
const sql = `
create table meta (key text primary key, value text not null) strict, without rowid;

create table policies (
  name text primary key,
  position integer not null,
  body text not null,
  changed_at integer not null,
  changed_by text not null
) strict;

create table groups (
  name text primary key,
  position integer not null,
  enabled integer not null,
  comment text not null,
  changed_at integer not null,
  changed_by text not null
) strict;

create table group_members (
  group_name text not null references groups (name) on delete cascade,
  member text not null,
  position integer not null,
  origin text not null check (origin in ('file', 'added')),
  primary key (group_name, member)
) strict, without rowid;

create table cells (key text primary key, state text not null, expires_at integer not null) strict, without rowid;

create table journal (seq integer primary key, body text not null) strict;

create table open_messages (
  id text primary key,
  node text not null,
  opened_at integer not null,
  body text not null
) strict, without rowid;

create table decisions (
  id text primary key,
  at integer not null,
  last_at integer not null,
  count integer not null,
  account text not null,
  sender text not null,
  recipient text not null,
  client text not null,
  queue_id text not null,
  instance text not null,
  rule text not null,
  key text not null,
  verdict text not null,
  text text not null,
  trail text not null
) strict;
create index decisions_by_time on decisions (at, id);
create index decisions_by_account on decisions (account, at, id) where account <> '';
create index decisions_by_client on decisions (client, at, id);
create index decisions_by_queue_id on decisions (queue_id) where queue_id <> '';

create table raises (
  key text primary key,
  max integer not null,
  until integer not null,
  changed_at integer not null,
  changed_by text not null
) strict;
`;

export const firstTables: Migration = { version: 1, name: "tables", up: (db) => db.exec(sql) };
