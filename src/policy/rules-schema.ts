// The keys of the policies file: types, defaults and the sentence the reference page prints. One item at a time; what
// concerns several items (names, groups, texts beside their verdict) is in rules-names, rules-groups and rules-text.

import * as z from "zod";
import { refuse } from "../config/check.ts";
import { orList } from "../config/outline.ts";
import { parseDuration } from "../core/duration.ts";
import {
  type AccessRule,
  accessVerdicts,
  accountingCounters,
  algorithms,
  calendarPeriods,
  counters,
  type Group,
  type Limit,
  type Policy,
  type QuotaRule,
  quotaVerdicts,
  ruleStates,
  type Stage,
  stageActions,
} from "../core/rules.ts";
import { built, notBuilt } from "./rules-built.ts";
import { textDefault } from "./rules-text.ts";
import { parseTrack, trackAllowed } from "./rules-track.ts";

const groupsMax = 20_000;
const groupMembersMax = 1_000_000;
const policiesMax = 20_000;
const rulesMax = 1_000;
const limitsMax = 32;
const stagesMax = 8;
const stagePercentMax = 1_000;

/** The longest text that is looked at; how long a sent one may be is checked in bytes. */
const textMax = 10_000;

/** Printable: no control, format (bidi), private or lone surrogate characters, no line separators. */
const name = z
  .string()
  .regex(/^[^\p{C}\p{Zl}\p{Zp}]{1,255}$/u)
  .meta({ allowed: "1 to 255 printable characters" });

const text = z.string().max(textMax);
const mode = z
  .enum(["enforce", "observe"])
  .default("enforce")
  .describe("`observe` records what it would do and does nothing.");
const onError = z.enum(["pass", "defer"]).optional().meta({
  description: "What to answer when the state cannot be known; as the policy says, else the configuration.",
  defaultText: "inherited",
});
const enabled = z.boolean().default(true).describe("`false` keeps it in the file and out of the way.");

/** A word of a list, in any case. */
function wordOf<W extends string>(words: readonly W[], hint = orList(words)) {
  return z
    .string()
    .transform((written, context) => {
      const found = words.find((word) => word === written.toLowerCase());
      if (found !== undefined) return found;
      refuse(context, {});
      return z.NEVER;
    })
    .meta({ allowed: hint });
}

/** A key that is known and refused. */
function laterKey(key: string, available: readonly string[]) {
  return z
    .unknown()
    .optional()
    .transform((value, context) => {
      if (value === undefined) return;
      refuse(context, { code: "rules/not-built", ...notBuilt(key, available) });
    })
    .meta({ description: "Not available in this version.", notBuilt: true });
}

const group = z
  .strictObject({
    name: name.describe("Named as `%name` by sources, destinations and other groups. Case counts."),
    members: z
      .array(z.string())
      .max(groupMembersMax)
      .default([])
      .describe("Items of the member language, each one of which is enough; `%other` nests up to 32 deep."),
    enabled,
    comment: text.default("").describe("For people."),
  })
  .transform((g): Group => ({ ...g, members: [...new Set(g.members)] }));

/** In the member language, which match/parse.ts reads; JSON may say null for any. */
function side(description: string) {
  const allowed = 'a text in the member language such as "%newuser" or "192.0.2.0/24,@example.com"';
  return z.string().nullable().default(null).meta({ description, allowed, defaultText: "any" });
}

const member = z.strictObject({
  source: side("Who sends, in the member language; absent is any."),
  destination: side("To whom, in the member language; absent is any."),
  enabled,
});

const access = z.strictObject({
  name: name.optional().meta({ description: "For explain and the log.", defaultText: "`access 1`, `access 2` …" }),
  verdict: wordOf(accessVerdicts).describe(
    "What is answered. `ok` exempts from our later refusals, `pass` has no opinion, the others are Postfix's actions (access(5)).",
  ),
  text: text
    .default(textDefault.access)
    .describe("Sent after the verdict as it stands; `{id}` becomes the number of the decision."),
  states: z.array(z.enum(ruleStates)).min(1).max(ruleStates.length).default(["RCPT"]).describe("When Postfix asks."),
  mode,
  on_error: onError,
  enabled,
});

const per = z
  .union([z.string(), z.number()])
  .transform((written, context) => {
    const ms = parseDuration(written);
    if (ms !== undefined && ms >= 1_000) return ms;
    refuse(context, {});
    return z.NEVER;
  })
  .meta({ allowed: 'a period of at least a second such as "90s", "1h", "1d", or whole seconds' });

