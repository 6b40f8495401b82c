// The words of the API: what every route takes and gives. Shared by the daemon, the command line and the web UI,
// which import nothing else of api/. Keys are snake_case, times ISO 8601 in UTC, absent values null.

import * as z from "zod";
import { banTrail } from "./contract-jails.ts";
import { by, cursor, dryRun, name, next, pageRowsMax, time } from "./contract-words.ts";

/** Where all routes stand. */
export const apiRoot = "/api/v1";

/** A policies file of 10 000 members and 1 000 policies has about 1 MB. */
export const rulesBytesMax = 64 * 1024 * 1024;
export const bodyBytesMax = 64 * 1024;
/** A group's members in one call: each is a change of its own. Larger lists come in a policies file. */
const membersMax = 100;

/** RFC 9457, with what the house's Problem knows. */
const problemSchema = z.object({
  code: z.string().describe("A code of docs/reference/problems.md."),
  message: z.string(),
  where: z.string().nullable(),
  hint: z.string().nullable(),
});

export const problemAnswer = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string().describe("All problems, one a line."),
  problems: z.array(problemSchema).describe("Each mistake with its place and its mend."),
});

export const applyRequest = z.strictObject({
  text: z.string().describe("The text of a policies file, TOML or JSON."),
  file: z.string().min(1).max(4_096).default("policies").describe("Its name, for the places of mistakes."),
  prune: z.boolean().default(false).describe("Remove policies and groups that the text does not hold."),
  dry_run: dryRun,
  by,
});

const namesChanged = z.object({
  added: z.array(z.string()),
  changed: z.array(z.string()),
  removed: z.array(z.string()),
});

export const applyAnswer = z.object({
  dry_run: z.boolean(),
  policies: namesChanged,
  groups: namesChanged,
  warnings: z.array(problemSchema),
});

export const exportAnswer = z.object({
  text: z.string().describe("A policies file that `apply` reads as these rules."),
});

export const rehearseRequest = z.strictObject({
  text: z.string().describe("name=value lines of one policy request; protocol_state is RCPT when absent."),
});

const findingSchema = z.object({
  kind: z.literal("finding"),
  check: z.string(),
  policy: z.string(),
  rule: z.string(),
  mode: z.enum(["enforce", "observe"]),
  effect: z
    .enum(["charged", "looked", "acted", "would", "exempt", "stage"])
    .describe(
      "charged: counted. looked: fits. acted: gave the verdict. would: observed only. exempt: excused by an `ok`. stage: a share of the limit was reached.",
    ),
  verdict: z.string(),
  text: z.string(),
  quota: z
    .object({
      key: z.string(),
      count: z.string(),
      max: z.number(),
      per: z.string(),
      algorithm: z.string(),
      amount: z.number(),
      before: z.number(),
      after: z.number(),
      frees_at: time.nullable(),
    })
    .nullable(),
});

const matchSchema = z.object({
  kind: z.literal("policy"),
  policy: z.string(),
  members: z
    .array(
      z.object({
        source: z.string().nullable(),
        destination: z.string().nullable(),
        because: z.array(z.string()).describe("`%group holds member`, down to the member that matched."),
      }),
    )
    .describe("The members that matched, where the rules of that moment are known."),
});

const trailSchema = z.array(z.discriminatedUnion("kind", [matchSchema, findingSchema]));

const verdictSchema = z.object({ kind: z.string(), text: z.string().optional() });

export const rehearseAnswer = z.object({
  action: z.string().describe("Postfix's action, as it would be sent."),
  verdict: verdictSchema,
  trail: trailSchema,
});

const quotaSchema = z.object({
  policy: z.string(),
  quota: z.string(),
  mode: z.enum(["enforce", "observe"]),
  key: z.string().describe("The track key, e.g. SASLUsername:bob@example.org."),
  count: z.string(),
  per: z.string(),
  algorithm: z.string(),
  max: z.number().describe("What the rule allows."),
  raised_to: z.number().nullable(),
  raised_until: time.nullable(),
  used: z.number(),
  frees_at: time.nullable().describe("When one more fits; null when it fits at once, or never will."),
  empty_at: time.nullable().describe("When nothing of it counts any more."),
});

