// `[notices]`: who is told of what, and by which way.

import { readFileSync } from "node:fs";
import * as z from "zod";
import { parseDuration } from "../core/duration.ts";
import { noticeKinds, severities } from "../core/notice.ts";
import { refuse } from "./check.ts";
import { word } from "./setting.ts";
import { reasonOf } from "./unreadable.ts";

/** The ways that a notice can take, with the settings that each needs and those it may have. */
export const channelKinds = {
  mail: { needs: [], may: ["to", "owner", "from", "sendmail", "smtp"] },
  webhook: { needs: ["url"], may: ["secret"] },
  ntfy: { needs: ["url"], may: ["token"] },
  telegram: { needs: ["token", "chat"], may: ["url"] },
  slack: { needs: ["url"], may: [] },
  mattermost: { needs: ["url"], may: [] },
  matrix: { needs: ["url", "token", "room"], may: [] },
  apprise: { needs: ["url"], may: [] },
} as const;
export type ChannelKind = keyof typeof channelKinds;

const ownSettings = ["to", "owner", "from", "sendmail", "smtp", "url", "token", "secret", "chat", "room"] as const;
const secretBytesMax = 4_096;

const filled = word.min(1);

const duration = filled
  .transform((text, context) => {
    const ms = parseDuration(text);
    if (ms !== undefined) return ms;
    refuse(context, {});
    return z.NEVER;
  })
  .meta({ allowed: 'a duration such as "6h" or "30m"' });

const timeOfDay = /^([01]\d|2[0-3]):([0-5]\d)$/;

/** Minutes since midnight. */
function minutesOf(text: string): number | undefined {
  const match = timeOfDay.exec(text);
  return match === null ? undefined : Number(match[1]) * 60 + Number(match[2]);
}

const clockTime = filled
  .transform((text, context) => {
    const minutes = minutesOf(text);
    if (minutes !== undefined) return minutes;
    refuse(context, {});
    return z.NEVER;
  })
  .meta({ allowed: 'a time of day such as "07:00"' });

const quiet = z
  .string()
  .max(20)
  .transform((text, context) => {
    if (text === "") return undefined;
    const [from, to] = text.split("-").map(minutesOf);
    if (from !== undefined && to !== undefined && from !== to && text.split("-").length === 2) return { from, to };
    refuse(context, {});
    return z.NEVER;
  })
  .meta({ allowed: '"22:00-07:00", or "" for none' });

const language = z.enum(["en", "uk"]);

const url = filled
  .transform((text, context) => {
    const parsed = URL.parse(text);
    if (parsed !== null && /^https?:$/.test(parsed.protocol) && parsed.username === "" && parsed.password === "") {
      return parsed.href;
    }
    refuse(context, {});
    return z.NEVER;
  })
  .meta({ allowed: "an http:// or https:// address without user and password", secret: true });

const channel = z
  .strictObject({
    name: filled.max(100).describe("The channel's name, for rules, `notices test` and the list."),
    kind: z.enum(Object.keys(channelKinds) as [ChannelKind, ...ChannelKind[]]).describe("The way a notice takes."),
    to: z.array(filled.max(320)).min(1).max(50).optional().describe("mail: who is told."),
    owner: z.literal(true).optional().meta({
      description:
        "mail: goes to the account that the notice is about, in words for its owner, in the place of `to`. Nothing but notices of accounts goes there; without a rule those that an account was contained or given back.",
      allowed: "true",
    }),
    from: filled.max(320).optional().describe("mail: the sender; default `postmaster` at the host's name."),
    sendmail: filled
      .optional()
      .describe(
        "mail: the program that takes a message, default `/usr/sbin/sendmail`. Postfix asks no policy service about such mail, so that our own quotas cannot stop it.",
      ),
    smtp: filled.optional().describe("mail: `smtp://host:25` or `smtps://host:465` in the place of `sendmail`."),
    url: url
      .optional()
      .describe("Where the message is posted. ntfy: with the topic, apprise: `…/notify/KEY`, matrix: the server."),
    token: filled
      .max(secretBytesMax)
      .optional()
      .meta({ description: "ntfy, telegram, matrix: the access token.", secret: true }),
    token_file: filled.optional().describe("A file that holds the token."),
    secret: filled.max(secretBytesMax).optional().meta({
      description: "webhook: the key of the signature (HMAC-SHA256) in `X-Postvarta-Signature`.",
      secret: true,
    }),
    secret_file: filled.optional().describe("A file that holds the secret."),
    chat: filled.max(100).optional().describe("telegram: the chat's id."),
    room: filled.max(255).optional().describe("matrix: the room's id, `!…:server`."),
    allow_private: z
      .boolean()
      .default(false)
      .describe("Also post to loopback and private addresses, e.g. an ntfy or apprise of your own."),
    max_per_hour: z.int().min(1).max(1_000).default(30).describe("What comes beyond is told in one digest."),
    language: language.optional().describe("The language of this channel."),
  })
  .transform((item, context) => {
    const { token_file, secret_file, ...rest } = item;
    const token = secretOf(item.token, token_file, "token", context);
    const secret = secretOf(item.secret, secret_file, "secret", context);
    const settings = { ...rest, token, secret };
    const { needs, may } = channelKinds[item.kind];
    const known: readonly string[] = [...needs, ...may];
    const missing: string[] = needs.filter((key) => settings[key] === undefined);
    if (item.kind === "mail" && (item.to === undefined) === (item.owner === undefined)) {
      const message = `the channel ${item.name} (mail) has ${item.to === undefined ? "no" : "both"} to ${item.to === undefined ? "" : "and owner"}`;
      refuse(context, { message: message.trim(), hint: 'to = ["help@example.org"], or owner = true' });
    }
    const odd = ownSettings.filter((key) => settings[key] !== undefined && !known.includes(key));
    if (missing.length > 0) {
      const message = `the channel ${item.name} (${item.kind}) has no ${missing.join(", no ")}`;
      refuse(context, { message, hint: `${item.kind} needs ${needs.join(", ")}` });
    }
    if (odd.length > 0) {
      const message = `the channel ${item.name} (${item.kind}) does not know ${odd.join(", ")}`;
      refuse(context, { message, hint: `${item.kind} takes ${known.join(", ")}` });
    }
    return settings;
  });

