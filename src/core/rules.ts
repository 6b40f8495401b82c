// What an administrator writes: groups, policies and their rules, after defaults. Plain data, the shape of the policies file.

/** A rule that acts, or one that only records what it would do. */
export type Mode = "enforce" | "observe";

/** What a rule does where no state is known. */
export type OnError = "pass" | "defer";

export const accessVerdicts = [
  "reject",
  "defer",
  "hold",
  "discard",
  "filter",
  "redirect",
  "ok",
  "pass",
  "prepend",
] as const;
export type AccessVerdict = (typeof accessVerdicts)[number];

export const quotaVerdicts = ["reject", "defer", "hold", "discard", "filter", "redirect"] as const;
export type QuotaVerdict = (typeof quotaVerdicts)[number];

export const counters = [
  "messages",
  "recipients",
  "unique_recipients",
  "new_recipients",
  "kilobytes",
  "kilobytes_per_recipient",
  "external_recipients",
] as const;
export type Counter = (typeof counters)[number];

export const algorithms = ["sliding", "gcra", "fixed", "compat-decay"] as const;
export type Algorithm = (typeof algorithms)[number];

/** Accounting counts by the calendar. */
export const calendarPeriods = ["day", "week", "month"] as const;
export type CalendarPeriod = (typeof calendarPeriods)[number];

export const accountingCounters = [
  "messages",
  "recipients",
  "kilobytes",
  "kilobytes_per_recipient",
  "external_recipients",
] as const;

/** Every way a cell counts. */
export type CountingAlgorithm = Algorithm | CalendarPeriod;

export const ruleStates = ["RCPT", "DATA", "END-OF-MESSAGE"] as const;
export type RuleState = (typeof ruleStates)[number];

/** A named list of members; a member is one item of the member language, `%other` nests. */
export interface Group {
  readonly name: string;
  readonly enabled: boolean;
  readonly comment: string;
  readonly members: readonly string[];
}

/** Source and destination in the member language; `null` is any, the empty string is never (cluebringer's dead member). */
export interface Member {
  readonly source: string | null;
  readonly destination: string | null;
  readonly enabled: boolean;
}

export interface AccessRule {
  readonly name: string;
  readonly enabled: boolean;
  readonly mode: Mode;
  readonly onError: OnError | undefined;
  readonly verdict: AccessVerdict;
  readonly text: string;
  readonly states: readonly RuleState[];
}

export interface Limit {
  readonly count: Counter;
  /** 0 refuses always. */
  readonly max: number;
  readonly periodMs: number;
}

export interface QuotaRule {
  readonly name: string;
  readonly enabled: boolean;
  readonly mode: Mode;
  readonly onError: OnError | undefined;
  readonly track: Track;
  readonly verdict: QuotaVerdict;
  readonly text: string;
  /** A rule of accounting has its calendar period here. */
  readonly algorithm: CountingAlgorithm;
  /** cluebringer's LastQuota: later quotas are not asked. */
  readonly stop: boolean;
  /** Count the empty sender under the key `Sender:<>`. */
  readonly nullSender: boolean;
  readonly limits: readonly Limit[];
  readonly stages: readonly Stage[];
}

export const stageActions = ["notify", "watch"] as const;

/** Something that happens when a share of a limit is reached; above 1 refused tries count too. */
export interface Stage {
  readonly share: number;
  readonly action: (typeof stageActions)[number];
}

/** Whose counter is charged. `text` is the form of the policies file. */
export type Track =
  | { readonly kind: "sender" | "recipient"; readonly part: "user@domain" | "@domain" | "user@"; readonly text: string }
  | { readonly kind: "sender-ip"; readonly v4: number; readonly v6: number; readonly text: string }
  | { readonly kind: "sasl-username" | "policy"; readonly text: string };

/** An ordered set of members and the checks that apply to what they match. */
export interface Policy {
  readonly name: string;
  /** Lower is asked first; equal ones in the order of the file. */
  readonly priority: number;
  readonly enabled: boolean;
  readonly mode: Mode;
  readonly onError: OnError | undefined;
  readonly description: string;
  readonly members: readonly Member[];
  readonly access: readonly AccessRule[];
  readonly quotas: readonly QuotaRule[];
  readonly accounting: readonly QuotaRule[];
}

/** All rules of a store, policies in (priority, order) order. */
export interface RuleSet {
  readonly groups: readonly Group[];
  readonly policies: readonly Policy[];
}
