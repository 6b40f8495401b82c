// One quota asked once: all its limits are charged, or none and the first that is exceeded speaks.

import type { Admission, CellState } from "../../core/cell.ts";
import type { Question } from "../check.ts";
import type { CompiledLimit, CompiledQuota } from "../compiled-rules.ts";
import type { Effect, QuotaFinding } from "../finding.ts";
import type { Ledger } from "../ledger.ts";
import { trackKey } from "../track.ts";
import { draftMember, isMemberCounter, type MemberWrite, memberKey } from "./member.ts";
import { countsTries, countTry, type Reach, reachedStages, triesKey } from "./stage.ts";

/** A quota that applies to the question, with the track key of its cells. */
export interface Step {
  readonly quota: CompiledQuota;
  /** The cells of its limits, in their order. */
  readonly keys: readonly string[];
}

/** What one limit is asked for. */
export interface Amount {
  readonly amount: number;
  /**
   * recipient, message: charged and given back with it. final: charged for good. added: counted without being judged.
   * look: judged only, the true size comes at END-OF-MESSAGE.
   */
  readonly kind: "recipient" | "message" | "final" | "added" | "look";
}

interface Draft extends Amount {
  readonly limit: CompiledLimit;
  readonly key: string;
  readonly max: number;
  readonly admission: Admission;
  readonly exempted: boolean;
  /** What a counter of distinct recipients writes beside its own cell. */
  readonly member: MemberWrite | undefined;
}

/** Which list of a policy is asked. */
export type RuleKind = "quotas" | "accounting";

/** The quotas of the matching policies that apply, in order, up to one that stops (cluebringer's LastQuota). */
export function planSteps(question: Question, kind: RuleKind): readonly Step[] {
  const steps: Step[] = [];
  const { request } = question;
  for (const index of question.matched) {
    for (const quota of question.rules.policies[index]?.[kind] ?? []) {
      const track = trackKey(quota.rule, request, request.recipient, question.account);
      if (track === undefined) continue;
      steps.push({ quota, keys: quota.limits.map((limit) => limit.prefix + track) });
      if (quota.rule.stop && !quota.observed) return steps;
    }
  }
  return steps;
}

export function keysOf(steps: readonly Step[], recipient: string): readonly string[] {
  const keys: string[] = [];
  for (const step of steps) {
    for (const [i, limit] of step.quota.limits.entries()) addCells(limit, step.keys[i] ?? "", recipient, keys);
  }
  return keys;
}

/** Adds every cell that charging `key` may touch: its own, that of refused tries, that of a distinct recipient. */
export function addCells(limit: CompiledLimit, key: string, recipient: string, keys: string[]): void {
  keys.push(key);
  if (countsTries(limit)) keys.push(triesKey(key));
  if (isMemberCounter(limit.limit.count) && recipient !== "") keys.push(memberKey(key, recipient));
}

/** Charges a quota, or gives its verdict. `amountOf` says what a limit is asked for; undefined leaves it out. */
export function settleStep(
  step: Step,
  question: Question,
  ledger: Ledger,
  amountOf: (limit: CompiledLimit, key: string) => Amount | undefined,
): void {
  const drafts: Draft[] = [];
  for (const [i, limit] of step.quota.limits.entries()) {
    const key = step.keys[i] ?? "";
    const asked = amountOf(limit, key);
    if (asked === undefined) continue;
    const draft = draftCharge(limit, key, asked, question, ledger);
    if (!draft.admission.admitted) {
      exceed(draft, question, ledger);
      return;
    }
    drafts.push(draft);
  }
  for (const draft of drafts) book(draft, ledger);
}

function draftCharge(limit: CompiledLimit, key: string, asked: Amount, question: Question, ledger: Ledger): Draft {
  const max = question.raises.maxOf(key, limit.limit.max, question.now);
  const cell = max === limit.cell.max ? limit.cell : { ...limit.cell, max };
  const { algorithm } = limit;
  const found = ledger.state(key);
  // Our clock runs forward only, so a charge after now is from before a restart with another clock.
  const state = found === undefined ? undefined : algorithm.rebase(found, cell, question.now);
  // Kept by a refusal too: brought back anew at each question, the charge would never be over.
  if (state !== undefined && state !== found) ledger.keep(key, state, algorithm.expiresAt(state, cell));
  const judge = (from: CellState | undefined, amount: number, force: boolean) => {
    const charge = { at: question.now, amount, force };
    return asked.kind === "added" && algorithm.add !== undefined
      ? algorithm.add(from, cell, charge)
      : algorithm.admit(from, cell, charge);
  };
  const draft = { ...asked, limit, key, max, exempted: false, member: undefined };
  if (isMemberCounter(limit.limit.count)) {
    const { member, from, amount } = draftMember({ limit, key, state, question, ledger, cell });
    return exempt({ ...draft, amount, member }, ledger, (force) => judge(from, amount, force));
  }
  return exempt(draft, ledger, (force) => judge(state, asked.amount, force));
}

/** Exempt mail is not refused, and counted all the same: a stolen account on a white list stays visible. */
function exempt(draft: Omit<Draft, "admission">, ledger: Ledger, judge: (force: boolean) => Admission): Draft {
  const admission = judge(false);
  if (admission.admitted || !ledger.exempt || draft.limit.quota.observed) return { ...draft, admission };
  return { ...draft, admission: judge(true), exempted: true };
}

function exceed(draft: Draft, question: Question, ledger: Ledger): void {
  const { limit, key, max, amount, admission } = draft;
  const { quota } = limit;
  ledger.findings.push(findingOf(draft, quota.observed ? "would" : "acted"));
  if (!quota.observed) ledger.answer({ kind: quota.rule.verdict, text: quota.rule.text }, quota);
  if (countsTries(limit)) {
    noteStages(draft, countTry(limit, key, { max, used: admission.before, amount }, question, ledger), ledger);
  }
}

function noteStages(draft: Draft, reach: Reach, ledger: Ledger): void {
  for (const stage of reachedStages(draft.limit, reach)) ledger.findings.push({ ...findingOf(draft, "stage"), stage });
}

function book(draft: Draft, ledger: Ledger): void {
  const { admission, key, limit, kind, member, max } = draft;
  ledger.findings.push(findingOf(draft, draft.exempted ? "exempt" : kind === "look" ? "looked" : "charged"));
  if (kind === "look") ledger.sizes.push(key);
  else noteStages(draft, { max, before: admission.before, after: admission.after }, ledger);
  if (admission.state !== undefined && (kind !== "look" || limit.algorithm.sizes === "after")) {
    ledger.put(key, admission.state, limit.algorithm.expiresAt(admission.state, limit.cell));
  }
  if (member !== undefined) ledger.put(member.key, member.state, member.expiresAt);
  if (draft.amount === 0) return;
  if (kind === "message") ledger.firsts.push([key, admission.at, draft.amount]);
  if (kind !== "recipient") return;
  ledger.bookings.push([key, admission.at, draft.amount]);
  // By its time, giving back knows whether the member was counted again since.
  if (member !== undefined) ledger.bookings.push([member.key, member.state[1] ?? 0, 0]);
}

function findingOf(draft: Draft, effect: Effect): QuotaFinding {
  const { limit, key, max, amount, admission } = draft;
  return { check: "quota", limit, key, max, amount, admission, effect };
}