export const quotaListQuery = z.strictObject({
  quota: name.optional().describe("Only counters of quotas of this name."),
  cursor,
  limit: z.coerce.number().int().min(1).max(pageRowsMax).default(pageRowsMax),
});

export const quotaPage = z.object({ quotas: z.array(quotaSchema), next });

export const quotaKeyQuery = z.strictObject({ key: z.string().min(1).max(1_000) });

export const quotaList = z.object({ quotas: z.array(quotaSchema) });

export const quotaResetRequest = z.strictObject({ key: z.string().min(1).max(1_000), dry_run: dryRun, by });

export const quotaRaiseRequest = z.strictObject({
  key: z.string().min(1).max(1_000),
  to: z.string().max(100).describe("N, N/COUNT, N/PER or N/COUNT/PER, as in 500/recipients/1h."),
  until: z.string().max(100).describe("ISO time, HH:MM, or a duration as in 2h."),
  dry_run: dryRun,
  by,
});

export const quotaChangeAnswer = z.object({
  dry_run: z.boolean(),
  quotas: z.array(quotaSchema).describe("The counters as they stand after the change, or would."),
});

const groupSchema = z.object({
  name: z.string(),
  enabled: z.boolean(),
  comment: z.string(),
  members: z.int().describe("How many, nested groups counted as one each."),
});

export const groupList = z.object({ groups: z.array(groupSchema) });

export const groupQuery = z.strictObject({
  name,
  cursor,
  limit: z.coerce.number().int().min(1).max(pageRowsMax).default(pageRowsMax),
});

export const groupAnswer = groupSchema.extend({
  list: z
    .array(z.object({ member: z.string(), origin: z.enum(["file", "added", "watch"]) }))
    .describe("`watch`: an account under watch, no member of its own."),
  nested: z.array(z.string()).describe("Groups inside it, at any depth."),
  used_by: z.array(z.string()).describe("Policies whose members name it, directly or through other groups."),
  next,
});

export const groupChangeRequest = z.strictObject({
  name,
  members: z.array(z.string().min(1).max(1_000)).min(1).max(membersMax),
  dry_run: dryRun,
  by,
});

export const groupChangeAnswer = z.object({
  dry_run: z.boolean(),
  name: z.string(),
  changed: z.array(z.string()).describe("The members added, or removed."),
  unchanged: z.array(z.string()).describe("Members that were there, or were not."),
});

const changeSchema = z.object({
  kind: z.enum(["policy", "group", "counter", "ban", "trust", "account"]),
  name: z.string(),
  act: z.enum(["added", "changed", "removed", "raised", "reset"]),
  at: time,
  by: z.string().describe("As it is known: a name from the control socket is claimed."),
  via: z.string(),
  detail: z.string().describe("The file, the members, or the limit."),
  since: z.boolean().describe("Made after the decision, so the decision did not know it."),
});

const decisionSchema = z.object({
  id: z.string(),
  node: z.string().describe("Which node decided."),
  at: time,
  last_at: time.describe("The last one of `count` identical refusals."),
  count: z.int(),
  account: z.string(),
  sender: z.string(),
  recipient: z.string(),
  client: z.string(),
  queue_id: z.string(),
  instance: z.string(),
  rule: z.string().describe("policy/rule"),
  key: z.string(),
  verdict: z.string(),
  text: z.string(),
  request: z.record(z.string(), z.union([z.string(), z.number()])),
  trail: trailSchema,
  changes: z
    .array(changeSchema)
    .describe("Who changed its policy, the groups that the policy names, and its counter last; newest first."),
});

