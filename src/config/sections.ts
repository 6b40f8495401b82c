// Every section and key of postvarta.toml: type, default and the sentence the reference page prints.
// Names equal the keys of the file, in the file, here and in the tree that the daemon reads.

import { hostname } from "node:os";
import * as z from "zod";
import type { Network } from "../core/ip.ts";
import { socketPathBytesMax } from "../core/socket-path.ts";
import { authPolicySection } from "./auth-policy-section.ts";
import { refuse } from "./check.ts";
import { ownJailSections } from "./jail-sections.ts";
import { type ListenAddress, listenAllowed, parseListen, staysHere } from "./listen.ts";
import { networkSection } from "./network-section.ts";
import { noticeSection } from "./notice-section.ts";
import { network, word } from "./setting.ts";

const itemsMax = 1_000;

const mode = z.enum(["enforce", "observe"]);

const listen = word
  .transform((text, context) => {
    const address = parseListen(text);
    if (address !== undefined) return address;
    refuse(context, { code: "listen/address" });
    return z.NEVER;
  })
  .meta({ allowed: listenAllowed });

const policy = z
  .strictObject({
    listen: z.array(listen).max(64).prefault(["127.0.0.1:10031"]).describe("Where Postfix asks its questions."),
    mode: mode
      .default("enforce")
      .describe("`observe` records every verdict and refuses nothing, whatever the policies say."),
    on_error: z
      .enum(["pass", "defer"])
      .default("pass")
      .describe("What a rule answers when its state cannot be known and the rule itself does not say."),
    allow: z
      .array(network)
      .max(itemsMax)
      .prefault([])
      .describe("Addresses beyond loopback that may ask. A listener beyond loopback needs it."),
    time_zone: word
      .transform((zone, context) => {
        if (isTimeZone(zone)) return zone;
        refuse(context, {});
        return z.NEVER;
      })
      .prefault(() => new Intl.DateTimeFormat().resolvedOptions().timeZone)
      .meta({
        description: "The zone of calendar periods (day, week, month).",
        allowed: 'a zone of the IANA time zone database such as "Europe/Kyiv"',
        defaultText: "the system's zone",
      }),
    internal: word
      .default("%internal_domains")
      .describe(
        "Destinations in the member language that the counter `external_recipients` does not count. Nobody, as long as a group it names does not exist.",
      ),
    answer_ok: z
      .boolean()
      .default(false)
      .describe(
        "Answer a real `OK` for the verdict `ok` instead of `DUNNO`. In front of `reject_unauth_destination` that makes an open relay.",
      ),
    cluebringer_log: z
      .boolean()
      .default(false)
      .describe(
        "Also write the lines that cluebringer wrote (`module=Quotas, mode=update, …`), for scripts that read them. Numbers of policies, quotas and limits are their places in `policy export`.",
      ),
    keep_decisions_days: z
      .int()
      .min(1)
      .max(3_650)
      .default(30)
      .describe("Records of decisions are kept this many days."),
    keep_decisions: z
      .int()
      .min(1_000)
      .max(100_000_000)
      .default(1_000_000)
      .describe("At most this many records of decisions are kept; the oldest go first."),
  })
  .superRefine((section, context) => {
    if (section.allow.length > 0) return;
    for (const [index, address] of section.listen.entries()) {
      if (staysHere(address)) continue;
      context.addIssue({
        code: "custom",
        path: ["listen", index],
        params: {
          code: "listen/not-loopback",
          message: "policy.listen is open to other machines, and policy.allow is empty",
          hint: 'name the Postfix hosts that may ask: allow = ["192.0.2.25"]',
        },
      });
    }
  });

function isTimeZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}

const node = z.strictObject({
  name: word
    .min(1)
    .max(255)
    .default(() => hostname())
    .meta({ description: "The name of this node where several share a store.", defaultText: "the host name" }),
});

const postfix = z.strictObject({
  config_directories: z
    .array(word.min(1))
    .max(64)
    .default(["/etc/postfix"])
    .describe("Postfix instances that `doctor`, `mynetworks` and the queue are read from."),
});

const store = z.strictObject({
  url: word.min(1).default("sqlite:/var/lib/postvarta/postvarta.db").meta({
    description: "Where facts and counters live: SQLite in a file, or a PostgreSQL that several nodes share.",
    allowed: '"sqlite:/path/to/file" or "postgres://user:password@host/database"',
    secret: true,
  }),
});

const api = z.strictObject({
  listen: listen.prefault("127.0.0.1:8031").meta({
    description: "Where the web UI and the HTTP API are served.",
    allowed: '"127.0.0.1:8031", "[::1]:8031" or "unix:/run/postvarta/api.sock"',
  }),
});

