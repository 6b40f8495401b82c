// Ordinary sessions and what a log must be found to say of each: the truth is here, because we know who did what.

import type { LogPorts, SeenEvent } from "./log-house.ts";
import { LineClient, proxyLine } from "./proxied.ts";
import { SmtpClient } from "./smtp-client.ts";

/** Fields that an event must have; those that are not named may be anything. */
export type Expected = Partial<SeenEvent>;

export interface LogSession {
  readonly title: string;
  /** The client's address, of this session alone. */
  readonly ip: string;
  readonly run: (ports: LogPorts, ip: string) => Promise<void>;
  readonly events: readonly Expected[];
  /** Wrong passwords that the client gave. */
  readonly wrong?: number;
}

const user = "user1@example.test";

/** An open session at Postfix behind its proxy, after EHLO. */
export async function smtpFrom(port: number, ip: string, helo = "client.test"): Promise<SmtpClient> {
  const client = await SmtpClient.connect(port, proxyLine(ip));
  await client.command(`EHLO ${helo}`);
  return client;
}

/** An IMAP session that tries to log in. */
export async function imapLogin(port: number, ip: string, name: string, password: string): Promise<void> {
  await using client = await LineClient.connect(port, ip);
  await client.say(`a LOGIN ${quoted(name)} ${quoted(password)}`, /^a /m);
  await client.say("b LOGOUT", /^b /m);
}

export async function popLogin(port: number, ip: string, name: string, password: string): Promise<void> {
  await using client = await LineClient.connect(port, ip);
  await client.say(`USER ${name}`, /^[+-]/m);
  await client.say(`PASS ${password}`, /^[+-]/m);
  await client.say("QUIT", /^[+-]/m);
}

