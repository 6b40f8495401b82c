// The words of the API about bans and trust: a part of the contract (contract.ts has its rules).

import * as z from "zod";
import { banTrail } from "./contract-jails.ts";
import { by, cursor, dryRun, next, pageRowsMax, time } from "./contract-words.ts";

/** Addresses in one call. */
const addressesMax = 1_000;
const addresses = z.array(z.string().max(64)).max(addressesMax);
/** A claim like `by`: where the person is who asks. He is trusted for twelve hours. */
const adminAddress = z.string().max(64).optional().describe("Where the administrator is: trusted for twelve hours.");

const banSchema = z.object({
  address: z.string().describe("A host without its length, or a network."),
  jail: z.string(),
  from: time,
  until: time.nullable().describe("null: it does not end."),
  reason: z.string(),
  origin: z.enum(["jail", "admin", "import", "account"]),
  verified: z.boolean().describe("The firewall of this node is known to hold it."),
  enforce: z.boolean(),
  ports: z.string().nullable().describe("TCP ports; null closes everything."),
  count: z.int().describe("How many times it was wished for while it stood."),
  node: z.string(),
});

export const banListQuery = z.strictObject({
  cursor,
  limit: z.coerce.number().int().min(1).max(pageRowsMax).default(pageRowsMax),
  jail: z.string().max(255).optional(),
});
export const banPage = z.object({ bans: z.array(banSchema), next });

export const banRequest = z.strictObject({
  addresses: addresses.min(1),
  for: z.string().max(40).optional().describe("A duration or `forever`; an hour when it is left out."),
  jail: z.string().min(1).max(255).optional(),
  reason: z.string().max(500).default(""),
  admin_address: adminAddress,
  dry_run: dryRun,
  by,
});
export const unbanRequest = z.strictObject({
  addresses: addresses.default([]),
  all: z.boolean().default(false),
  jail: z.string().min(1).max(255).optional(),
  trust: z.string().max(40).optional().describe("Trust the addresses that long."),
  admin_address: adminAddress,
  dry_run: dryRun,
  by,
});
export const banChangeAnswer = z.object({
  dry_run: z.boolean(),
  bans: z.array(banSchema).describe("As they stand, or as they stood before they were removed."),
  refused: z.array(z.object({ address: z.string(), why: z.string() })).describe("What is trusted."),
});

export const ipQuery = z.strictObject({ address: z.string().max(64) });
export const ipAnswer = z.object({
  address: z.string(),
  bans: z.array(banSchema),
  trusted: z.string().nullable().describe("Why it cannot be banned."),
  history: z.array(banTrail),
  decisions: z.array(
    z.object({
      id: z.string(),
      at: time,
      verdict: z.string(),
      rule: z.string(),
      account: z.string(),
      text: z.string(),
    }),
  ),
});

export const trustListQuery = z.strictObject({});
export const trustListAnswer = z.object({
  trusts: z.array(z.object({ address: z.string(), why: z.string(), until: time.nullable() })),
});
export const trustRequest = z.strictObject({
  value: z.string().min(1).max(255).describe("An address, a network or a host name."),
  until: z.string().max(40).optional().describe("An ISO time, HH:MM or a duration; left out it does not end."),
  note: z.string().max(500).default(""),
  admin_address: adminAddress,
  dry_run: dryRun,
  by,
});
export const trustChangeAnswer = z.object({ dry_run: z.boolean(), value: z.string(), changed: z.boolean() });
export const trustCheckQuery = z.strictObject({ value: z.string().max(64) });
export const trustCheckAnswer = z.object({
  address: z.string(),
  trusted: z.boolean(),
  by: z.string().nullable().describe("The trusted network."),
  why: z.string().nullable(),
});

export const stopRequest = z.strictObject({
  flush: z.boolean().default(false).describe("Take every rule of ours away first."),
  by,
});
export const stopAnswer = z.object({ flushed: z.boolean(), error: z.string().nullable() });

export type BanAnswer = z.output<typeof banSchema>;
export type BanPage = z.output<typeof banPage>;
export type BanChangeAnswer = z.output<typeof banChangeAnswer>;
export type IpAnswer = z.output<typeof ipAnswer>;
export type TrustListAnswer = z.output<typeof trustListAnswer>;
export type TrustChangeAnswer = z.output<typeof trustChangeAnswer>;
export type TrustCheckAnswer = z.output<typeof trustCheckAnswer>;
export type StopAnswer = z.output<typeof stopAnswer>;
