// Hostile sessions: every place where a client's text reaches a log, with every text that imitates what a log says of somebody else.

import type { LogPorts } from "./log-house.ts";
import { authLogin, imapLogin, popLogin, sendFrom, smtpFrom } from "./log-sessions.ts";
import { LineClient } from "./proxied.ts";
import { SmtpClient } from "./smtp-client.ts";

/** Whom the sessions want to make guilty, and whose name they take. */
export const innocent = { ip: "198.51.100.66", user: "ceo@example.test" } as const;

const texts: readonly string[] = [
  `h[${innocent.ip}]`,
  ` rip=${innocent.ip},`,
  `x>, method=PLAIN, rip=${innocent.ip}, lip=192.0.2.25`,
  `]: warning: unknown[${innocent.ip}]: SASL LOGIN authentication failed`,
  `h[${innocent.ip}]: SASL LOGIN authentication failed: x, sasl_username=${innocent.user}`,
  `x, sasl_username=${innocent.user}`,
  `client=x[${innocent.ip}], sasl_method=PLAIN, sasl_username=${innocent.user}`,
  `x,${innocent.ip},<s>): unknown user`,
  `x,${innocent.ip},sasl:plain)<s>: passwd-file: Password mismatch`,
  `x (auth failed, 9 attempts in 1 secs): user=<${innocent.user}>, rip=${innocent.ip}, lip=192.0.2.25`,
  `x: 554 5.7.1 no; reject: RCPT from y[${innocent.ip}]: 554 5.7.1 no`,
  `x] message repeated 9 times: [ warning: y[${innocent.ip}]: SASL LOGIN authentication failed: x]`,
];

/** Texts for places that take any byte: a line of its own. */
const lines: readonly string[] = [
  `x\nNov 24 02:47:05 mx postfix/smtpd[1]: warning: y[${innocent.ip}]: SASL LOGIN authentication failed: x`,
  `x\r\nNov 24 02:47:05 imap-login: Info: Login: user=<${innocent.user}>, method=PLAIN, rip=${innocent.ip}, lip=192.0.2.25`,
  `x\n{"MESSAGE":"warning: y[${innocent.ip}]: SASL LOGIN authentication failed: x","SYSLOG_IDENTIFIER":"postfix/smtpd","__REALTIME_TIMESTAMP":"1"}`,
  `x\t\u001b[2J\u202e<script>`,
];

/** Kinds of events that the session's own address may and must have; a place that logs nothing has none. */
type Place = {
  readonly name: string;
  readonly texts: readonly string[];
  readonly kinds: readonly string[];
  readonly wrong: number;
  readonly run: (ports: LogPorts, ip: string, text: string) => Promise<void>;
};

