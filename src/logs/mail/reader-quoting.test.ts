// What a line quotes of a client, whatever it is, is never taken for more than a quotation.

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { eventsOf } from "../../../tests/mail-events.ts";
import type { MailKind } from "../../core/event.ts";

/** Text that attackers write: pieces of lines, put together at random. */
const hostileText = fc
  .array(
    fc.constantFrom(
      ...[
        "h[198.51.100.66]",
        "x, ",
        ": ",
        ">",
        "<",
        "rip=198.51.100.66",
        ", lip=1.1.1.1",
        ",198.51.100.66",
        ")",
        "): unknown user",
        " (given password: x",
        "(auth failed, 1 attempts)",
      ],
      ...[
        " SASL LOGIN authentication failed: x",
        ", sasl_username=ceo",
        ", sasl_method=PLAIN",
        ": reject: RCPT from ",
        " 554 5.7.1 x;",
        " from ",
        "warning: ",
        "client=",
        "user=<",
        ">, method=PLAIN",
      ],
      ...[
        "Login: ",
        "Disconnected ",
        "NOQUEUE",
        " limit exceeded: 9 from ",
        " for service smtp",
        "[",
        "]",
        '"',
        "\\",
        "a",
        " ",
        "Ї",
        "?",
        ",<s>",
        "Password mismatch",
        "\t",
        "message repeated 2 times: [ ",
        ": Login",
        " Disconnected (auth failed, 2 attempts)",
      ],
    ),
    { maxLength: 12 },
  )
  .map((pieces) => pieces.join(""));

interface Quoting {
  readonly name: string;
  readonly program: string;
  readonly message: (text: string) => string;
  readonly kinds: readonly MailKind[];
}

/** Every place where a line of Postfix or Dovecot quotes a client; the client is 192.0.2.1 and does nothing else wrong. */
const quotings: readonly Quoting[] = [
  {
    name: "a name that logs in",
    program: "postfix/smtpd",
    message: (t) => `4F: client=unknown[192.0.2.1], sasl_method=PLAIN, sasl_username=${t}`,
    kinds: ["login"],
  },
  {
    name: "a name that is refused",
    program: "postfix",
    message: (t) =>
      `warning: unknown[192.0.2.1]: SASL PLAIN authentication failed: (reason unavailable), sasl_username=${t}`,
    kinds: ["auth_failure"],
  },
  {
    name: "a mechanism",
    program: "postfix/smtpd",
    message: (t) =>
      `warning: unknown[192.0.2.1]: SASL ${t} authentication failed: Invalid authentication mechanism, sasl_username=(unavailable)`,
    kinds: [],
  },
  {
    name: "a sender",
    program: "postfix/smtpd",
    message: (t) =>
      `NOQUEUE: reject: RCPT from unknown[192.0.2.1]: 554 5.7.1 <a@b>: Relay access denied; from=<${t}> to=<a@b> proto=ESMTP helo=<c>`,
    kinds: ["reject"],
  },
  {
    name: "a recipient",
    program: "postfix",
    message: (t) =>
      `NOQUEUE: reject: RCPT from unknown[192.0.2.1]: 554 5.7.1 <${t}>: Relay access denied; from=<a@b> to=<${t}> proto=ESMTP helo=<c>`,
    kinds: ["reject"],
  },
  {
    name: "a HELO",
    program: "postfix/smtpd",
    message: (t) =>
      `NOQUEUE: reject: RCPT from unknown[192.0.2.1]: 504 5.5.2 <${t}>: Helo command rejected; from=<a@b> to=<a@b> proto=ESMTP helo=<${t}>`,
    kinds: ["reject"],
  },
  { name: "a Message-ID", program: "postfix/cleanup", message: (t) => `4F: message-id=${t}`, kinds: [] },
  {
    name: "a command",
    program: "postfix/smtpd",
    message: (t) => `warning: non-SMTP command from unknown[192.0.2.1]: ${t}`,
    kinds: [],
  },
  {
    name: "a name that logs in over IMAP",
    program: "dovecot",
    message: (t) => `imap-login: Login: user=<${t}>, method=PLAIN, rip=192.0.2.1, lip=192.0.2.25`,
    kinds: ["login"],
  },
  {
    name: "a name that is refused over IMAP",
    program: "dovecot",
    message: (t) =>
      `imap-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<${t}>, method=PLAIN, rip=192.0.2.1, lip=192.0.2.25`,
    kinds: ["auth_failure"],
  },
  {
    name: "a name that asks for nothing",
    program: "dovecot",
    message: (t) => `imap-login: Disconnected (no auth attempts in 2 secs): user=<${t}>, rip=192.0.2.1, lip=192.0.2.25`,
    kinds: [],
  },
  {
    name: "an IMAP mechanism",
    program: "dovecot",
    message: (t) =>
      `imap-login: Aborted login (auth failed, 1 attempts): user=<>, method=${t}, rip=192.0.2.1, lip=192.0.2.25`,
    kinds: ["auth_failure"],
  },
  {
    name: "a name in the auth process",
    program: "dovecot",
    message: (t) => `auth: passwd-file(${t},192.0.2.1,<s>): unknown user`,
    kinds: ["auth_failure"],
  },
  {
    name: "a name in the auth process of 2.4",
    program: "dovecot",
    message: (t) => `auth(${t},192.0.2.1,sasl:plain)<s>: passwd-file: Password mismatch`,
    kinds: ["auth_failure"],
  },
  {
    name: "a password in the auth process",
    program: "dovecot",
    message: (t) => `auth: passwd-file(bob,192.0.2.1): Password mismatch (given password: ${t})`,
    kinds: ["auth_failure"],
  },
  {
    name: "a name with a forbidden character",
    program: "dovecot",
    message: (t) =>
      `auth: plain(?,192.0.2.1): Username character disallowed by auth_username_chars: 0x2c (username: ${t})`,
    kinds: [],
  },
  {
    name: "a name that is refused, told again by rsyslog",
    program: "postfix/smtpd",
    message: (t) =>
      `message repeated 2 times: [ warning: unknown[192.0.2.1]: SASL PLAIN authentication failed: x, sasl_username=${t}]`,
    kinds: ["auth_failure"],
  },
  {
    name: "a name that is refused, in a format turned round",
    program: "dovecot",
    message: (t) =>
      `imap-login: user=<${t}>, method=PLAIN, rip=192.0.2.1, lip=192.0.2.25 Aborted login (auth failed, 1 attempts)`,
    kinds: ["auth_failure"],
  },
  {
    name: "a name that asks for nothing, in a format turned round",
    program: "dovecot",
    message: (t) => `imap-login: user=<${t}>, rip=192.0.2.1, lip=192.0.2.25: Disconnected (no auth attempts in 2 secs)`,
    kinds: [],
  },
  {
    name: "what an IMAP client says it is",
    program: "dovecot",
    message: (t) => `imap-login: ID sent: name=${t}: user=<>, rip=192.0.2.1, lip=192.0.2.25`,
    kinds: [],
  },
  {
    name: "a name that is passed on",
    program: "dovecot",
    message: (t) =>
      `imap-login: proxy(${t}): started proxying to 192.0.2.30:143: user=<${t}>, method=PLAIN, rip=192.0.2.1, lip=192.0.2.25`,
    kinds: [],
  },
  {
    name: "what a client says to postscreen",
    program: "postfix/postscreen",
    message: (t) =>
      `NOQUEUE: reject: RCPT from [192.0.2.1]:40001: 550 5.5.1 Protocol error; from=<${t}>, to=<${t}>, proto=ESMTP, helo=<${t}>`,
    kinds: ["reject"],
  },
  {
    name: "what a client says before it is greeted",
    program: "postfix/postscreen",
    message: (t) => `PREGREET 17 after 0.28 from [192.0.2.1]:40001: ${t}`,
    kinds: [],
  },
  {
    name: "a name that is logged in and refused",
    program: "postfix/smtpd",
    message: (t) =>
      `NOQUEUE: reject: RCPT from unknown[192.0.2.1]: 554 5.7.1 <a@b>: no; from=<a@b> to=<a@b> proto=ESMTP helo=<c> sasl_method=PLAIN sasl_username=${t}`,
    kinds: ["reject"],
  },
  {
    name: "a message that a milter refuses",
    program: "postfix/cleanup",
    message: (t) =>
      `4F: milter-reject: END-OF-MESSAGE from unknown[192.0.2.1]: 5.7.1 ${t}; from=<${t}> to=<${t}> proto=ESMTP helo=<${t}>`,
    kinds: ["reject"],
  },
  {
    name: "a header that is refused",
    program: "postfix/cleanup",
    message: (t) =>
      `4F: reject: header Subject: ${t} from unknown[192.0.2.1]; from=<a@b> to=<a@b> proto=ESMTP helo=<c>: 5.7.1 no`,
    kinds: [],
  },
  { name: "another program's text", program: "sshd", message: (t) => t, kinds: [] },
];

