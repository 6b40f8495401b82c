// Trails and records as the API shows them: the engine's findings with names and times a stranger can read.

import { printPeriod } from "../core/calendar.ts";
import type { Trail } from "../policy/decision-book.ts";
import type { FindingView } from "../policy/finding.ts";
import type { DecisionRow } from "../store/db.ts";
import type { DecisionAnswer, FindingStep, TrailStep } from "./contract.ts";

/** ISO 8601 in UTC, of ms since the epoch. */
export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

export function isoTimeOrNull(ms: number | undefined): string | null {
  return ms === undefined ? null : isoTime(ms);
}

export function findingStep(view: FindingView): FindingStep {
  const { check, policy, rule, mode, effect, verdict, text, quota } = view;
  const base = { kind: "finding" as const, check, policy, rule, mode, effect, verdict, text };
  if (quota === undefined) return { ...base, quota: null };
  const { key, count, max, periodMs, algorithm, amount, before, after, freesAt } = quota;
  const per = printPeriod(algorithm, periodMs);
  return {
    ...base,
    quota: { key, count, max, per, algorithm, amount, before, after, frees_at: isoTimeOrNull(freesAt) },
  };
}

/** A record with its trail. `trail` was written by us; one of another version shows what can be read. */
export function decisionView(row: DecisionRow): Omit<DecisionAnswer, "changes"> {
  const { request, policies, findings, node } = parseTrail(row.trail);
  const steps: TrailStep[] = policies.map((policy) => ({ kind: "policy", policy, members: [] }));
  return {
    id: row.id,
    node,
    at: isoTime(row.at),
    last_at: isoTime(row.lastAt),
    count: row.count,
    account: row.account,
    sender: row.sender,
    recipient: row.recipient,
    client: row.client,
    queue_id: row.queueId,
    instance: row.instance,
    rule: row.rule,
    key: row.key,
    verdict: row.verdict,
    text: row.text,
    request: { ...request },
    trail: [...steps, ...findings.map(findingStep)],
  };
}

function parseTrail(json: string): Trail {
  const empty: Trail = { node: "", request: {}, policies: [], findings: [] };
  try {
    return { ...empty, ...(JSON.parse(json) as Partial<Trail> | null) };
  } catch {
    return empty;
  }
}