const limit = z
  .strictObject({
    count: z
      .enum(counters)
      .meta({ allowed: orList(counters) })
      .describe("What is counted. `kilobytes` counts a message once, `kilobytes_per_recipient` once a recipient."),
    max: z.int().min(0).describe("So much fits into the window; 0 refuses always."),
    per: per.describe("The length of the window."),
  })
  .transform(({ count, max, per: periodMs }): Limit => ({ count, max, periodMs }));

const limits = z
  .array(limit)
  .max(limitsMax)
  .default([])
  .superRefine((list, context) => {
    for (const [index, { count, periodMs }] of list.entries()) {
      const first = list.findIndex((other) => other.count === count && other.periodMs === periodMs);
      if (first === index) continue;
      // Both would be one counter (a cell is policy, quota, count, per, algorithm, key), charged twice.
      const params = {
        message: `two limits of one quota count ${count} in the same period`,
        hint: "keep the smaller one",
      };
      context.addIssue({ code: "custom", path: [index], params });
    }
  });

const stage = z
  .strictObject({
    at: z
      .string()
      .transform((written, context) => {
        const percent = /^([1-9][0-9]{0,3})%$/.exec(written)?.[1];
        if (percent !== undefined && Number(percent) <= stagePercentMax) return Number(percent) / 100;
        refuse(context, {});
        return z.NEVER;
      })
      .meta({ description: "The share of the limit.", allowed: `a share such as "80%", at most ${stagePercentMax}%` }),
    do: z
      .enum(stageActions)
      .transform((word, context) => {
        if (built.stageActions.includes(word)) return word;
        refuse(context, { code: "rules/not-built", ...notBuilt(`the stage ${word}`, built.stageActions) });
        return z.NEVER;
      })
      .meta({ description: "`notify` records it and says so in the log.", allowed: orList(built.stageActions) }),
  })
  .transform(({ at: share, do: action }): Stage => ({ share, action }));

const quotaShape = z.strictObject({
  name: name.optional().meta({ description: "Part of the counters' keys.", defaultText: "`quota 1`, `quota 2` …" }),
  track: z
    .string()
    .transform((written, context) => {
      const track = parseTrack(written);
      if (track !== undefined) return track;
      refuse(context, { code: "rules/bad-track" });
      return z.NEVER;
    })
    .meta({ description: "Whose counter is charged, in cluebringer's words.", allowed: trackAllowed }),
  verdict: wordOf([...quotaVerdicts, ""], `${orList(quotaVerdicts)}; "" counts and refuses nothing`)
    .prefault("reject")
    .describe("What is answered when a limit is reached."),
  text: text.default(textDefault.quota).describe("Sent after the verdict as it stands."),
  algorithm: z
    .enum(algorithms)
    .meta({ allowed: orList(algorithms) })
    .default("sliding")
    .describe("How the window moves. `sliding`: never more than `max` in any window."),
  stop: z.boolean().default(false).describe("Cluebringer's LastQuota: later quotas are not asked."),
  null_sender: z.boolean().default(false).describe("Count the empty sender too, under the key `Sender:<>`."),
  limits: limits.describe("All are charged or none."),
  stages: z
    .array(stage)
    .max(stagesMax)
    .default([])
    .describe("What happens when a share of a limit is reached, once a period. Above 100% refused tries count too."),
  mode,
  on_error: onError,
  enabled,
});

/** Distinct recipients need a window that can tell when one leaves it. */
const quota = quotaShape.superRefine(({ algorithm, limits: counted }, context) => {
  if (algorithm === "sliding" || algorithm === "fixed") return;
  for (const [index, { count }] of counted.entries()) {
    if (count !== "unique_recipients" && count !== "new_recipients") continue;
    const params = { message: `${count} cannot be counted by ${algorithm}`, hint: "sliding or fixed" };
    context.addIssue({ code: "custom", path: ["limits", index, "count"], params });
  }
});

/** Nominal lengths: part of a cell's key, and the farthest a period can reach; the real bounds are the calendar's. */
const calendarMs = { day: 86_400_000, week: 7 * 86_400_000, month: 31 * 86_400_000 } as const;

const accountingLimit = z.strictObject({
  count: z
    .enum(accountingCounters)
    .meta({ allowed: orList(accountingCounters) })
    .describe("What is counted."),
  max: z.int().min(0).describe("So much fits into the period; 0 refuses always."),
});

