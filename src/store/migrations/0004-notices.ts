// Notices and what became of them at each channel.

import type { Migration } from "./migration.ts";

const tables = (integer: string, text: string, end: string) => `
create table notices (
  id ${text} primary key,
  at ${integer} not null,
  kind ${text} not null,
  severity ${text} not null,
  subject text not null,
  facts text not null,
  routed ${integer} not null
)${end};
create index notices_by_time on notices (at, id);
create index notices_unrouted on notices (routed, at, id);
create index notices_by_subject on notices (kind, subject, at);
create table deliveries (
  notice ${text} not null,
  channel ${text} not null,
  state ${text} not null,
  due_at ${integer} not null,
  attempts ${integer} not null,
  ended_at ${integer} not null,
  error text not null,
  primary key (notice, channel)
)${end};
create index deliveries_due on deliveries (state, due_at);
create index deliveries_by_channel on deliveries (channel, state, ended_at);
`;

export const noticeTables: Migration = {
  version: 4,
  name: "notices",
  up: (db) => db.exec(tables("integer", "text", " strict")),
  postgres: tables("bigint", 'text collate "C"', ""),
};
