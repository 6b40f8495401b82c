// The words of the API about jails and what led to their bans: a part of the contract (contract.ts has its rules).

import * as z from "zod";
import { pageRowsMax, time } from "./contract-words.ts";

export const banTrail = z.object({
  ...{ address: z.string(), jail: z.string(), reason: z.string(), origin: z.string(), node: z.string() },
  count: z.int().describe("How often it was wished for."),
  enforced: z.boolean().describe("false: only recorded."),
  standing: z.boolean(),
  from: time,
  until: time.nullable().describe("null: without end."),
  ended: z.object({ at: time, by: z.string() }).nullable().describe("Who ended it before its time."),
  lines: z.array(z.string()).describe("The lines of the log that led to it, as far as they were kept."),
  curve: z.array(z.object({ at: time, count: z.int() })).describe("How the count grew to maxretry."),
});

const jailSchema = z.object({
  name: z.string(),
  origin: z.enum(["own", "fail2ban"]),
  failing: z.int().describe("Addresses that fail just now."),
  banned: z.int().describe("Bans of it that stand."),
  counts: z
    .object({
      ...{ failures: z.int(), tickets: z.int(), old: z.int(), exempt: z.int() },
      ...{ softened: z.int(), forged: z.int(), own_fault: z.int(), unusable: z.int() },
    })
    .describe(
      "Since the start. failures: counted. tickets: times that maxretry was reached. The others were not counted.",
    ),
  last_ban: z.object({ address: z.string(), at: time }).nullable(),
  troubles: z.array(z.string()).describe("What of it is left alone, and why."),
});

const jailMode = z.enum(["enforce", "observe"]).describe("`[jails] mode`.");

export const jailListAnswer = z.object({
  mode: jailMode,
  running: z.boolean().describe("false: no log is read, or the thread that reads them has not reported yet."),
  jails: z.array(jailSchema),
  problems: z.array(z.string()).describe("Why jails of the Fail2ban configuration do not run."),
  leaks: z
    .object({ lines: z.int(), last: z.object({ address: z.string(), jail: z.string(), at: time }).nullable() })
    .describe("Lines of banned addresses after the ban took effect."),
});

export const jailQuery = z.strictObject({
  jail: z.string().min(1).max(255),
  limit: z.coerce.number().int().min(1).max(pageRowsMax).default(20),
});

export const jailAnswer = z.object({
  ...jailSchema.shape,
  mode: jailMode,
  settings: z.object({
    maxretry: z.int(),
    findtime_seconds: z.number(),
    bantime_seconds: z.number().nullable().describe("null: without end."),
    counting: z.enum(["sliding", "estimate"]),
  }),
  failing_now: z.array(z.object({ id: z.string(), count: z.int(), at: time })),
  bans: z.array(
    z.object({
      ...{ address: z.string(), from: time, until: time.nullable(), reason: z.string() },
      enforced: z.boolean().describe("false: only recorded."),
    }),
  ),
  softened: z
    .array(z.object({ at: time, address: z.string(), account: z.string(), because: z.string() }))
    .describe("Failures that were treated mildly, the last ones."),
});

/** Words in one call: some addresses, and what to do with them. */
const wordsMax = 1_000;

export const clientRequest = z.strictObject({
  words: z.array(z.string().max(1_000)).max(wordsMax).describe("What stands behind `fail2ban-client`."),
  admin_address: z.string().max(64).optional().describe("Where the administrator is: trusted for twelve hours."),
  by: z.string().max(200).default(""),
});
export const clientAnswer = z.object({ text: z.string(), exit: z.union([z.literal(0), z.literal(255)]) });

export type ClientAnswer = z.output<typeof clientAnswer>;
export type BanTrailAnswer = z.output<typeof banTrail>;
export type JailListAnswer = z.output<typeof jailListAnswer>;
export type JailAnswer = z.output<typeof jailAnswer>;
