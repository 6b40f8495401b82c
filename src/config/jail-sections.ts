// The sections of the own jails, one each, and what all jails have in common.

import * as z from "zod";
import { parseDuration } from "../core/duration.ts";
import { parsePorts } from "../core/port-list.ts";
import { refuse } from "./check.ts";

/** A duration in ms, written `10m`, `1h30m` or as seconds. */
const duration = z
  .union([z.string().max(40), z.int().min(0)])
  .transform((value, context) => {
    const ms = parseDuration(value);
    if (ms !== undefined && ms > 0) return ms;
    refuse(context, {});
    return z.NEVER;
  })
  .meta({ allowed: 'a duration such as "10m", "1h30m", or a whole number of seconds' });

/** A duration, or without end. */
const bantime = z
  .union([z.string().max(40), z.int().min(0)])
  .transform((value, context) => {
    if (value === "forever") return "forever" as const;
    const ms = parseDuration(value);
    if (ms !== undefined && ms > 0) return ms;
    refuse(context, {});
    return z.NEVER;
  })
  .meta({ allowed: 'a duration such as "1h" or "30d", or "forever"' });

const settings = {
  enabled: z.boolean().default(true).describe("`false` switches the jail off."),
  mode: z
    .enum(["enforce", "observe"])
    .default("enforce")
    .describe("`observe` records this jail's bans and leaves the firewall alone, whatever `[jails] mode` says."),
  maxretry: z.int().min(1).max(10_000).default(4).describe("Failures within `findtime` that lead to a ban."),
  findtime: duration.prefault("10m").describe("How long a failure counts."),
  bantime: bantime
    .prefault("1h")
    .describe("How long a ban lasts from its last failure on; `forever` for one without end."),
  ports: z
    .string()
    .max(500)
    .transform((text, context) => {
      if (text === "" || parsePorts(text) !== undefined) return text;
      refuse(context, {});
      return z.NEVER;
    })
    .prefault("")
    .meta({
      description: "TCP ports that are closed to the address; empty closes all of them.",
      allowed: 'ports in quotes such as "25,465,587", "smtp,submission" or "1000-2000"',
    }),
  subnets: z
    .boolean()
    .default(true)
    .describe(
      "Also count by network: the narrowest prefix (within a /24 or, of IPv6, a /48) that holds `subnet_maxretry` failures of `subnet_addresses` addresses is banned.",
    ),
  subnet_maxretry: z.int().min(2).max(200).default(20).describe("Failures of a network that lead to its ban."),
  subnet_addresses: z.int().min(2).max(200).default(5).describe("Addresses that those failures come from, at least."),
  ipv6_prefix: z
    .union([z.literal(64), z.literal(128)])
    .default(64)
    .describe("IPv6 addresses are counted and banned by this prefix: one client owns a whole /64.")
    .meta({ allowed: "64 or 128" }),
};

const mild = {
  mild: z
    .boolean()
    .default(true)
    .describe(
      "Treat wrong passwords mildly of an account that logged in lately from the same network, and of an address that several accounts logged in from lately: they count to `mild_factor` times `maxretry`, for a short ban.",
    ),
  mild_days: z.int().min(1).max(365).default(30).describe("A login makes its network known for so many days."),
  mild_accounts: z
    .int()
    .min(2)
    .max(1_000)
    .default(3)
    .describe("Accounts that make an address a shared one, as that of an office."),
  mild_factor: z.int().min(1).max(1_000).default(5).describe("Times `maxretry` until a mild ban."),
  mild_bantime: duration.prefault("10m").describe("The longest mild ban."),
};

const plain = z.strictObject(settings).prefault({});

/** The sections of `[jails]` that are own jails; a jail has `-` where its section has `_`. */
export const ownJailSections = {
  wrong_password: z
    .strictObject({ ...settings, ...mild })
    .prefault({})
    .describe(
      "Refused passwords at SMTP, IMAP, POP3 and ManageSieve. A login takes back the failures of its own account.",
    ),
  unknown_user: plain.describe("Logins with names that do not exist, as Dovecot tells with `auth_verbose = yes`."),
  spraying: plain.describe(
    "Wrong passwords for different accounts from one address; those that logged in lately from the same network do not count.",
  ),
  connection_limit: plain.describe("Limits of Postfix's anvil that a client exceeded, of any service."),
  quota_refusal: plain.describe(
    "Refusals with the text of one of our quotas; also counted by account where Postfix (3.10) names it.",
  ),
  postscreen: plain.describe("Permanent refusals (5xx) of postscreen."),
};
