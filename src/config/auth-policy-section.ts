// `[accounts.auth_policy]`: Dovecot tells of every login and asks whether to let it through.

import * as z from "zod";
import { word } from "./setting.ts";

export const authPolicySection = z.strictObject({
  enabled: z
    .boolean()
    .default(false)
    .describe(
      "Answer Dovecot's auth-policy requests at `api.listen` (`auth_policy_server_url = http://127.0.0.1:8031/`).",
    ),
  pilot: z.boolean().default(true).describe("`true` records logins and lets every one through."),
  key: z.string().max(1_000).default("").meta({
    description:
      "What Dovecot must send as `auth_policy_server_api_header = X-API-Key: …`; needed when `api.listen` is not loopback.",
    secret: true,
  }),
  refuse_banned: z.boolean().default(true).describe("Refuse logins from banned addresses."),
  watch_delay: z.int().min(0).max(15).default(0).describe("Seconds that logins of accounts under watch wait."),
  refuse_high: z.boolean().default(false).describe("Refuse logins of accounts that came to level high."),
  message: word
    .max(200)
    .default("This account is restricted. Please call the help desk.")
    .describe("What Dovecot logs as the reason."),
});
