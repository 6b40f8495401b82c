// Rules as questions use them: matcher, checks and limits made once when rules change, swapped whole, never changed.

import { algorithmOf } from "../core/algorithms/index.ts";
import type { CellAlgorithm, CellLimit } from "../core/cell.ts";
import type { AccessRule, Limit, Mode, OnError, Policy, QuotaRule, RuleSet } from "../core/rules.ts";
import type { Freeze } from "../store/freezes.ts";
import { cellPrefix } from "./cell-key.ts";
import { compileMatcher, type Matcher } from "./match/compile.ts";
import type { Request } from "./request.ts";

export interface CompiledRules {
  /** The account of a login. */
  readonly canonical: (login: string) => string;
  /** What a rule that does not say answers where no state is known. */
  readonly onError: OnError;
  readonly matcher: Matcher;
  /** By index as the matcher counts, in (priority, order). */
  readonly policies: readonly CompiledPolicy[];
  /** Whether the recipient of a question is one of ours: what external_recipients does not count. */
  readonly isInternal: (request: Request) => boolean;
  /** What frozen accounts are answered, by account. */
  readonly frozen: ReadonlyMap<string, CompiledAccess>;
  /** The limit whose cells start with this prefix; undefined when the rule is gone. */
  readonly limits: ReadonlyMap<string, CompiledLimit>;
}

export interface CompiledPolicy {
  readonly policy: Policy;
  readonly access: readonly CompiledAccess[];
  readonly quotas: readonly CompiledQuota[];
  readonly accounting: readonly CompiledQuota[];
}

export interface CompiledAccess {
  readonly policy: Policy;
  readonly rule: AccessRule;
  readonly observed: boolean;
}

export interface CompiledQuota {
  readonly policy: Policy;
  readonly rule: QuotaRule;
  readonly observed: boolean;
  readonly limits: readonly CompiledLimit[];
}

export interface CompiledLimit {
  readonly quota: CompiledQuota;
  readonly limit: Limit;
  readonly prefix: string;
  readonly cell: CellLimit;
  readonly algorithm: CellAlgorithm;
}

export interface CompileOptions {
  /** `[policy] mode`: observe makes every rule an observed one. */
  readonly mode: Mode;
  /** `[policy] internal`: a destination expression; empty, or naming a group that does not exist: nobody is internal. */
  readonly internal: string;
  readonly onError: OnError;
  /** `[policy] time_zone`: of accounting's periods. */
  readonly timeZone: string;
  /** The group that accounts under watch join; undefined where watches are only recorded. */
  readonly watchGroup?: string | undefined;
  readonly canonical: (login: string) => string;
}

/** Compiles checked rules; members that do not parse are a bug here, since saving refused them. */
export function compileRules(
  rules: RuleSet,
  options: CompileOptions,
  freezes: readonly Pick<Freeze, "account" | "text">[] = [],
): CompiledRules {
  const matcher = compileMatcher({ groups: rules.groups, policies: rules.policies, canonical: options.canonical });
  const policies = rules.policies.map((policy) => compilePolicy(policy, options));
  const limits = new Map<string, CompiledLimit>();
  for (const policy of policies) {
    for (const quota of [...policy.quotas, ...policy.accounting])
      for (const limit of quota.limits) limits.set(limit.prefix, limit);
  }
  const isInternal = compileInternal(matcher, rules, options.internal);
  const frozen = new Map(freezes.map(({ account, text }) => [account, compileFreeze(text, options.mode)]));
  return { canonical: options.canonical, onError: options.onError, matcher, policies, frozen, limits, isInternal };
}

/** A freeze has the form of an access rule, so that it is recorded and explained as one. */
function compileFreeze(text: string, mode: Mode): CompiledAccess {
  const common = { name: "accounts", enabled: true, mode, onError: undefined };
  const rule: AccessRule = { ...common, name: "frozen", verdict: "reject", text, states: ["RCPT", "END-OF-MESSAGE"] };
  const lists = { members: [], access: [], quotas: [], accounting: [] };
  return { policy: { ...common, ...lists, priority: 0, description: "" }, rule, observed: mode === "observe" };
}

function compileInternal(matcher: Matcher, rules: RuleSet, internal: string): (request: Request) => boolean {
  const group = /^!?%(.+)$/.exec(internal)?.[1];
  if (internal === "" || (group !== undefined && !rules.groups.some(({ name }) => name === group))) return () => false;
  return matcher.compileExpression(internal, "destination");
}

function compilePolicy(policy: Policy, { mode, timeZone }: CompileOptions): CompiledPolicy {
  const isObserved = (rule: { readonly mode: Mode }) =>
    mode === "observe" || policy.mode === "observe" || rule.mode === "observe";
  const access = policy.access
    .filter((rule) => rule.enabled)
    .map((rule) => ({ policy, rule, observed: isObserved(rule) }));
  const compile = (rules: readonly QuotaRule[]) =>
    rules.filter((rule) => rule.enabled).map((rule) => compileQuota(policy, rule, isObserved(rule), timeZone));
  return { policy, access, quotas: compile(policy.quotas), accounting: compile(policy.accounting) };
}

function compileQuota(policy: Policy, rule: QuotaRule, observed: boolean, zone: string): CompiledQuota {
  const limits: CompiledLimit[] = [];
  const quota: CompiledQuota = { policy, rule, observed, limits };
  const algorithm = algorithmOf(rule.algorithm);
  for (const limit of rule.limits) {
    const prefix = cellPrefix(policy.name, rule.name, rule.algorithm, limit);
    const cell = { algorithm: rule.algorithm, max: limit.max, periodMs: limit.periodMs, zone };
    limits.push({ quota, limit, prefix, cell, algorithm });
  }
  return quota;
}