function secretOf(
  value: string | undefined,
  file: string | undefined,
  key: string,
  context: z.RefinementCtx,
): string | undefined {
  if (file === undefined) return value;
  if (value !== undefined) {
    refuse(context, { message: `${key} and ${key}_file are both given`, hint: "one of them" });
    return value;
  }
  try {
    const text = readFileSync(file, "utf8").replace(/\r?\n$/, "");
    if (text !== "" && text.length <= secretBytesMax) return text;
    refuse(context, { message: `${file} holds no ${key}`, hint: `1 to ${secretBytesMax} characters` });
  } catch (error) {
    refuse(context, { message: `the ${key} in ${file} cannot be read`, hint: reasonOf(error), code: "config/secret" });
  }
  return undefined;
}

const rule = z.strictObject({
  kinds: z.array(z.enum(noticeKinds)).max(noticeKinds.length).default([]).describe("Which kinds; none named: all."),
  severity: z.enum(severities).default("warning").describe("The least severity."),
  channels: z.array(filled.max(100)).min(1).max(64).describe("Names of channels."),
  digest: z.boolean().default(false).describe("`true` collects them for `digest_at`."),
});

/** `[notices]` with its channels and rules. */
export const noticeSection = z
  .strictObject({
    language: language.default("en").describe("The language of notices: English or Ukrainian."),
    dedupe: duration.prefault("6h").describe("The same kind about the same subject is told once in this time."),
    templates: word
      .default("")
      .describe(
        "A folder of templates, `KIND.LANGUAGE.txt` and `KIND.owner.LANGUAGE.txt`, over the built-in words; `postvarta notices templates` writes and lists them. Empty for none.",
      ),
    digest_at: clockTime.prefault("08:00").describe("When digests go out, in `policy.time_zone`."),
    quiet: quiet
      .prefault("")
      .describe("Hours in which only critical notices go out; the rest follows in a digest at their end."),
    keep_days: z.int().min(1).max(3_650).default(90).describe("Notices and their deliveries are kept this many days."),
    channels: z.array(channel).max(64).default([]).describe("Ways out, each a `[[notices.channels]]` entry."),
    rules: z
      .array(rule)
      .max(200)
      .default([])
      .describe(
        "Who hears of what, each a `[[notices.rules]]` entry; without any, every channel hears of warnings and worse.",
      ),
  })
  .superRefine(({ channels, rules }, context) => {
    const names = new Set<string>();
    for (const [i, { name }] of channels.entries()) {
      if (names.has(name))
        refuseAt(context, ["channels", i, "name"], `two channels are called ${name}`, "another name");
      names.add(name);
    }
    for (const [i, { channels: named }] of rules.entries()) {
      for (const [j, name] of named.entries()) {
        if (names.has(name)) continue;
        refuseAt(
          context,
          ["rules", i, "channels", j],
          `no channel is called ${name}`,
          `known: ${[...names].join(", ") || "none"}`,
        );
      }
    }
  });

function refuseAt(context: z.RefinementCtx, path: (string | number)[], message: string, hint: string): void {
  context.addIssue({ code: "custom", path, params: { message, hint } });
}