const accounting = z.strictObject({
  ...{
    name: quotaShape.shape.name,
    track: quotaShape.shape.track,
    verdict: quotaShape.shape.verdict,
    text: quotaShape.shape.text,
  },
  period: wordOf(calendarPeriods).describe("A calendar day, ISO week or month in `[policy] time_zone`."),
  stop: z.boolean().default(false).describe("Cluebringer's LastAccounting: later accounting is not asked."),
  null_sender: quotaShape.shape.null_sender,
  limits: z
    .array(accountingLimit)
    .max(limitsMax)
    .default([])
    .superRefine((list, context) => {
      for (const [index, { count }] of list.entries()) {
        if (list.findIndex((other) => other.count === count) === index) continue;
        const params = { message: `two limits of one rule count ${count}`, hint: "keep the smaller one" };
        context.addIssue({ code: "custom", path: [index], params });
      }
    })
    .describe("All are charged or none. Sizes are added at the end of a message and judged at the next recipient."),
  mode,
  on_error: onError,
  enabled,
});

const policy = z
  .strictObject({
    name: name.describe("Part of the counters' keys."),
    priority: z
      .int()
      .min(0)
      .max(100)
      .default(50)
      .describe("Lower is asked first; equal ones in the order of the file."),
    enabled,
    mode,
    on_error: onError,
    description: text.default("").describe("For people."),
    members: z.array(member).max(groupMembersMax).meta({
      description: "Any of these is enough; a member matches when source and destination do.",
      allowed: "a list of { source, destination }; members = [{}] matches all mail",
    }),
    access: z.array(access).max(rulesMax).default([]).describe("Verdicts without a counter."),
    quotas: z.array(quota).max(rulesMax).default([]).describe("Verdicts when too much was sent."),
    helo: laterKey("policies.helo", built.sections),
    spf: laterKey("policies.spf", built.sections),
    greylist: laterKey("policies.greylist", built.sections),
    accounting: z.array(accounting).max(rulesMax).default([]).describe("What may be sent in a calendar period."),
  })
  .transform(
    (p): Policy => ({
      name: p.name,
      priority: p.priority,
      enabled: p.enabled,
      mode: p.mode,
      onError: p.on_error,
      description: p.description,
      members: p.members,
      access: p.access.map(accessRule),
      quotas: p.quotas.map(quotaRule),
      accounting: p.accounting.map(accountingRule),
    }),
  );

export function accessName(index: number): string {
  return `access ${index + 1}`;
}

export function quotaName(index: number): string {
  return `quota ${index + 1}`;
}

export function accountingName(index: number): string {
  return `accounting ${index + 1}`;
}

function accessRule(rule: z.output<typeof access>, index: number): AccessRule {
  const { name: given, on_error, ...rest } = rule;
  return { ...rest, name: given ?? accessName(index), onError: on_error };
}

/** A quota without a verdict counts only: it is observed, as a reject that is never sent. */
function quotaRule(rule: z.output<typeof quota>, index: number): QuotaRule {
  const { verdict } = rule;
  return {
    name: rule.name ?? quotaName(index),
    enabled: rule.enabled,
    mode: verdict === "" ? "observe" : rule.mode,
    onError: rule.on_error,
    track: rule.track,
    verdict: verdict === "" ? "reject" : verdict,
    text: rule.text,
    algorithm: rule.algorithm,
    stop: rule.stop,
    nullSender: rule.null_sender,
    limits: rule.limits,
    stages: rule.stages,
  };
}

/** Accounting is a quota whose window is the calendar's. */
function accountingRule(rule: z.output<typeof accounting>, index: number): QuotaRule {
  const { period, limits, name: given, ...rest } = rule;
  const name = given ?? accountingName(index);
  const counted = limits.map(({ count, max }) => ({ count, max, per: calendarMs[period] }));
  const asQuota = { ...rest, name, algorithm: "sliding" as const, limits: counted.map(limitOf), stages: [] };
  return { ...quotaRule(asQuota, index), algorithm: period };
}

function limitOf({ count, max, per }: { count: Limit["count"]; max: number; per: number }): Limit {
  return { count, max, periodMs: per };
}

export const rulesSchema = z.strictObject({
  groups: z.array(group).max(groupsMax).default([]).describe("Named lists of members."),
  policies: z.array(policy).max(policiesMax).default([]).describe("Who is meant, and what applies to them."),
});