/** An IMAP quoted string. */
function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&")}"`;
}

/** AUTH LOGIN: two questions, two answers. */
export async function authLogin(client: SmtpClient, name: string, password: string): Promise<void> {
  await client.command("AUTH LOGIN");
  await client.command(Buffer.from(name).toString("base64"));
  await client.command(Buffer.from(password).toString("base64"));
}

/** One message to these recipients on an open session. */
export async function sendFrom(client: SmtpClient, sender: string, to: readonly string[], head = ""): Promise<void> {
  await client.mail(sender);
  for (const recipient of to) await client.rcpt(recipient);
  await client.data(`${head}Subject: known\r\n\r\nhello\r\n`);
  await client.quit();
}

/** A wrong password that Postfix tells of, and Dovecot's auth process too. */
function toldTwice(ip: string, name: string, method: string, service: string): readonly Expected[] {
  return [
    { kind: "auth_failure", ip, user: name, method, service },
    { kind: "auth_failure", ip, user: name, service: "auth" },
  ];
}

const submissions: readonly LogSession[] = [
  {
    title: "a login by PLAIN, a message to two, one of which bounces",
    ip: "192.0.2.10",
    async run({ submission }, ip) {
      const client = await smtpFrom(submission, ip);
      await client.authPlain(user, "secret");
      await sendFrom(client, "ten@example.test", ["a10@out.test", "b10@bounce.test"]);
    },
    events: [
      { kind: "login", ip: "192.0.2.10", user, method: "PLAIN", service: "submission" },
      { kind: "queued", sender: "ten@example.test", recipients: 2, ip: null },
      { kind: "sent", recipient: "a10@out.test" },
      { kind: "bounced", recipient: "b10@bounce.test", service: "virtual" },
      { kind: "queued", sender: "", recipients: 1 },
      { kind: "sent", recipient: "ten@example.test" },
    ],
  },
  {
    title: "a login by LOGIN over IPv6, and a message that must wait",
    ip: "2001:db8::11",
    async run({ submission }, ip) {
      const client = await smtpFrom(submission, ip);
      await authLogin(client, "USER2@example.test", "secret");
      await sendFrom(client, "eleven@example.test", ["a11@later.test"]);
    },
    events: [
      { kind: "login", ip: "2001:db8::11", user: "user2@example.test", method: "LOGIN" },
      { kind: "queued", sender: "eleven@example.test" },
      { kind: "deferred", recipient: "a11@later.test", service: "smtp" },
    ],
  },
  {
    title: "mail from outside without a login",
    ip: "192.0.2.12",
    async run({ xclient }, ip) {
      const client = await SmtpClient.connect(xclient);
      await client.ehlo();
      await client.xclient({ ADDR: ip, NAME: "mail.outside.test", PORT: "4711" });
      await client.ehlo("mail.outside.test");
      await sendFrom(client, "twelve@outside.test", ["user3@example.test"]);
    },
    events: [
      { kind: "queued", sender: "twelve@outside.test", recipients: 1 },
      { kind: "sent", recipient: "user3@example.test" },
    ],
  },
  {
    title: "a login without a message",
    ip: "192.0.2.13",
    async run({ submission }, ip) {
      const client = await smtpFrom(submission, ip);
      await client.authPlain(user, "secret");
      await client.quit();
    },
    events: [],
  },
];

const failures: readonly LogSession[] = [
  {
    title: "a wrong password by PLAIN",
    ip: "192.0.2.20",
    async run({ submission }, ip) {
      const client = await smtpFrom(submission, ip);
      await client.authPlain(user, "wrong");
      await client.quit();
    },
    events: toldTwice("192.0.2.20", user, "PLAIN", "submission"),
    wrong: 1,
  },
  {
    title: "an unknown user by LOGIN, then the right one",
    ip: "192.0.2.21",
    async run({ submission }, ip) {
      const client = await smtpFrom(submission, ip);
      await authLogin(client, "nobody@example.test", "wrong");
      await client.authPlain(user, "secret");
      await sendFrom(client, "twentyone@example.test", ["a21@out.test"]);
    },
    events: [
      ...toldTwice("192.0.2.21", "nobody@example.test", "LOGIN", "submission"),
      { kind: "login", ip: "192.0.2.21", user },
      { kind: "queued", sender: "twentyone@example.test" },
      { kind: "sent", recipient: "a21@out.test" },
    ],
    wrong: 1,
  },
  {
    title: "three wrong passwords with the address of XCLIENT",
    ip: "2001:db8::22",
    async run({ xclient }, ip) {
      const client = await SmtpClient.connect(xclient);
      await client.ehlo();
      await client.xclient({ ADDR: `IPV6:${ip}`, NAME: "[UNAVAILABLE]" });
      await client.ehlo();
      for (const name of ["a@example.test", "b@example.test", "c@example.test"]) await client.authPlain(name, "wrong");
      client.abort();
    },
    events: ["a", "b", "c"].flatMap((name) => toldTwice("2001:db8::22", `${name}@example.test`, "PLAIN", "smtpd")),
    wrong: 3,
  },
  {
    title: "a mechanism that we do not have, an answer that is no base64, a login that is aborted",
    ip: "192.0.2.23",
    async run({ submission }, ip) {
      const client = await smtpFrom(submission, ip);
      await client.command("AUTH NTLM");
      await client.command("AUTH PLAIN not_base64");
      await client.command("AUTH LOGIN");
      await client.command("*");
      await client.quit();
    },
    events: [],
  },
];

const rejects: readonly LogSession[] = [
  {
    title: "relaying",
    ip: "192.0.2.30",
    async run({ submission }, ip) {
      const client = await smtpFrom(submission, ip);
      await sendFrom(client, "a30@outside.test", ["b30@elsewhere.test"]);
    },
    events: [
      { kind: "reject", ip: "192.0.2.30", reason: "554 5.7.1 <b30@elsewhere.test>: Relay access denied", user: null },
    ],
  },
  {
    title: "a refusal of our policy",
    ip: "192.0.2.31",
    async run({ refused }, ip) {
      const client = await smtpFrom(refused, ip);
      await sendFrom(client, "a31@outside.test", ["b31@example.test", "c31@example.test"]);
    },
    events: ["b31", "c31"].map((name) => ({
      kind: "reject",
      ip: "192.0.2.31",
      service: "smtpd",
      reason: `554 5.7.1 <${name}@example.test>: Recipient address rejected: LIMIT AT QUOTAUSE`,
    })),
  },
  {
    title: "a sender without a domain, over IPv6",
    ip: "2001:db8::32",
    async run({ submission }, ip) {
      const client = await smtpFrom(submission, ip);
      await sendFrom(client, "nofqdn", ["user1@example.test"]);
    },
    events: [{ kind: "reject", ip: "2001:db8::32", service: "submission" }],
  },
  {
    title: "a client that talks before it is greeted (postscreen)",
    ip: "192.0.2.33",
    async run({ postscreen }, ip) {
      await using client = await LineClient.connect(postscreen, ip);
      await client.say("EHLO early.test", /^250 /m);
      await client.say("MAIL FROM:<a33@outside.test>", /^250 /m);
      await client.say("RCPT TO:<user1@example.test>", /^550 /m);
    },
    events: [{ kind: "reject", ip: "192.0.2.33", service: "postscreen" }],
  },
  {
    title: "our policy is not there: the answer of our own outage is a reject, and no failure of the client",
    ip: "192.0.2.34",
    async run({ policyDown }, ip) {
      const client = await smtpFrom(policyDown, ip);
      await sendFrom(client, "a34@outside.test", ["user1@example.test"]);
    },
    events: [{ kind: "reject", ip: "192.0.2.34" }],
  },
  {
    title: "probes: HTTP, VRFY, pipelining, a client that goes",
    ip: "192.0.2.35",
    async run({ submission }, ip) {
      const client = await smtpFrom(submission, ip);
      await client.command("VRFY root");
      await client.raw("MAIL FROM:<a@b.test>\r\nRCPT TO:<user1@example.test>\r\nDATA\r\n");
      client.abort();
      const probe = await SmtpClient.connect(submission, proxyLine(ip));
      await probe.command("GET / HTTP/1.1");
    },
    events: [],
  },
];

const limits: readonly LogSession[] = [
  {
    title: "five connections where three are allowed",
    ip: "192.0.2.40",
    async run({ limited }, ip) {
      for (let i = 0; i < 5; i++) await (await SmtpClient.connect(limited, proxyLine(ip))).quit();
    },
    events: [4, 5].map((n) => ({
      kind: "rate_limit",
      ip: "192.0.2.40",
      reason: `Connection rate limit exceeded: ${n}`,
    })),
  },
  {
    title: "messages, recipients and logins over their limits",
    ip: "192.0.2.41",
    async run({ limited }, ip) {
      const client = await smtpFrom(limited, ip);
      for (let i = 0; i < 3; i++) {
        await client.mail(`m${i}@outside.test`);
        await client.rset();
      }
      await client.quit();
      const second = await smtpFrom(limited, ip);
      for (let i = 0; i < 3; i++) await second.authPlain(user, "wrong");
      await second.quit();
    },
    events: [
      { kind: "rate_limit", ip: "192.0.2.41", reason: "Message delivery request rate limit exceeded: 3" },
      ...toldTwice("192.0.2.41", user, "PLAIN", "smtpd"),
      ...toldTwice("192.0.2.41", user, "PLAIN", "smtpd"),
      { kind: "rate_limit", ip: "192.0.2.41", reason: "AUTH command rate limit exceeded: 3" },
    ],
    wrong: 2,
  },
  {
    title: "recipients over their limit",
    ip: "192.0.2.42",
    async run({ limited }, ip) {
      const client = await smtpFrom(limited, ip);
      await client.mail("a42@outside.test");
      for (let i = 0; i < 4; i++) await client.rcpt(`user${i}@example.test`);
      await client.quit();
    },
    events: [{ kind: "rate_limit", ip: "192.0.2.42", reason: "Recipient address rate limit exceeded: 4" }],
  },
];

const mailboxes: readonly LogSession[] = [
  {
    title: "IMAP: a login",
    ip: "192.0.2.50",
    run: ({ imap }, ip) => imapLogin(imap, ip, user, "secret"),
    events: [{ kind: "login", ip: "192.0.2.50", user, method: "PLAIN", service: "imap" }],
  },
  {
    title: "IMAP over IPv6: two wrong passwords and the right one",
    ip: "2001:db8::51",
    async run({ imap }, ip) {
      await using client = await LineClient.connect(imap, ip);
      for (const password of ["one", "two", "secret"]) await client.say(`a LOGIN ${user} ${password}`, /^a /m);
      await client.say("b LOGOUT", /^b /m);
    },
    events: [
      { kind: "auth_failure", ip: "2001:db8::51", user, service: "auth" },
      { kind: "auth_failure", ip: "2001:db8::51", user, service: "auth" },
      { kind: "login", ip: "2001:db8::51", user, service: "imap" },
    ],
    wrong: 2,
  },
  {
    title: "IMAP: three wrong passwords, and the client goes",
    ip: "192.0.2.52",
    async run({ imap }, ip) {
      await using client = await LineClient.connect(imap, ip);
      for (const password of ["one", "two", "three"]) await client.say(`a LOGIN ${user} ${password}`, /^a /m);
    },
    events: [
      { kind: "auth_failure", ip: "192.0.2.52", user, service: "auth" },
      { kind: "auth_failure", ip: "192.0.2.52", user, service: "auth" },
      { kind: "auth_failure", ip: "192.0.2.52", user, service: "auth" },
      { kind: "auth_failure", ip: "192.0.2.52", user, service: "imap", attempts: 3 },
    ],
    wrong: 3,
  },
  {
    title: "POP3: a login",
    ip: "192.0.2.53",
    run: ({ pop3 }, ip) => popLogin(pop3, ip, user, "secret"),
    events: [{ kind: "login", ip: "192.0.2.53", user, service: "pop3" }],
  },
  {
    title: "POP3 over IPv6: an unknown user",
    ip: "2001:db8::54",
    run: ({ pop3 }, ip) => popLogin(pop3, ip, "ghost@example.test", "x"),
    events: [
      { kind: "auth_failure", ip: "2001:db8::54", user: "ghost@example.test", service: "auth", reason: "unknown user" },
      { kind: "auth_failure", ip: "2001:db8::54", user: "ghost@example.test", service: "pop3" },
    ],
    wrong: 1,
  },
  {
    title: "Dovecot's submission: a login",
    ip: "192.0.2.55",
    async run({ mailSubmission }, ip) {
      const client = await smtpFrom(mailSubmission, ip);
      await client.authPlain(user, "secret");
      await client.quit();
    },
    events: [{ kind: "login", ip: "192.0.2.55", user, method: "PLAIN", service: "submission" }],
  },
  {
    title: "Dovecot's submission: a wrong password",
    ip: "192.0.2.56",
    async run({ mailSubmission }, ip) {
      const client = await smtpFrom(mailSubmission, ip);
      await authLogin(client, user, "wrong");
      await client.quit();
    },
    events: [
      { kind: "auth_failure", ip: "192.0.2.56", user, service: "auth" },
      { kind: "auth_failure", ip: "192.0.2.56", user, service: "submission", method: "LOGIN" },
    ],
    wrong: 1,
  },
  {
    title: "IMAP: a look at the door, and a mechanism that we do not have",
    ip: "192.0.2.57",
    async run({ imap }, ip) {
      await using client = await LineClient.connect(imap, ip);
      await client.say("a CAPABILITY", /^a /m);
      await client.say("b AUTHENTICATE NTLM", /^b /m);
    },
    events: [],
  },
];

export const ordinarySessions: readonly LogSession[] = [
  ...submissions,
  ...failures,
  ...rejects,
  ...limits,
  ...mailboxes,
];
