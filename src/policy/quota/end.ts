// END-OF-MESSAGE: what was provisional becomes final, what was not accepted is given back, and the true size is charged
// before the message is accepted (decided 2).

import { parseCellKey, prefixOf } from "../cell-key.ts";
import type { Plan, Question } from "../check.ts";
import type { CompiledLimit } from "../compiled-rules.ts";
import type { Ledger } from "../ledger.ts";
import type { OpenMessage, TrackedRecipient } from "../message.ts";
import { type Amount, addCells, keysOf, planSteps, type RuleKind, settleStep } from "./step.ts";

export function planEnd(question: Question): Plan | undefined {
  return question.message === undefined ? planUntracked(question, "quotas") : planTracked(question, question.message);
}

/** A message that no RCPT question announced (we were down, or asked here only) is charged by its recipient_count. */
export function planUntracked(question: Question, kind: RuleKind): Plan | undefined {
  const steps = planSteps(question, kind);
  if (steps.length === 0) return undefined;
  return {
    keys: keysOf(steps, ""),
    settle(ledger) {
      for (const step of steps) {
        if (ledger.ended) return;
        settleStep(step, question, ledger, (limit) => amountUntracked(limit, question));
      }
    },
  };
}

function amountUntracked(limit: CompiledLimit, question: Question): Amount | undefined {
  const { request, rules } = question;
  const recipients = Math.max(1, request.recipientCount);
  const kilobytes = Math.ceil(request.sizeBytes / 1024);
  const final = (amount: number): Amount => ({ amount, kind: "final" });
  const count = limit.limit.count;
  switch (count) {
    case "messages":
      return final(1);
    case "recipients":
      return final(recipients);
    case "external_recipients":
      // With several recipients Postfix names none here, so nobody can say which are external.
      return request.recipient === "" || rules.isInternal(request) ? undefined : final(recipients);
    case "kilobytes":
      return { amount: kilobytes, kind: "added" };
    case "kilobytes_per_recipient":
      return { amount: kilobytes * recipients, kind: "added" };
    case "unique_recipients":
    case "new_recipients":
      // Nobody was asked about, so nobody is known.
      return undefined;
    default:
      return count satisfies never;
  }
}

function planTracked(question: Question, message: OpenMessage): Plan {
  const charged = new Set(message.bookedKeys());
  for (const recipient of message.recipients) for (const key of recipient.sizes) charged.add(key);
  const keys: string[] = [];
  for (const key of charged) {
    const limit = question.rules.limits.get(prefixOf(key));
    // A cell whose rule is gone is given back, and not charged any more.
    if (limit === undefined) keys.push(key);
    else addCells(limit, key, "", keys);
  }
  return { keys, settle: (ledger) => settleTracked(question, message, ledger) };
}

function settleTracked(question: Question, message: OpenMessage, ledger: Ledger): void {
  // The recipients that Postfix did not accept in the end were given back before the checks settle.
  const { kept } = message.split(question.request.recipientCount);
  ledger.exempt ||= kept.length > 0 && kept.every((recipient) => recipient.exempt);
  chargeUnannounced(question, message, ledger);
  for (const [key, recipients] of sizesOf(kept)) {
    if (ledger.ended) return;
    chargeSize(key, recipients, question, ledger);
  }
}

/**
 * More recipients than we were asked about: those of a message that was refused here before (Postfix before 3.8.20, 3.9.14,
 * 3.10.13 and 3.11.6 keeps them), or that Postfix let pass while we were down. They are charged like their neighbours.
 */
function chargeUnannounced(question: Question, message: OpenMessage, ledger: Ledger): void {
  const extra = message.restored ? 0 : question.request.recipientCount - message.passed;
  if (extra <= 0) return;
  for (const key of new Set(message.bookedKeys())) {
    if (ledger.ended) return;
    const parts = parseCellKey(key);
    if (parts?.count !== "recipients" || parts.track.startsWith("Recipient:")) continue;
    settleKey(key, { amount: extra, kind: "final" }, question, ledger);
  }
}

/** For each cell that wants the size: how many of the kept recipients count under it. */
function sizesOf(kept: readonly TrackedRecipient[]): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  for (const recipient of kept) for (const key of recipient.sizes) sizes.set(key, (sizes.get(key) ?? 0) + 1);
  return sizes;
}

function chargeSize(key: string, recipients: number, question: Question, ledger: Ledger): void {
  const kilobytes = Math.ceil(question.request.sizeBytes / 1024);
  const perRecipient = parseCellKey(key)?.count === "kilobytes_per_recipient";
  settleKey(key, { amount: perRecipient ? kilobytes * recipients : kilobytes, kind: "added" }, question, ledger);
}

/** Charges one cell by its key; a rule that is gone since RCPT has nothing to say. */
function settleKey(key: string, amount: Amount, question: Question, ledger: Ledger): void {
  const prefix = prefixOf(key);
  const limit = question.rules.limits.get(prefix);
  if (limit === undefined) return;
  const only = { quota: { ...limit.quota, limits: [limit] }, keys: [key] };
  settleStep(only, question, ledger, () => amount);
}
