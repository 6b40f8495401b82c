// Every decision that was not a pass keeps its record, with the whole trail (rules of the house, 9). Identical refusals of
// one rule, key and client within a minute share one record with a count (decided 6).

import { createHash, randomInt } from "node:crypto";
import { printIp } from "../core/ip.ts";
import type { DecisionRow } from "../store/db.ts";
import type { Question } from "./check.ts";
import { type Finding, type FindingView, isRecorded, viewOf } from "./finding.ts";

/** How long an identical refusal joins the first one's record. */
const sameMs = 60_000;
/** Records that may still grow; the oldest leave first. */
const openRecordsMax = 10_000;

/** What a record's `trail` column holds, as JSON. */
export interface Trail {
  /** The node that decided. */
  readonly node: string;
  readonly request: Readonly<Record<string, string | number>>;
  /** Names of the matching policies, in the order they were asked. */
  readonly policies: readonly string[];
  readonly findings: readonly FindingView[];
}

export interface Recorded {
  readonly row: DecisionRow;
  /** false when an earlier record only grew. */
  readonly isFirst: boolean;
}

export class DecisionBook {
  readonly #open = new Map<string, DecisionRow>();
  readonly #node: string;
  readonly #ids: DecisionIds;

  /** `node`: the name that no other node of the same store has. */
  constructor(node: string) {
    this.#node = node;
    this.#ids = new DecisionIds(node);
  }

  /** The record of one finding of a question, made or grown; undefined for findings that keep none. */
  record(question: Question, finding: Finding, findings: readonly Finding[]): Recorded | undefined {
    if (!isRecorded(finding)) return undefined;
    const view = viewOf(finding);
    const client = question.request.client === undefined ? "" : printIp(question.request.client);
    const same = [view.effect, view.policy, view.rule, view.quota?.key ?? question.request.sender, client].join("\x1f");
    const open = this.#open.get(same);
    const isFirst = open === undefined || question.now - open.at >= sameMs;
    const row = isFirst
      ? this.#make(question, view, client, findings)
      : { ...open, count: open.count + 1, lastAt: question.now };
    this.#open.delete(same);
    this.#open.set(same, row);
    this.#forgetOldest();
    return { row, isFirst };
  }

  #make(question: Question, view: FindingView, client: string, findings: readonly Finding[]): DecisionRow {
    const { request, now } = question;
    return {
      id: this.#ids.next(now),
      at: now,
      lastAt: now,
      count: 1,
      account: question.account,
      sender: request.sender,
      recipient: request.recipient,
      client,
      queueId: request.queueId,
      instance: request.instance,
      rule: `${view.policy}/${view.rule}`,
      key: view.quota?.key ?? "",
      verdict: view.effect === "acted" ? view.verdict : `${view.effect} ${view.verdict}`,
      text: view.text,
      trail: JSON.stringify({ node: this.#node, ...trailOf(question, findings) } satisfies Trail),
    };
  }

  #forgetOldest(): void {
    if (this.#open.size <= openRecordsMax) return;
    const [oldest] = this.#open.keys();
    if (oldest !== undefined) this.#open.delete(oldest);
  }
}

function trailOf(question: Question, findings: readonly Finding[]): Omit<Trail, "node"> {
  const { request } = question;
  return {
    request: {
      protocol_state: request.state,
      sender: request.sender,
      recipient: request.recipient,
      recipient_count: request.recipientCount,
      sasl_username: question.account,
      client_address: request.client === undefined ? "" : printIp(request.client),
      client_name: request.clientName,
      helo_name: request.helo,
      size: request.sizeBytes,
      queue_id: request.queueId,
      instance: request.instance,
      policy_context: request.context,
      server_port: request.serverPort,
    },
    policies: question.matched.map((index) => question.rules.policies[index]?.policy.name ?? ""),
    findings: findings.map(viewOf),
  };
}

/** Crockford's base 32: no I, L, O, U, so that an id survives the telephone. */
const alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/**
 * Twelve characters: six for the second, three for the node, three from a counter that starts anywhere. Nodes that share a store would
 * overwrite each other's records with equal ids; two names of 32 768 seldom have the same three characters, and then the counter differs.
 */
class DecisionIds {
  readonly #node: string;
  #counter = randomInt(32 ** 3);

  constructor(node: string) {
    this.#node = encode(createHash("sha256").update(node).digest().readUInt16BE(0) % 32 ** 3, 3);
  }

  next(now: number): string {
    this.#counter = (this.#counter + 1) % 32 ** 3;
    return encode(Math.floor(now / 1000) % 32 ** 6, 6) + this.#node + encode(this.#counter, 3);
  }
}

function encode(value: number, length: number): string {
  let text = "";
  for (let rest = value, i = 0; i < length; i++, rest = Math.floor(rest / 32))
    text = (alphabet[rest % 32] ?? "0") + text;
  return text;
}