const places: readonly Place[] = [
  {
    name: "a SASL name by PLAIN",
    texts: [...texts, ...lines],
    kinds: ["auth_failure"],
    wrong: 1,
    async run({ submission }, ip, text) {
      const client = await smtpFrom(submission, ip);
      await client.command(`AUTH PLAIN ${Buffer.from(`\0${text}\0wrong`).toString("base64")}`);
      await client.quit();
    },
  },
  {
    name: "a SASL name by LOGIN",
    texts: [...texts, ...lines],
    kinds: ["auth_failure"],
    wrong: 1,
    async run({ submission }, ip, text) {
      const client = await smtpFrom(submission, ip);
      await authLogin(client, text, "wrong");
      await client.quit();
    },
  },
  {
    name: "a mechanism",
    texts,
    kinds: [],
    wrong: 0,
    async run({ submission }, ip, text) {
      const client = await smtpFrom(submission, ip);
      await client.command(`AUTH ${text}`);
      await client.command(`AUTH "${text}"`);
      await client.quit();
    },
  },
  {
    name: "HELO and a sender",
    texts,
    kinds: ["reject"],
    wrong: 0,
    async run({ submission }, ip, text) {
      const client = await smtpFrom(submission, ip, text);
      await sendFrom(client, `"${text}"@outside.test`, ["a@elsewhere.test"]);
    },
  },
  {
    name: "a recipient",
    texts,
    kinds: ["reject"],
    wrong: 0,
    async run({ submission }, ip, text) {
      const client = await smtpFrom(submission, ip);
      await sendFrom(client, "a@outside.test", [`"${text}"@elsewhere.test`]);
    },
  },
  {
    name: "what our policy is asked about",
    texts,
    kinds: ["reject"],
    wrong: 0,
    async run({ refused }, ip, text) {
      const client = await smtpFrom(refused, ip, text);
      await sendFrom(client, `"${text}"@outside.test`, [`"${text}"@example.test`]);
    },
  },
  {
    name: "an accepted sender and recipient, Message-ID and other headers",
    // A second @ makes a recipient somebody else's.
    texts: texts.filter((text) => !text.includes("@")),
    kinds: [],
    wrong: 0,
    async run({ submission }, ip, text) {
      const client = await smtpFrom(submission, ip);
      const head = `Message-ID: <${text}>\r\nFrom: ${text}\r\nReceived: from ${text}\r\nX-A: ${text}\r\n`;
      await sendFrom(client, `"${text}"@outside.test`, [`"${text}"@example.test`], head);
    },
  },
  {
    name: "the true sender of a login (MAIL FROM AUTH=)",
    texts,
    kinds: ["login"],
    wrong: 0,
    async run({ submission }, ip, text) {
      const client = await smtpFrom(submission, ip);
      await client.authPlain("user1@example.test", "secret");
      const xtext = text.replace(
        /[^!-*,-<>-~]/g,
        (c) => `+${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
      );
      await client.command(`MAIL FROM:<a@example.test> AUTH=${xtext}`);
      await client.rcpt("b@out.test");
      await client.data("Subject: x\r\n\r\nx\r\n");
      await client.quit();
    },
  },
  {
    name: "commands that are none, VRFY, ETRN, XCLIENT",
    texts,
    kinds: [],
    wrong: 0,
    async run({ submission, xclient }, ip, text) {
      const client = await smtpFrom(submission, ip);
      for (const command of [text, `VRFY ${text}`, `NOOP ${text}`, `RSET ${text}`, `MAIL FROM:${text}`])
        await client.command(command);
      await client.quit();
      const other = await SmtpClient.connect(xclient);
      await other.command(`XCLIENT NAME=${text}`);
      await other.xclient({ ADDR: ip, NAME: text, HELO: text, LOGIN: text });
      await other.quit();
    },
  },
  {
    name: "a proxy's line",
    texts,
    kinds: [],
    wrong: 0,
    async run({ submission, imap }, ip, text) {
      for (const port of [submission, imap])
        (await SmtpClient.connect(port, `PROXY TCP4 ${text} ${ip} 1 25\r\n`)).abort();
    },
  },
  {
    name: "an IMAP name",
    texts,
    kinds: ["auth_failure"],
    wrong: 1,
    run: ({ imap }, ip, text) => imapLogin(imap, ip, text, "wrong"),
  },
  {
    name: "a password",
    texts,
    kinds: ["auth_failure"],
    wrong: 1,
    run: ({ imap }, ip, text) => imapLogin(imap, ip, "user1@example.test", text),
  },
  {
    name: "a POP3 name",
    texts,
    kinds: ["auth_failure"],
    wrong: 1,
    run: ({ pop3 }, ip, text) => popLogin(pop3, ip, text, "wrong"),
  },
  {
    name: "a name by IMAP's AUTHENTICATE",
    texts: [...texts, ...lines],
    kinds: ["auth_failure"],
    wrong: 1,
    async run({ imap }, ip, text) {
      await using client = await LineClient.connect(imap, ip);
      await client.say(`a AUTHENTICATE PLAIN ${Buffer.from(`\0${text}\0wrong`).toString("base64")}`, /^a /m);
    },
  },
  {
    name: "an IMAP mechanism, ID, and commands that are none",
    texts,
    kinds: [],
    wrong: 0,
    async run({ imap }, ip, text) {
      await using client = await LineClient.connect(imap, ip);
      await client.say(`a ID ("name" "${text.replace(/["\\]/g, "")}")`, /^a /m);
      await client.say(`b AUTHENTICATE "${text.replace(/["\\]/g, "")}"`, /^b /m);
      await client.say(`c ${text}`, /^c /m);
    },
  },
  {
    name: "a name at Dovecot's submission",
    texts,
    kinds: ["auth_failure"],
    wrong: 1,
    async run({ mailSubmission }, ip, text) {
      const client = await smtpFrom(mailSubmission, ip);
      await authLogin(client, text, "wrong");
      await client.quit();
    },
  },
];

export interface HostileSession {
  readonly title: string;
  readonly ip: string;
  readonly kinds: readonly string[];
  readonly wrong: number;
  readonly run: (ports: LogPorts) => Promise<void>;
}

const full = process.env["POSTVARTA_FULL"] === "1";

/** Each text at each place, from an address of its own; in the short run every third. */
export const hostileSessions: readonly HostileSession[] = places.flatMap((place, x) =>
  place.texts.flatMap((text, y) => {
    if (!full && (x + y) % 3 !== 0) return [];
    const ip = y % 2 === 0 ? `203.0.113.${x * 15 + y}` : `2001:db8:0:${x + 1}::${y + 1}`;
    return {
      title: `${place.name}: ${JSON.stringify(text)}`,
      ip,
      kinds: place.kinds,
      wrong: place.wrong,
      run: (ports: LogPorts) => place.run(ports, ip, text),
    };
  }),
);