const control = z.strictObject({
  socket: word
    .min(1)
    .transform((path, context) => {
      if (Buffer.byteLength(path) <= socketPathBytesMax) return path;
      refuse(context, {});
      return z.NEVER;
    })
    .prefault("/run/postvarta/control.sock")
    .meta({
      description: "The Unix socket through which the command line talks to the daemon.",
      allowed: `a path in quotes from 1 to ${socketPathBytesMax} bytes`,
    }),
});

const log = z
  .strictObject({
    path: word.min(1).optional().describe("A log file, or a glob (`/var/log/mail.log*`) that follows what appears."),
    journal: z.boolean().optional().describe("`true` reads the systemd journal."),
    syslog: listen.optional().meta({
      description: "Receives syslog (RFC 3164, RFC 5424) on this address.",
      allowed: '"127.0.0.1:5514"',
    }),
    allow: z
      .array(network)
      .max(itemsMax)
      .optional()
      .describe("Addresses beyond loopback that may send syslog. A `syslog` address beyond loopback needs it."),
    tls_cert: word
      .min(1)
      .optional()
      .describe("A PEM file with the certificate of `syslog`: then TLS (RFC 5425) is spoken there, and nothing else."),
    tls_key: word.min(1).optional().describe("A PEM file with the key of `tls_cert`."),
    from: z
      .enum(["end", "start"])
      .default("end")
      .describe("Where to begin when no place is remembered; `start` reads what is there first."),
  })
  .transform(({ path, journal, syslog, from, ...receiver }, context) => {
    const given = [path !== undefined, journal === true, syslog !== undefined].filter((is) => is).length;
    if (given === 1 && path !== undefined) return { kind: "file" as const, path, from };
    if (given === 1 && syslog !== undefined) return receiverOf(syslog, receiver, context);
    if (given === 1) return { kind: "journal" as const, from };
    refuse(context, {
      message: given === 0 ? "a [[logs]] entry names no source" : "a [[logs]] entry names several sources",
      hint: 'one of path = "/var/log/mail.log", journal = true, syslog = "127.0.0.1:5514"',
    });
    return z.NEVER;
  });

interface Receiver {
  readonly allow?: readonly Network[] | undefined;
  readonly tls_cert?: string | undefined;
  readonly tls_key?: string | undefined;
}

function receiverOf(
  listen: ListenAddress,
  { allow = [], tls_cert: cert, tls_key: key }: Receiver,
  context: z.RefinementCtx,
) {
  if ((cert === undefined) !== (key === undefined)) {
    const message = "a [[logs]] entry names a certificate without a key, or a key without a certificate";
    refuse(context, { message, hint: "both tls_cert and tls_key, or neither" });
  }
  if (allow.length === 0 && !staysHere(listen)) {
    refuse(context, {
      code: "listen/not-loopback",
      message: "syslog of a [[logs]] entry is open to other machines, and allow is empty",
      hint: 'name the machines that may send: allow = ["192.0.2.25"]',
    });
  }
  const tls = cert === undefined || key === undefined ? undefined : { cert, key };
  return { kind: "syslog" as const, listen, allow, tls };
}

const trust = z.strictObject({
  addresses: z
    .array(network)
    .max(10_000)
    .prefault(["127.0.0.0/8", "::1"])
    .describe("Never banned. Loopback and the machine's own addresses are always added."),
});

const jails = z.strictObject({
  mode: mode.default("observe").describe("`observe` records every ban and leaves the firewall alone."),
  fail2ban: word.default("").describe("A Fail2ban configuration directory to run as it is; empty for none."),
  firewall: z
    .enum(["nftables", "ipset", "pf", "command", "policy-only", "dry-run"])
    .default("policy-only")
    .describe("What is made equal to the bans. `policy-only` refuses mail of banned addresses at the policy service."),
  action: word
    .max(1_000)
    .default("")
    .describe(
      'With `firewall = "command"`: the action of `fail2ban` that is run for bans of own jails and of people, as `iptables-allports` or `mine[chain="INPUT"]`; empty: those bans hold at the policy service.',
    ),
  pf_table: word
    .regex(/^(?:[A-Za-z][A-Za-z0-9_.-]{0,30})?$/)
    .default("")
    .meta({
      description:
        "The table of pf that holds the banned addresses; empty: the one that an action of `fail2ban` fills, otherwise `postvarta`.",
      allowed: "a name of at most 31 letters, digits, _, . and -",
    }),
  refusal: word
    .min(1)
    .max(200)
    .default("Your address {address} is banned here after attacks; try again later")
    .describe(
      "What our answers to Postfix tell a banned address. `{address}` and `{jail}` stand for what is banned and by whom.",
    ),
  list_file: word.default("").describe("A file that holds the banned addresses, one a line; empty for none."),
  fail2ban_log: word
    .default("")
    .describe(
      "A file for what Fail2ban's own log would say of failures and enforced bans, for recidive and dashboards; empty for none. It is opened anew after a rotation.",
    ),
  counting: z
    .enum(["sliding", "estimate"])
    .default("sliding")
    .describe(
      "How Fail2ban's jails count: exactly what lies within findtime, or its estimate, which spreads older failures evenly.",
    ),
  failing_max: z
    .int()
    .min(1_000)
    .max(10_000_000)
    .default(1_000_000)
    .describe(
      "Failing addresses and networks around them that are remembered, all jails together (about 200 bytes each); beyond it those are forgotten that failed longest ago.",
    ),
  trust: trust.prefault({}).describe("Addresses that are never banned."),
  ...ownJailSections,
});

