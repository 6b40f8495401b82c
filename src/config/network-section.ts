// `[networks]`: what addresses belong to, beyond the data that ship.

import * as z from "zod";
import { network, word } from "./setting.ts";

const systems = z.array(z.int().min(1).max(4_294_967_295)).max(100_000).default([]);

const override = z.strictObject({
  network: network.describe("The network."),
  country: z
    .string()
    .regex(/^[A-Z]{2}$/)
    .optional()
    .meta({
      description:
        "Where it is, whatever the registry says: blocks are leased, and parts of occupied Ukraine are registered for RU.",
      allowed: 'two capital letters (ISO 3166-1), as "UA"',
    }),
  kind: z
    .enum(["access", "hosting", "mail-cloud", "satellite"])
    .optional()
    .describe("What it is, whatever its system is."),
});

export const networkSection = z.strictObject({
  directory: word
    .default("/var/lib/postvarta/networks")
    .describe("Where `networks import` puts newer data; what ships is used where there are none."),
  registry: z
    .boolean()
    .default(false)
    .describe(
      "Ask the registries (whois, port 43) for the names of blocks that unfamiliar logins came from, slowly and kept; `accounts show` prints them as evidence.",
    ),
  hosting: systems.describe("Numbers of systems that rent out servers, beside those that ship."),
  mail_cloud: systems.describe("Systems that fetch and send mail for people, beside those that ship."),
  satellite: systems.describe("Systems whose addresses belong to a ground station, beside those that ship."),
  access: systems.describe("Systems that a shipped list names wrongly: people sit there."),
  overrides: z
    .array(override)
    .max(10_000)
    .default([])
    .describe("Networks that you know better, each a `[[networks.overrides]]` entry; the first that fits holds."),
});
