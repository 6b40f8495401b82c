// A mail log for benches, the same for the same number of lines: 85 % ordinary lines of Postfix and Dovecot, 10 % refused
// passwords, the rest limits, rejects and logins.

import { closeSync, openSync, writeSync } from "node:fs";

const blockChars = 1_000_000;
const linesPerSecond = 400;

/** When a log of so many lines ends; ms since the epoch, of the year that is. */
export function mailLogEnd(lines: number): number {
  return new Date(new Date().getFullYear(), 10, 24).getTime() + (lines / linesPerSecond) * 1000;
}

/** Writes that many lines to `path`. */
export function writeMailLog(path: string, lines: number): void {
  const file = openSync(path, "w");
  let text = "";
  for (let i = 0; i < lines; i++) {
    text += `${line(i)}\n`;
    if (text.length > blockChars) {
      writeSync(file, text);
      text = "";
    }
  }
  writeSync(file, text);
  closeSync(file);
}

const ordinary: ReadonlyArray<(i: number, client: string, id: string) => string> = [
  (i, client) => `postfix/smtpd[${2000 + (i % 400)}]: connect from ${client}`,
  (i, client) =>
    `postfix/smtpd[${2000 + (i % 400)}]: disconnect from ${client} ehlo=2 starttls=1 mail=1 rcpt=1 data=1 quit=1 commands=7`,
  (i, client, id) => `postfix/smtpd[${2000 + (i % 400)}]: ${id}: client=${client}`,
  (i, _, id) => `postfix/cleanup[3000]: ${id}: message-id=<${i}.${i * 7}@mail.example.net>`,
  (i, _, id) =>
    `postfix/qmgr[1402]: ${id}: from=<user${i % 20_000}@example.net>, size=${800 + (i % 90_000)}, nrcpt=1 (queue active)`,
  (_, __, id) => `postfix/qmgr[1402]: ${id}: removed`,
  (i, _, id) =>
    `postfix/smtp[3200]: ${id}: to=<a${i}@example.org>, relay=mx.example.org[192.0.2.9]:25, delay=1.2, delays=0.1/0.01/0.4/0.7, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as ${id})`,
  (i) =>
    `dovecot: imap-login: Login: user=<user${i % 20_000}@example.net>, method=PLAIN, rip=${address(i)}, lip=192.0.2.25, mpid=${i % 30_000}, TLS, session=<s${i}>`,
  (i) => `dovecot: lmtp(user${i % 20_000}@example.net)<7><s${i}>: msgid=<${i}@example.org>: saved mail to INBOX`,
];

function line(i: number): string {
  const second = Math.floor(i / linesPerSecond);
  const clock = [Math.floor(second / 3600) % 24, Math.floor(second / 60) % 60, second % 60]
    .map((part) => String(part).padStart(2, "0"))
    .join(":");
  const client = `${i % 3 === 0 ? `host-${i % 5000}.example.net` : "unknown"}[${address(i)}]`;
  return `Nov 24 ${clock} mail ${message(i, client)}`;
}

function message(i: number, client: string): string {
  const id = (i * 2_654_435_761).toString(16).slice(0, 11).toUpperCase();
  const share = (i * 7919) % 100;
  const kind = ordinary[(i * 31) % ordinary.length];
  if (share < 85 && kind !== undefined) return kind(i, client, id);
  if (share < 95)
    return `postfix/submission/smtpd[2400]: warning: ${client}: SASL LOGIN authentication failed: (reason unavailable), sasl_username=user${i % 20_000}@example.net`;
  if (share < 97)
    return `postfix/smtpd[2100]: warning: Connection rate limit exceeded: 31 from ${client} for service smtp`;
  if (share < 99)
    return `postfix/submission/smtpd[2400]: NOQUEUE: reject: RCPT from ${client}: 554 5.7.1 <a@example.org>: Recipient address rejected: LIMIT AT QUOTAUSE; from=<u@example.net> to=<a@example.org> proto=ESMTP helo=<c>`;
  return `postfix/submission/smtpd[2400]: ${id}: client=${client}, sasl_method=LOGIN, sasl_username=user${i % 20_000}@example.net`;
}

function address(i: number): string {
  const n = (i * 40_503) % 65_536;
  return `203.0.${n >> 8}.${n & 255}`;
}
