// One quota asked once: all its limits are charged, or none and the first that is exceeded speaks.

import type { Admission } from "../../core/cell.ts";
import type { Question } from "../check.ts";
import type { CompiledLimit, CompiledQuota } from "../compiled-rules.ts";
import type { Effect } from "../finding.ts";
import type { Ledger } from "../ledger.ts";
import { trackKey } from "../track.ts";

/** A quota that applies to the question, with the track key of its cells. */
export interface Step {
  readonly quota: CompiledQuota;
  readonly track: string;
}

/** What one limit is asked for. */
export interface Amount {
  readonly amount: number;
  /** recipient, message: charged and given back with it. final: charged for good. look: only looked at, the true size comes later. */
  readonly kind: "recipient" | "message" | "final" | "look";
}

interface Draft extends Amount {
  readonly limit: CompiledLimit;
  readonly key: string;
  readonly max: number;
  readonly admission: Admission;
  readonly exempted: boolean;
}

/** The quotas of the matching policies that apply, in order, up to one that stops (cluebringer's LastQuota). */
export function planSteps(question: Question): readonly Step[] {
  const steps: Step[] = [];
  const { request } = question;
  for (const index of question.matched) {
    for (const quota of question.rules.policies[index]?.quotas ?? []) {
      const track = trackKey(quota.rule, request, request.recipient, question.account);
      if (track === undefined) continue;
      steps.push({ quota, track });
      if (quota.rule.stop && !quota.observed) return steps;
    }
  }
  return steps;
}

export function keysOf(steps: readonly Step[]): readonly string[] {
  return steps.flatMap((step) => step.quota.limits.map((limit) => limit.prefix + step.track));
}

/** Charges a quota, or gives its verdict. `amountOf` says what a limit is asked for; undefined leaves it out. */
export function settleStep(
  step: Step,
  question: Question,
  ledger: Ledger,
  amountOf: (limit: CompiledLimit, key: string) => Amount | undefined,
): void {
  const drafts: Draft[] = [];
  for (const limit of step.quota.limits) {
    const key = limit.prefix + step.track;
    const asked = amountOf(limit, key);
    if (asked === undefined) continue;
    const draft = draftCharge(limit, key, asked, question, ledger);
    if (!draft.admission.admitted) {
      exceed(step.quota, draft, ledger);
      return;
    }
    drafts.push(draft);
  }
  for (const draft of drafts) book(draft, ledger);
}

function draftCharge(limit: CompiledLimit, key: string, asked: Amount, question: Question, ledger: Ledger): Draft {
  const max = question.maxOf(key, limit.limit.max);
  const cell = max === limit.cell.max ? limit.cell : { ...limit.cell, max };
  const found = ledger.state(key);
  // Our clock runs forward only, so a charge after now is from before a restart with another clock.
  const state = found === undefined ? undefined : limit.algorithm.rebase(found, cell, question.now);
  const charge = { at: question.now, amount: asked.amount };
  let admission = limit.algorithm.admit(state, cell, charge);
  // Exempt mail is not refused, and counted all the same: a stolen account on a white list stays visible.
  const exempted = !admission.admitted && ledger.exempt && !limit.quota.observed;
  if (exempted) admission = limit.algorithm.admit(state, cell, { ...charge, force: true });
  return { ...asked, limit, key, max, admission, exempted };
}

function exceed(quota: CompiledQuota, draft: Draft, ledger: Ledger): void {
  ledger.findings.push(findingOf(draft, quota.observed ? "would" : "acted"));
  if (!quota.observed) ledger.answer({ kind: quota.rule.verdict, text: quota.rule.text }, quota);
}

function book(draft: Draft, ledger: Ledger): void {
  const { admission, key, limit } = draft;
  ledger.findings.push(findingOf(draft, draft.exempted ? "exempt" : draft.kind === "look" ? "looked" : "charged"));
  if (draft.kind === "look") {
    ledger.sizes.push(key);
    return;
  }
  if (admission.state !== undefined)
    ledger.put(key, admission.state, limit.algorithm.expiresAt(admission.state, limit.cell));
  if (draft.kind === "recipient") ledger.bookings.push([key, admission.at, draft.amount]);
  if (draft.kind === "message") ledger.firsts.push([key, admission.at, draft.amount]);
}

function findingOf(draft: Draft, effect: Effect) {
  const { limit, key, max, amount, admission } = draft;
  return { check: "quota", limit, key, max, amount, admission, effect } as const;
}
