// Rows as they stand in the tables, for Kysely. Times are ms since the epoch; names equal the columns.

import type { Generated } from "kysely";

export interface Tables {
  meta: { key: string; value: string };
  /** A policy's body is the JSON of core/rules Policy; position is its order in the file among equal priorities. */
  policies: { name: string; position: number; body: string; changed_at: number; changed_by: string };
  groups: { name: string; position: number; enabled: number; comment: string; changed_at: number; changed_by: string };
  /** origin: `file` (policy apply) or `added` (group add). */
  group_members: { group_name: string; member: string; position: number; origin: string };
  cells: { key: string; state: string; expires_at: number };
  journal: { seq: Generated<number>; body: string };
  open_messages: { id: string; node: string; opened_at: number; body: string };
  decisions: {
    id: string;
    at: number;
    last_at: number;
    count: number;
    account: string;
    sender: string;
    recipient: string;
    client: string;
    queue_id: string;
    instance: string;
    rule: string;
    key: string;
    verdict: string;
    text: string;
    trail: string;
  };
  /** A limit raised for one counter until a time: `quota raise`. key is a cell key. */
  raises: { key: string; max: number; until: number; changed_at: number; changed_by: string };
  /** One change that somebody made: store/audit.ts. */
  audit: {
    id: string;
    at: number;
    changed_by: string;
    via: string;
    act: string;
    kind: string;
    name: string;
    detail: string;
  };
  /** How far a node has read a log. source: the kind of source; key and body are its own (logs/place.ts). */
  places: { node: string; source: string; key: string; body: string; changed_at: number };
  /** Mail events of each kind that a node has seen in a log, since the beginning. */
  log_counts: { node: string; source: string; kind: string; count: number };
  /** Something that somebody should hear of; facts is JSON. routed: 1 when its deliveries are written. */
  notices: { id: string; at: number; kind: string; severity: string; subject: string; facts: string; routed: number };
  /** What became of a notice at a channel: store/notices.ts. */
  deliveries: {
    notice: string;
    channel: string;
    state: string;
    due_at: number;
    attempts: number;
    ended_at: number;
    error: string;
  };
  /** Bans that stand, by address and jail (store/bans.ts). until_at: core/ban.ts has no end as `forever`. */
  bans: {
    address: string;
    jail: string;
    first: string;
    from_at: number;
    until_at: number;
    reason: string;
    origin: string;
    ports: string;
    enforce: number;
    node: string;
    count: number;
  };
  /** Every ban there was; ended_at is 0 unless somebody ended it before its time. */
  ban_history: {
    address: string;
    jail: string;
    from_at: number;
    until_at: number;
    ended_at: number;
    ended_by: string;
    reason: string;
    origin: string;
    enforce: number;
    node: string;
    count: number;
    evidence: string;
  };
  /** What happened to bans, in order: a reader takes what is behind the last number that it knows. */
  ban_changes: { seq: Generated<number>; address: string; jail: string; act: string };
  /** What is never banned beside the configuration: store/trusts.ts. */
  trusts: {
    value: string;
    origin: string;
    node: string;
    until_at: number;
    note: string;
    changed_at: number;
    changed_by: string;
  };
  /** Bans whose commands a node has run: store/commanded-bans.ts. */
  commanded_bans: { node: string; address: string; jail: string };
  /** Failures that count after a restart, one row a commit and jail: store/failures.ts. */
  failures: { node: string; id: string; jail: string; until_at: number; body: string };
  /** The last login of an account from a network: store/good-logins.ts. */
  good_logins: { network: string; account: string; address: string; at: number };
  /** One account as a node's judge knows it; body is accounts/history-record.ts. */
  account_histories: { node: string; account: string; level: string; seen_at: number; body: string };
  /** Whose message a queue id is. */
  account_mails: { node: string; queue_id: string; account: string; at: number; counted: number };
  /** What a judge was told since its histories were written. */
  account_events: { node: string; sequence: number; body: string };
  /** What nodes tell the one that judges: store/account-told.ts. */
  account_told: { seq: Generated<number>; node: string; at: number; body: string };
  /** What one node does for all: store/node-roles.ts. */
  node_roles: { role: string; node: string; epoch: number; until_at: number };
  /** What a judge knows of the site as a whole. */
  account_site: { node: string; key: string; body: string };
  /** An account came to another level. body: the JSON of accounts/judge LevelChange. */
  account_levels: { id: string; account: string; at: number; level: string; score: number; body: string };
  /** Accounts under watch. until 0: until the judge or a person ends it. body: the LevelChange that began it, or empty. */
  watches: {
    account: string;
    since: number;
    until: number;
    level: string;
    origin: string;
    reason: string;
    body: string;
    changed_by: string;
  };
  /** Somebody ended a watch: it does not begin again by itself until then. */
  watch_pauses: { account: string; until: number; at: number; changed_by: string };
  /** What an administrator says of an account; of all where account is empty. */
  account_marks: {
    id: string;
    account: string;
    kind: string;
    value: string;
    since: number;
    until: number;
    note: string;
    at: number;
    changed_by: string;
  };
  /** Accounts that may not send. */
  freezes: { account: string; since: number; text: string; changed_by: string };
  /** What every node has to do for an account, and what each did: JSON. */
  containment_orders: { account: string; act: string; at: number; body: string };
  containment_parts: { account: string; node: string; at: number; body: string };
  /** answer: JSON, once the node that judges gave it. */
  account_looks: { id: string; account: string; at: number; answer: string | null };
  /** What was done to contain an account, step by step; body is JSON. released_at 0: not yet. */
  containments: { account: string; at: number; released_at: number; body: string; changed_by: string };
  migrations: { version: number; name: string; applied_at: number };
}
