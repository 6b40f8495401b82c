// Where several nodes share a store: what one node wants of the others. Containing an account has a part on every node, and only the
// node that judges can say how an account stands.

import type { Migration } from "./migration.ts";

const tables = (integer: string, text: string, end: string) => `
create table containment_orders (
  account ${text} primary key,
  act ${text} not null,
  at ${integer} not null,
  body text not null
)${end};
create table containment_parts (
  account ${text} not null,
  node ${text} not null,
  at ${integer} not null,
  body text not null,
  primary key (account, node)
)${end};
create table account_looks (
  id ${text} primary key,
  account ${text} not null,
  at ${integer} not null,
  answer text
)${end};
`;

const telling = `
insert into changes (fact, number) values ('orders', 0);
create trigger tell_orders after insert or update on containment_orders execute function tell_change('orders');
create trigger tell_looks after insert on account_looks execute function tell_change('orders');
`;

export const nodeOrderTables: Migration = {
  version: 10,
  name: "node-orders",
  up: (db) => db.exec(tables("integer", "text", " strict")),
  postgres: tables("bigint", 'text collate "C"', "") + telling,
};