const helper = z.strictObject({
  socket: word
    .default("")
    .describe(
      "The Unix socket of `postvarta helper`, which alone changes the firewall and the queue; empty: the daemon changes the firewall itself.",
    ),
  user: word
    .default("")
    .describe(
      "The user that the daemon runs as: the helper gives the socket to it. A daemon that root starts starts the helper itself and becomes this user. Empty: the helper's own.",
    ),
});

const accounts = z.strictObject({
  mode: mode.default("observe").describe("`observe` records suspicion and changes no group."),
  watch_group: word.min(1).max(255).default("newuser").describe("The group that accounts under watch join."),
  default_domain: word
    .regex(/^[^\s@]*$/)
    .max(255)
    .default("")
    .meta({
      description: "Added to logins without a domain; empty adds nothing.",
      allowed: 'a domain such as "example.com", without @',
    }),
  aliases: word.default("").describe("A file with lines `alias account`: other logins of an account; empty for none."),
  contain: z
    .enum(["hand", "high"])
    .default("hand")
    .describe("`high` contains an account by itself when it comes to level high, in mode `enforce` only."),
  dovecot_config: word
    .default("")
    .describe("Dovecot's configuration file, for `doveadm kick`; empty: the one that doveadm finds by itself."),
  replay_days: z
    .int()
    .min(0)
    .max(180)
    .default(45)
    .describe(
      "At the very first start the older logs beside the files of `[[logs]]` (`mail.log.1`, `mail.log.2.gz` …) are read once, this many days back, so that nobody starts unknown; it bans, watches and tells nobody. 0 reads none.",
    ),
  replay_mbytes: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(1_024)
    .describe("No more of them than this, as they lie on disk, the youngest first."),
  breaker_accounts: z
    .int()
    .min(1)
    .max(100_000)
    .default(20)
    .describe(
      "More accounts than this rising within an hour are taken for a fault of ours: nobody more is put under watch.",
    ),
  breaker_share: z
    .number()
    .min(0)
    .max(1)
    .default(0.02)
    .describe("The same for a share of all accounts, once more than five rise."),
  judge: z
    .record(z.string().max(40), z.union([z.number().min(0), z.record(z.string().max(40), z.number().min(0))]))
    .default({})
    .meta({
      description:
        "Weights, thresholds and windows of the judge, by the names of accounts.md: `newNetworks = { each = 5 }`.",
      allowed: "a table of numbers, or of tables of numbers",
    }),
  auth_policy: authPolicySection
    .prefault({})
    .describe("Dovecot tells of every login, and asks whether to let it through."),
});

/** The whole of postvarta.toml. An absent section stands at its defaults. */
export const configSchema = z
  .strictObject({
    policy: policy.prefault({}).describe("The policy service that Postfix asks."),
    node: node.prefault({}).describe("This machine among several."),
    postfix: postfix.prefault({}).describe("The Postfix beside us."),
    store: store.prefault({}).describe("What must survive a restart."),
    api: api.prefault({}).describe("The web UI and the HTTP API."),
    control: control.prefault({}).describe("The door of the command line."),
    logs: z.array(log).max(64).default([]).describe("Log sources, each a `[[logs]]` entry; none by default."),
    jails: jails.prefault({}).describe("Bans of addresses that attack."),
    helper: helper.prefault({}).describe("The process with rights, beside a daemon without."),
    accounts: accounts.prefault({}).describe("Accounts that may have been stolen."),
    networks: networkSection.prefault({}).describe("What addresses belong to."),
    notices: noticeSection.prefault({}).describe("Who is told of what."),
  })
  .superRefine(({ api, accounts: { auth_policy } }, context) => {
    if (!auth_policy.enabled || auth_policy.key !== "" || staysHere(api.listen)) return;
    const message = "api.listen is open to other machines, and accounts.auth_policy.key is empty";
    const hint = "a key, and the same in Dovecot's auth_policy_server_api_header = X-API-Key: …";
    context.addIssue({ code: "custom", path: ["accounts", "auth_policy", "enabled"], params: { message, hint } });
  });
