// Stages of a quota: something happens when a share of a limit is reached, before it is full (`80%`) or by tries beyond it (`150%`).

import type { Stage } from "../../core/rules.ts";
import { stageMark } from "../cell-key.ts";
import type { Question } from "../check.ts";
import type { CompiledLimit } from "../compiled-rules.ts";
import type { Ledger } from "../ledger.ts";

/** How much of a limit was used, tries beyond it included, before and after a question. */
export interface Reach {
  readonly max: number;
  readonly before: number;
  readonly after: number;
}

/** The stages that a question reached: not there before, there after. A limit of nought has none. */
export function reachedStages(limit: CompiledLimit, { max, before, after }: Reach): readonly Stage[] {
  if (max === 0) return [];
  return limit.quota.rule.stages.filter(({ share }) => before < share * max && after >= share * max);
}

/** Whether tries beyond the limit are counted: only where a stage asks for them. */
export function countsTries(limit: CompiledLimit): boolean {
  return limit.quota.rule.stages.some(({ share }) => share > 1);
}

/** The cell of refused tries, beside the counter's. */
export function triesKey(key: string): string {
  return stageMark + key;
}

/** Counts a refused try; it stays counted though the question is refused. Returns how far the limit is reached with it. */
export function countTry(
  limit: CompiledLimit,
  key: string,
  asked: { max: number; used: number; amount: number },
  question: Question,
  ledger: Ledger,
): Reach {
  const { algorithm, cell } = limit;
  const tries = algorithm.admit(ledger.state(triesKey(key)), cell, {
    at: question.now,
    amount: asked.amount,
    force: true,
  });
  if (tries.state !== undefined) ledger.keep(triesKey(key), tries.state, algorithm.expiresAt(tries.state, cell));
  return { max: asked.max, before: asked.used + tries.before, after: asked.used + tries.after };
}
