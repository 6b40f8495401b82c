// What is known of accounts: histories and what was told since they were written, levels, watches, marks, freezes, containments.

import type { Migration } from "./migration.ts";

const tables = (integer: string, text: string, end: string) => `
create table account_histories (
  node ${text} not null,
  account ${text} not null,
  level ${text} not null,
  seen_at ${integer} not null,
  body text not null,
  primary key (node, account)
)${end};
create table account_mails (
  node ${text} not null,
  queue_id ${text} not null,
  account ${text} not null,
  at ${integer} not null,
  counted ${integer} not null,
  primary key (node, queue_id)
)${end};
create index account_mails_by_time on account_mails (node, at);
create index account_mails_by_account on account_mails (account);
create table account_events (
  node ${text} not null,
  sequence ${integer} not null,
  body text not null,
  primary key (node, sequence)
)${end};
create table account_site (node ${text} not null, key ${text} not null, body text not null, primary key (node, key))${end};
create table account_levels (
  id ${text} primary key,
  account ${text} not null,
  at ${integer} not null,
  level ${text} not null,
  score ${integer} not null,
  body text not null
)${end};
create index account_levels_by_account on account_levels (account, at);
create index account_levels_by_time on account_levels (at);
create table watches (
  account ${text} primary key,
  since ${integer} not null,
  until ${integer} not null,
  level ${text} not null,
  origin ${text} not null,
  reason text not null,
  body text not null,
  changed_by text not null
)${end};
create table watch_pauses (
  account ${text} primary key,
  until ${integer} not null,
  at ${integer} not null,
  changed_by text not null
)${end};
create table account_marks (
  id ${text} primary key,
  account ${text} not null,
  kind ${text} not null,
  value ${text} not null,
  since ${integer} not null,
  until ${integer} not null,
  note text not null,
  at ${integer} not null,
  changed_by text not null
)${end};
create index account_marks_by_account on account_marks (account);
create table freezes (
  account ${text} primary key,
  since ${integer} not null,
  text text not null,
  changed_by text not null
)${end};
create table containments (
  account ${text} primary key,
  at ${integer} not null,
  released_at ${integer} not null,
  body text not null,
  changed_by text not null
)${end};
`;

/** Watches and freezes are rules to the policy: every node compiles them anew. */
const telling = ["watches", "freezes"]
  .map(
    (table) =>
      `create trigger tell_${table} after insert or update or delete on ${table} execute function tell_change('rules');`,
  )
  .join("\n");

export const accountTables: Migration = {
  version: 7,
  name: "accounts",
  up: (db) => db.exec(tables("integer", "text", " strict")),
  postgres: tables("bigint", 'text collate "C"', "") + telling,
};