for (const { name, program, message, kinds } of quotings) {
  test(`${name} makes nobody else guilty, whatever it says`, () => {
    const runs = process.env["POSTVARTA_FULL"] === "1" ? 100_000 : 2_000;
    fc.assert(
      fc.property(hostileText, (text) => {
        const line = Buffer.from(`Nov 24 02:47:05 mx ${program}[1]: ${message(text)}\n`);
        for (const event of eventsOf(line)) {
          assert.equal(event.ip, "192.0.2.1");
          assert.ok(kinds.includes(event.kind), event.kind);
        }
      }),
      { numRuns: runs },
    );
  });
}

test("an ordinary name is read as it was logged, for any name without the daemon's own words", () => {
  const names = fc.string({
    unit: fc.constantFrom(
      "a",
      "B",
      "@",
      ".",
      " ",
      '"',
      "'",
      ",",
      "=",
      "<",
      ">",
      "(",
      ")",
      "[",
      "]",
      "і",
      "ü",
      "%",
      "$",
      "\\",
      ";",
      ":",
    ),
    minLength: 1,
    maxLength: 30,
  });
  fc.assert(
    fc.property(names, (name) => {
      for (const { program, message } of quotings.filter((quoting) =>
        /^a name that (?:logs in|is refused)(?! in the)/.test(quoting.name),
      )) {
        const [event] = eventsOf(Buffer.from(`Nov 24 02:47:05 mx ${program}[1]: ${message(name)}\n`));
        assert.equal(event?.user, name);
      }
    }),
  );
});

test("no bytes make the reader fail, and what they say of an address is an address", () => {
  const heads = fc.constantFrom(
    "",
    "Nov 24 02:47:05 mx postfix/smtpd[1]: ",
    "<22>1 2026-11-24T02:47:05Z mx postfix 1 - ",
    "2026-",
    "__CURSOR=\nMESSAGE\n",
    '{"MESSAGE":',
    "dovecot: Nov",
  );
  const tails = fc.oneof(
    fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
    hostileText.map((text) => Buffer.from(text)),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(heads, tails), { maxLength: 5 }), (lines) => {
      const log = Buffer.concat(lines.flatMap(([head, tail]) => [Buffer.from(head), tail, Buffer.from("\n")]));
      for (const event of eventsOf(log)) assert.ok(event.ip === null || /^[0-9a-f.:]+$/.test(event.ip));
    }),
    { numRuns: process.env["POSTVARTA_FULL"] === "1" ? 100_000 : 2_000 },
  );
});
