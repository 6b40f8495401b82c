// Failures that count when the jails start again, and logins that make wrong passwords look like mistakes.

import type { Migration } from "./migration.ts";

const sql = `
create table failures (
  node text not null,
  id text not null,
  jail text not null,
  until_at integer not null,
  body text not null,
  primary key (node, id)
) strict, without rowid;
create index failures_by_until on failures (until_at);

create table good_logins (
  network text not null,
  account text not null,
  address text not null,
  at integer not null,
  primary key (network, account)
) strict, without rowid;
create index good_logins_by_time on good_logins (at);
`;

const postgres = `
create table failures (
  node text collate "C" not null,
  id text collate "C" not null,
  jail text collate "C" not null,
  until_at bigint not null,
  body text not null,
  primary key (node, id)
);
create index failures_by_until on failures (until_at);

create table good_logins (
  network text collate "C" not null,
  account text collate "C" not null,
  address text collate "C" not null,
  at bigint not null,
  primary key (network, account)
);
create index good_logins_by_time on good_logins (at);
`;

export const failureTables: Migration = { version: 6, name: "failures", up: (db) => db.exec(sql), postgres };
