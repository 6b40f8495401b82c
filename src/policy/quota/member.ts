// Counters of distinct recipients: beside the counter's cell each recipient has a small cell that says when it was last
// counted, so that nothing grows with the limit and everything expires by itself.

import type { CellLimit, CellState } from "../../core/cell.ts";
import type { Counter } from "../../core/rules.ts";
import { memberMark } from "../cell-key.ts";
import type { Question } from "../check.ts";
import type { CompiledLimit } from "../compiled-rules.ts";
import type { Ledger } from "../ledger.ts";

/** Layout: [MEMBER, last counted in ms]. */
const MEMBER = 6;

/** new_recipients: not mailed by this account in 90 days (interfaces). */
const newAfterMs = 90 * 86_400_000;

export interface MemberWrite {
  readonly key: string;
  readonly state: CellState;
  readonly expiresAt: number;
}

export interface MemberDraft {
  /** The counter's state to charge from. */
  readonly from: CellState | undefined;
  readonly amount: number;
  readonly member: MemberWrite;
}

export function isMemberCounter(count: Counter): boolean {
  return count === "unique_recipients" || count === "new_recipients";
}

export function memberKey(key: string, recipient: string): string {
  return `${memberMark}${key}${memberMark}${recipient}`;
}

interface DraftInput {
  readonly limit: CompiledLimit;
  readonly key: string;
  readonly state: CellState | undefined;
  readonly cell: CellLimit;
  readonly question: Question;
  readonly ledger: Ledger;
}

/**
 * A recipient that counts still is not counted again. Under the sliding window its charge moves to now: the number of
 * distinct recipients in every window stays exact. A new one is charged 1.
 */
export function draftMember(input: DraftInput): MemberDraft {
  const { limit, key, state, cell, question, ledger } = input;
  const { now, request } = question;
  const ownKey = memberKey(key, request.recipient);
  const lastAt = ledger.state(ownKey)?.[1];
  const isNewCounter = limit.limit.count === "new_recipients";
  const lasts = isNewCounter ? newAfterMs : limit.limit.periodMs;
  const member = { key: ownKey, state: [MEMBER, now], expiresAt: now + lasts };
  if (lastAt === undefined) return { from: state, amount: 1, member };
  if (isNewCounter) return { from: state, amount: lastAt + newAfterMs > now ? 0 : 1, member };
  const { algorithm } = limit;
  if (state === undefined || algorithm.counts?.(state, cell, lastAt, now) !== true)
    return { from: state, amount: 1, member };
  if (limit.quota.rule.algorithm === "fixed")
    return { from: state, amount: 0, member: { ...member, state: [MEMBER, lastAt] } };
  return { from: algorithm.giveBack(state, cell, { at: lastAt, amount: 1 }, now), amount: 1, member };
}
