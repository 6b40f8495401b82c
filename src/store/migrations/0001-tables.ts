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

/**
 * PostgreSQL has no journal; its `batches` say which batch of a node is on disk, its `changes` number what nodes tell each other.
 * A message's id is unique for its node only. The fill factor leaves room for new versions of a row on its own page.
 */
const postgres = `
create table meta (key text collate "C" primary key, value text not null);

create table policies (
  name text collate "C" primary key,
  position integer not null,
  body text not null,
  changed_at bigint not null,
  changed_by text not null
);

create table groups (
  name text collate "C" primary key,
  position integer not null,
  enabled integer not null,
  comment text not null,
  changed_at bigint not null,
  changed_by text not null
);

create table group_members (
  group_name text collate "C" not null references groups (name) on delete cascade,
  member text collate "C" not null,
  position integer not null,
  origin text collate "C" not null check (origin in ('file', 'added')),
  primary key (group_name, member)
);

create table cells (key text collate "C" primary key, state text not null, expires_at bigint not null)
  with (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 2000);

create table open_messages (
  id text collate "C" not null,
  node text collate "C" not null,
  opened_at bigint not null,
  body text not null,
  primary key (node, id)
) with (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 2000);

create table decisions (
  id text collate "C" primary key,
  at bigint not null,
  last_at bigint not null,
  count integer not null,
  account text collate "C" not null,
  sender text collate "C" not null,
  recipient text collate "C" not null,
  client text collate "C" not null,
  queue_id text collate "C" not null,
  instance text collate "C" not null,
  rule text collate "C" not null,
  key text collate "C" not null,
  verdict text collate "C" not null,
  text text not null,
  trail text not null
);
create index decisions_by_time on decisions (at, id);
create index decisions_by_account on decisions (account, at, id) where account <> '';
create index decisions_by_client on decisions (client, at, id);
create index decisions_by_queue_id on decisions (queue_id) where queue_id <> '';

create table raises (
  key text collate "C" primary key,
  max bigint not null,
  until bigint not null,
  changed_at bigint not null,
  changed_by text not null
);

create table batches (node text collate "C" primary key, sequence bigint not null) with (fillfactor = 10);

create table changes (fact text collate "C" primary key, number bigint not null);
insert into changes (fact, number) values ('rules', 0), ('raises', 0);

create function tell_change() returns trigger language plpgsql as $$
begin
  update changes set number = number + 1 where fact = tg_argv[0];
  perform pg_notify('postvarta', tg_argv[0]);
  return null;
end $$;
create trigger tell_policies after insert or update or delete on policies execute function tell_change('rules');
create trigger tell_groups after insert or update or delete on groups execute function tell_change('rules');
create trigger tell_members after insert or update or delete on group_members execute function tell_change('rules');
create trigger tell_raises after insert or update or delete on raises execute function tell_change('raises');
`;

export const firstTables: Migration = { version: 1, name: "tables", up: (db) => db.exec(sql), postgres };
