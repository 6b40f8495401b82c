// What a check found out about a question, as a value: the stuff of records, trails and explain.

import type { Admission } from "../core/cell.ts";
import type { Stage } from "../core/rules.ts";
import type { CompiledAccess, CompiledLimit } from "./compiled-rules.ts";

export type Finding = AccessFinding | QuotaFinding;

export interface AccessFinding {
  /** `banned` speaks in the form of an access rule: policy `bans`, the jail as the rule. */
  readonly check: "access" | "banned";
  readonly access: CompiledAccess;
  readonly effect: Effect;
}

export interface QuotaFinding {
  readonly check: "quota";
  readonly limit: CompiledLimit;
  /** The cell's key. */
  readonly key: string;
  /** The limit that held: the rule's, or a raised one. */
  readonly max: number;
  readonly amount: number;
  readonly admission: Admission;
  readonly effect: Effect;
  /** With the effect `stage`: the one that was reached. */
  readonly stage?: Stage;
}

/**
 * charged: counted. looked: fits by the declared size, counted at END-OF-MESSAGE. acted: gave the verdict.
 * stage: a share of the limit was reached. would: an observed rule that would have acted. exempt: would have acted, but for an access `ok`.
 */
export type Effect = "charged" | "looked" | "acted" | "would" | "exempt" | "stage";

/** The plain form of a finding, as records and `explain` print it. Times in ms since the epoch. */
export interface FindingView {
  readonly check: "access" | "banned" | "quota";
  readonly policy: string;
  readonly rule: string;
  readonly mode: "enforce" | "observe";
  readonly effect: Effect;
  readonly verdict: string;
  readonly text: string;
  readonly quota?: {
    readonly key: string;
    readonly count: string;
    readonly max: number;
    readonly periodMs: number;
    readonly algorithm: string;
    readonly amount: number;
    readonly before: number;
    readonly after: number;
    /** When a refused charge fits again; absent when it never will, or was not refused. */
    readonly freesAt?: number;
  };
}

export function viewOf(finding: Finding): FindingView {
  return finding.check === "quota" ? viewOfQuota(finding) : viewOfAccess(finding);
}

function viewOfAccess({ check, access, effect }: AccessFinding): FindingView {
  const { rule, policy, observed } = access;
  const mode = observed ? "observe" : "enforce";
  return {
    check,
    policy: policy.name,
    rule: rule.name,
    mode,
    effect,
    verdict: rule.verdict,
    text: rule.text,
  };
}

function viewOfQuota({ limit, key, max, amount, admission, effect, stage }: QuotaFinding): FindingView {
  const { rule, policy, observed } = limit.quota;
  return {
    check: "quota",
    policy: policy.name,
    rule: rule.name,
    mode: observed ? "observe" : "enforce",
    effect,
    verdict: stage === undefined ? rule.verdict : stage.action,
    text: stage === undefined ? rule.text : `${Math.round(stage.share * 100)}% of ${max} ${limit.limit.count}`,
    quota: {
      key: key.slice(limit.prefix.length),
      count: limit.limit.count,
      max,
      periodMs: limit.limit.periodMs,
      algorithm: rule.algorithm,
      amount,
      before: admission.before,
      after: admission.after,
      ...(admission.freesAt === undefined ? {} : { freesAt: admission.freesAt }),
    },
  };
}

/** Findings that keep a record: whatever was, would have been, or but for an exemption would have been other than a pass. */
export function isRecorded(finding: Finding): boolean {
  if (finding.effect === "charged" || finding.effect === "looked") return false;
  if (finding.check === "quota") return true;
  const { verdict } = finding.access.rule;
  return verdict !== "ok" && verdict !== "pass" && verdict !== "prepend";
}