export const explainQuery = z.strictObject({
  what: z
    .string()
    .min(1)
    .max(4_000)
    .describe(
      "A line of mail.log, the text of a bounce, an address, account, queue id, decision id, a time, or a piece of an answer's text.",
    ),
  cursor,
  limit: z.coerce.number().int().min(1).max(pageRowsMax).default(20),
});

export const explainAnswer = z.object({
  what: z.string(),
  found_as: z.enum(["decision", "client", "queue_id", "account", "recipient", "sender", "text", "line", "time"]),
  bans: z.array(banTrail).describe("Of an address: bans that it has or had, newest first."),
  decisions: z.array(decisionSchema).describe("Newest first."),
  quotas: z.array(quotaSchema).describe("Of an account or address: its counters."),
  account: z
    .object({
      account: z.string(),
      level: z.enum(["calm", "notice", "watch", "high"]),
      score: z.number(),
      because: z.string(),
      watched_since: time.nullable(),
      watched_because: z.string().nullable(),
      frozen: z.boolean(),
    })
    .nullable()
    .describe("Of an account that is under suspicion, under watch or frozen: how it stands."),
  next,
});

export const statusAnswer = z.object({
  version: z.string(),
  node: z.string(),
  started_at: time,
  uptime_seconds: z.number(),
  mode: z.enum(["enforce", "observe"]),
  store: z.object({
    engine: z.string(),
    location: z.string(),
    size_bytes: z.number(),
    writable: z.boolean(),
    last_error: z.string().nullable(),
    pending: z.int(),
    live_cells: z.int(),
    unrecorded_answers: z.int(),
  }),
  policy: z.object({
    questions: z.record(z.string(), z.int()).describe("By protocol state, since the start."),
    verdicts: z.record(z.string(), z.int()),
    connections: z.int(),
    open_messages: z.int(),
    completed: z.int(),
    aborted: z.int(),
    untracked: z.int(),
    errors: z.int(),
  }),
  rules: z.object({ policies: z.int(), groups: z.int(), members: z.int() }),
  bans: z.object({
    firewall: z.string(),
    standing: z.int(),
    enforced: z.int(),
    wanted: z.int().describe("Blocks that the bans want in the firewall of this node."),
    verified: z.int().describe("Those that it is known to hold."),
    error: z.string().nullable().describe("Why the firewall is not equal to the bans."),
    mended: z.int().describe("How many times what stood was not what should."),
    connections_cut: z.int(),
    connections_left: z.int(),
  }),
  last_reload: z.object({ at: time, ok: z.boolean(), error: z.string().nullable() }).nullable(),
  warnings: z.array(problemSchema.pick({ message: true, hint: true })),
});

const logSourceSchema = z.object({
  name: z.string().describe("As it is configured: a path or glob, `journal`, `syslog:ADDRESS`."),
  kind: z.enum(["file", "journal", "syslog", "archive"]),
  lag_seconds: z.number().describe("How far what is known is behind what is there; 0 when all is read and on disk."),
  last_line_at: time.nullable(),
  last_mail_at: time.nullable().describe("When the last line of Postfix or Dovecot was read."),
  lines: z.record(z.string(), z.int()).describe("By what they were: event, mail, other, unknown, skipped."),
  events: z.record(z.string(), z.int()).describe("Mail events by kind, since the start."),
  unparsed_share: z.number().describe("Unknown and skipped lines among all, 0 to 1."),
  lost: z.int().describe("Lines or files that were thrown away before they could be read, as far as it was told."),
  reading: z.array(z.object({ what: z.string(), at: z.string() })).describe("Files with their places."),
  troubles: z.array(z.string()),
  unknown_shapes: z
    .array(z.object({ shape: z.string(), count: z.int(), sample: z.string() }))
    .describe("Lines of no form that we know, by what is the same in them; of many at a time some are looked at."),
  unknown_others: z.int().describe("Such lines whose shapes were too rare to be kept."),
});

