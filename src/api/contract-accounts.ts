// The words of the API about accounts: a part of the contract (contract.ts has its rules).

import * as z from "zod";
import { by, dryRun, pageRowsMax, time } from "./contract-words.ts";

const account = z.string().min(1).max(320).describe("A login; it is made canonical.");
const level = z.enum(["calm", "notice", "watch", "high"]);
const mode = z.enum(["enforce", "observe"]);

const signalSchema = z.object({ name: z.string(), points: z.number(), because: z.string() });

const watchSchema = z.object({
  since: time,
  until: time.nullable().describe("null: until the judge or a person ends it."),
  origin: z.enum(["judge", "hand", "release"]),
  reason: z.string(),
  by: z.string(),
});

export const accountListQuery = z.strictObject({
  watched: z.enum(["yes", "no"]).default("no").describe("Only accounts under watch."),
  limit: z.coerce.number().int().min(1).max(pageRowsMax).default(pageRowsMax),
});

export const accountList = z.object({
  mode,
  watch_group: z.string(),
  accounts: z
    .array(
      z.object({
        account: z.string(),
        level,
        score: z.number(),
        at: time.nullable().describe("When it came to this level, by the log."),
        because: z.string(),
        watch: watchSchema.nullable(),
        frozen: z.boolean(),
      }),
    )
    .describe("Above calm, under watch or frozen; highest score first."),
});

export const accountQuery = z.strictObject({ account });

const useSchema = z.object({
  name: z.string(),
  country: z.string(),
  first_at: time,
  last_at: time,
  calm_days: z.int().describe("Days of use on which the account stayed calm to the end."),
  familiar: z.boolean(),
});

const markSchema = z.object({
  id: z.string(),
  account: z.string().describe("Empty: of all accounts."),
  kind: z.enum(["mine", "trip", "shared", "device", "trust"]),
  value: z.string(),
  from: time.nullable(),
  until: time.nullable(),
  note: z.string(),
  at: time,
  by: z.string(),
});

const levelSchema = z.object({ at: time, level, score: z.number(), signals: z.array(signalSchema) });

const stepSchema = z.object({
  step: z.enum(["freeze", "hold", "kick", "ban", "notify", "watch", "unfreeze", "unhold", "unban", "reset"]),
  what: z.string(),
  result: z.enum(["planned", "done", "nothing_to_do", "failed", "by_hand"]),
  detail: z.string().describe("What was done to what, or what to run by hand."),
});

export const accountView = z.object({
  account: z.string(),
  mode,
  watch_group: z.string(),
  known: z.boolean().describe("false: the judge has not seen it, or no log is read."),
  level,
  level_at: time.nullable(),
  watch_ends_at: time.nullable().describe("When the judge ends a watch of its own, if nothing more happens."),
  score: z.number(),
  signals: z.array(signalSchema).describe("What is found at this moment."),
  learning: z.boolean(),
  exempt: z.boolean(),
  first_at: time.nullable(),
  seen_at: time.nullable(),
  logins: z.int(),
  usual_recipients: z.number().nullable().describe("A day, nine days out of ten; null until four days are known."),
  networks: z.array(useSchema),
  countries: z.array(useSchema),
  recent: z
    .array(
      z.object({
        ...{ at: time, ip: z.string(), network: z.string(), country: z.string(), familiar: z.boolean() },
        popular: z.boolean().describe("Many accounts of the site use its network."),
        registered: z
          .string()
          .nullable()
          .describe(
            "The block's name at its registry, of an unfamiliar login, where `networks.registry` has found it.",
          ),
      }),
    )
    .describe("Logins of the last day, newest first."),
  levels: z.array(levelSchema).describe("Changes of level, newest first."),
  marks: z.array(markSchema),
  watch: watchSchema.nullable(),
  watch_pause: z.object({ until: time, by: z.string() }).nullable().describe("Somebody ended its watch by hand."),
  frozen: z.object({ since: time, by: z.string(), text: z.string() }).nullable(),
  contained: z.object({ at: time, by: z.string(), steps: z.array(stepSchema) }).nullable(),
});

export const watchRequest = z.strictObject({
  account,
  end: z.boolean().default(false).describe("End the watch; it does not begin again by itself for 7 days."),
  until: z.string().max(100).optional().describe("ISO time, HH:MM, or a duration as in 2h."),
  reason: z.string().max(500).default("by hand"),
  dry_run: dryRun,
  by,
});

export const watchAnswer = z.object({
  dry_run: z.boolean(),
  account: z.string(),
  changed: z.boolean(),
  watch: watchSchema.nullable(),
});

export const markRequest = z.strictObject({
  account: z.string().max(320).default("").describe("Empty: all accounts, for networks only."),
  kind: z.enum(["mine", "trip", "shared", "device", "trust"]),
  value: z
    .string()
    .max(100)
    .default("")
    .describe("mine: AS15895, an address, a prefix, or all that are unfamiliar. trip: a country's two letters."),
  from: z.string().max(100).optional().describe("Of a trip: an ISO time; at once without it."),
  until: z.string().max(100).optional().describe("ISO time, HH:MM, or a duration as in 14d."),
  note: z.string().max(500).default(""),
  remove: z.boolean().default(false).describe("Take the mark away."),
  dry_run: dryRun,
  by,
});

export const markAnswer = z.object({
  dry_run: z.boolean(),
  changed: z.array(markSchema.omit({ id: true, at: true, by: true })),
});

export const eraseRequest = z.strictObject({ account, dry_run: dryRun, by });

export const eraseAnswer = z.object({
  dry_run: z.boolean(),
  account: z.string(),
  erased: z.boolean().describe("Something was known of it."),
});

export const containRequest = z.strictObject({
  account,
  act: z.boolean().default(false).describe("Without it the plan is answered, and nothing is done."),
  skip: z.array(z.enum(["freeze", "hold", "kick", "ban", "notify"])).default([]),
  reason: z.string().max(500).default("contained by hand"),
  by,
});

export const releaseRequest = z.strictObject({
  account,
  act: z.boolean().default(false).describe("Without it the plan is answered, and nothing is done."),
  password_changed: z.boolean().default(false).describe("The password was changed; without it nothing is given back."),
  held: z.enum(["release", "delete"]).default("delete").describe("What becomes of the messages that were held."),
  probation: z.string().max(100).default("7d").describe("How long it stays under watch; 0s for not at all."),
  by,
});

export const stepsAnswer = z.object({ account: z.string(), acted: z.boolean(), steps: z.array(stepSchema) });

export type AccountList = z.output<typeof accountList>;
export type AccountShown = z.output<typeof accountView>;
export type WatchShown = z.output<typeof watchSchema>;
export type WatchAnswer = z.output<typeof watchAnswer>;
export type MarkAnswer = z.output<typeof markAnswer>;
export type EraseAnswer = z.output<typeof eraseAnswer>;
export type StepShown = z.output<typeof stepSchema>;
export type StepsAnswer = z.output<typeof stepsAnswer>;
