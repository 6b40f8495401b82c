// What Postfix and Dovecot write about the things that jails count, in the forms that are written today: a filter that is meant for one
// of them should find all of its forms.

export interface EventForm {
  /** What is particular about it, for a sentence that begins with "lines with …". */
  readonly name: string;
  /** After the time; the address is 203.0.113.5 or 2001:db8::5. */
  readonly line: string;
  /** Not written by every version: asked with the version's numbers. */
  readonly writtenBy?: (version: readonly number[]) => boolean;
}

export interface KnownEvent {
  readonly name: string;
  /** Whoever finds one of these, or one of the forms, is meant for the event: forms of older versions. */
  readonly earlier: readonly string[];
  readonly forms: readonly EventForm[];
  /** A regular expression that finds all forms and cannot be forged. */
  readonly mend: string;
}

/** Changed in the stable releases of 2023-11-01 at once. */
function namesLogins([major = 0, minor = 0, patch = 0]: readonly number[]): boolean {
  const since: Readonly<Record<number, number>> = { 5: 22, 6: 12, 7: 8, 8: 3 };
  return major > 3 || (major === 3 && (minor > 8 || patch >= (since[minor] ?? Number.POSITIVE_INFINITY)));
}

const raw = String.raw;
const smtpd = "mx postfix/smtpd[77]: ";
const submission = "mx postfix/submission/smtpd[77]: ";
const client = "unknown[203.0.113.5]";
const client6 = "mail.example.net[2001:db8::5]";
const envelope = "from=<a@example.net> to=<b@example.org> proto=ESMTP helo=<client.example>";
/** The host, then the program of any service. */
const head = raw`^\s*\S+ postfix\S*/smtpd\[\d+\]: `;
const from = raw`[^\[\]\s]*\[<HOST>\](?::\d+)?`;

function password(name: string, text: string, writtenBy?: EventForm["writtenBy"]): EventForm {
  return { name, line: text, ...(writtenBy === undefined ? {} : { writtenBy }) };
}

const passwords: KnownEvent = {
  name: "refused passwords of Postfix",
  earlier: [
    `${smtpd}warning: ${client}: SASL LOGIN authentication failed: UGFzc3dvcmQ6`,
    `${smtpd}warning: ${client}: SASL PLAIN authentication failed: authentication failure`,
    `${smtpd}warning: ${client}: SASL PLAIN authentication failed`,
  ],
  forms: [
    password(
      "`, sasl_username=…` at the end",
      `${smtpd}warning: ${client}: SASL LOGIN authentication failed: UGFzc3dvcmQ6, sasl_username=anna@example.org`,
      namesLogins,
    ),
    password(
      "`(reason unavailable)`",
      `${smtpd}warning: ${client}: SASL PLAIN authentication failed: (reason unavailable), sasl_username=anna`,
      namesLogins,
    ),
    password(
      "the name of another service (postfix/submission/smtpd)",
      `${submission}warning: ${client}: SASL LOGIN authentication failed: UGFzc3dvcmQ6, sasl_username=anna`,
      namesLogins,
    ),
    password(
      "an address of IPv6",
      `${smtpd}warning: ${client6}: SASL LOGIN authentication failed: UGFzc3dvcmQ6, sasl_username=anna`,
      namesLogins,
    ),
  ],
  mend: raw`${head}warning: ${from}: SASL \S+ authentication failed(?::|$)`,
};

function rateLimit(service: string, who = client): string {
  return `${smtpd}warning: Connection rate limit exceeded: 51 from ${who} for service ${service}`;
}

const rates: KnownEvent = {
  name: "the limit of connections",
  earlier: [],
  forms: [
    { name: "the service smtp", line: rateLimit("smtp") },
    { name: "another service name (submission)", line: rateLimit("submission") },
    { name: "another service name (465)", line: rateLimit("465") },
    { name: "an address of IPv6", line: rateLimit("smtp", client6) },
  ],
  mend: raw`${head}warning: Connection rate limit exceeded: \d+ from ${from} for service \S+$`,
};

function rejected(text: string, who = client, program = smtpd, end = ""): string {
  return `${program}NOQUEUE: reject: RCPT from ${who}: ${text}; ${envelope}${end}`;
}

function reject(name: string, text: string, mend: string): KnownEvent {
  return {
    name,
    earlier: [rejected(text).replace(/(\d{3}) \d\.\d\.\d /, "$1 ")],
    forms: [
      { name: "the service smtp", line: rejected(text) },
      {
        name: "a login",
        line: rejected(text, client, submission, " sasl_method=PLAIN sasl_username=anna@example.org"),
      },
      { name: "an address of IPv6", line: rejected(text, client6) },
    ],
    mend: raw`${head}\S+ reject: RCPT from ${from}: ${mend}`,
  };
}

const dovecot: KnownEvent = {
  name: "refused passwords of Dovecot",
  earlier: [
    "mx dovecot: imap-login: Aborted login (auth failed, 1 attempts): user=<anna>, method=PLAIN, rip=203.0.113.5, lip=192.0.2.25",
  ],
  forms: [
    {
      name: "`Disconnected (auth failed, …)`",
      line: "mx dovecot: imap-login: Disconnected (auth failed, 3 attempts in 12 secs): user=<anna>, method=PLAIN, rip=203.0.113.5, lip=192.0.2.25, TLS, session=<xyz>",
    },
    {
      name: "`Disconnected: Connection closed (auth failed, …)`",
      line: "mx dovecot: imap-login: Disconnected: Connection closed (auth failed, 2 attempts in 9 secs): user=<anna>, method=PLAIN, rip=203.0.113.5, lip=192.0.2.25, session=<xyz>",
    },
    {
      name: "an address of IPv6",
      line: "mx dovecot: pop3-login: Disconnected (auth failed, 3 attempts in 12 secs): user=<anna>, method=PLAIN, rip=2001:db8::5, lip=2001:db8::25, TLS, session=<xyz>",
    },
  ],
  mend: raw`^\s*\S+ dovecot(?:\[\d+\])?: \w+-login: (?:Info: )?[^<>]*\(auth failed, \d+ attempts[^()<>]*\)[^<>]*:(?: user=<.*>,)?(?: method=[^,<>]*,)? rip=<HOST>, lip=[^<>]*(?:, session=<[^<>]*>)?$`,
};

export const knownEvents: readonly KnownEvent[] = [
  passwords,
  rates,
  reject(
    "refusals of a quota",
    "554 5.7.1 <b@example.org>: Recipient address rejected: LIMIT AT QUOTAUSE",
    ".*: LIMIT AT QUOTAUSE;",
  ),
  reject(
    "unknown users",
    "550 5.1.1 <b@example.org>: Recipient address rejected: User unknown in local recipient table",
    raw`\d{3} (?:\d\.\d\.\d )?<.*>: Recipient address rejected: User unknown`,
  ),
  reject(
    "refused relaying",
    "554 5.7.1 <b@example.org>: Relay access denied",
    raw`\d{3} (?:\d\.\d\.\d )?<.*>: Relay access denied;`,
  ),
  dovecot,
];