export const logStatusAnswer = z.object({
  configured: z.boolean(),
  at: time.nullable().describe("When the reading thread last reported."),
  restarts: z.int().describe("How often that thread had to be started again."),
  waits_for_store: z.boolean().describe("The store takes no writes, so nothing is read; the files are the buffer."),
  silent: z.boolean().describe("Postfix asks, and no line of it has come for ten minutes."),
  sources: z.array(logSourceSchema),
  replay: z
    .object({ share: z.number().min(0).max(1), path: z.string(), lines: z.int() })
    .nullable()
    .describe("Older logs are being read, at the first start or by `log replay`."),
});

export const replayRequest = z.strictObject({
  paths: z.array(z.string().startsWith("/").max(4096)).min(1).max(1000).describe("Files that the daemon may read."),
  since: time.optional().describe("What happened from here on; without it everything."),
  until: time.optional().describe("What happened before this; without it, before logs were followed."),
  year: z.int().min(1970).max(2200).optional().describe("Of the first line, for stamps without one."),
  zone: z.string().max(64).optional().describe("Of stamps without one; without it the daemon's."),
  again: z.boolean().default(false).describe("Reads again what was replayed before."),
  dry_run: z.boolean().default(false),
});

export const replayAnswer = z.object({
  running: z.boolean(),
  dry_run: z.boolean(),
  path: z.string().describe("The file that is being read."),
  share: z.number().describe("Of the bytes on disk, 0 to 1."),
  lines: z.int(),
  unknown: z.int().describe("Lines of no form that we know, or too long."),
  events: z.record(z.string(), z.int()).describe("Mail events that were taken, by kind."),
  earlier: z.int().describe("Events before `since`, left out."),
  later: z.int().describe("Events that came when logs were followed already, or after `until`, left out."),
  known_bytes: z.int().describe("Bytes of text that were replayed or followed before, left out."),
  first: time.nullable().describe("The first event that was taken."),
  last: time.nullable(),
  until: time.nullable(),
  warnings: z.array(z.string()),
  problem: z.object({ message: z.string(), where: z.string().nullable(), hint: z.string().nullable() }).nullable(),
});

export const probeAnswer = z.object({ ok: z.boolean(), problems: z.array(z.string()) });

export type ProblemAnswer = z.output<typeof problemAnswer>;
export type ProblemView = z.output<typeof problemSchema>;
export type ApplyRequest = z.input<typeof applyRequest>;
export type ApplyAnswer = z.output<typeof applyAnswer>;
export type ExportAnswer = z.output<typeof exportAnswer>;
export type RehearseRequest = z.input<typeof rehearseRequest>;
export type RehearseAnswer = z.output<typeof rehearseAnswer>;
export type TrailStep = z.output<typeof trailSchema>[number];
export type FindingStep = z.output<typeof findingSchema>;
export type QuotaAnswer = z.output<typeof quotaSchema>;
export type QuotaPage = z.output<typeof quotaPage>;
export type QuotaList = z.output<typeof quotaList>;
export type QuotaResetRequest = z.input<typeof quotaResetRequest>;
export type QuotaRaiseRequest = z.input<typeof quotaRaiseRequest>;
export type QuotaChangeAnswer = z.output<typeof quotaChangeAnswer>;
export type GroupList = z.output<typeof groupList>;
export type GroupAnswer = z.output<typeof groupAnswer>;
export type GroupChangeRequest = z.input<typeof groupChangeRequest>;
export type GroupChangeAnswer = z.output<typeof groupChangeAnswer>;
export type ChangeAnswer = z.output<typeof changeSchema>;
export type DecisionAnswer = z.output<typeof decisionSchema>;
export type ExplainAnswer = z.output<typeof explainAnswer>;
export type StatusAnswer = z.output<typeof statusAnswer>;
export type LogStatusAnswer = z.output<typeof logStatusAnswer>;
export type ReplayRequestBody = z.input<typeof replayRequest>;
export type ReplayAnswer = z.output<typeof replayAnswer>;
export type ProbeAnswer = z.output<typeof probeAnswer>;
