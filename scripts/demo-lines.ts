// The demo's mail house: who lives there, and lines of Postfix as rsyslog writes them.

/** Where each of them writes from: at home first, then on the way. */
export const people: readonly (readonly [account: string, addresses: readonly [home: string, ...others: string[]]])[] =
  [
    ["olena@example.org", ["176.8.20.1", "178.133.1.1"]],
    ["petro@example.org", ["176.8.33.7", "37.73.1.1"]],
    ["ivan@example.org", ["193.34.92.10"]],
    ["maria@example.org", ["188.163.1.1", "37.73.9.9"]],
  ];

export interface DemoMail {
  /** ms since the epoch. */
  readonly at: number;
  readonly account: string;
  readonly ip: string;
  readonly queueId: string;
  readonly recipients: readonly string[];
  /** How many of them do not exist. */
  readonly bounced?: number;
  readonly size?: number;
}

/** Login, queue, and what became of each recipient. */
export function sentLines({ at, account, ip, queueId, recipients, bounced = 0, size = 4_096 }: DemoMail): string {
  const relay = "relay=mx.elsewhere.example[198.51.100.25]:25, delay=0.6, delays=0.1/0/0.2/0.3";
  const fate = (i: number) =>
    i < bounced
      ? "dsn=5.1.1, status=bounced (host mx.elsewhere.example[198.51.100.25] said: 550 5.1.1 User unknown (in reply to RCPT TO command))"
      : "dsn=2.0.0, status=sent (250 2.0.0 Ok)";
  const lines = [
    `smtpd[41]: ${queueId}: client=unknown[${ip}], sasl_method=PLAIN, sasl_username=${account}`,
    `qmgr[2]: ${queueId}: from=<${account}>, size=${size}, nrcpt=${recipients.length} (queue active)`,
    ...recipients.map((to, i) => `smtp[43]: ${queueId}: to=<${to}>, ${relay}, ${fate(i)}`),
    `qmgr[2]: ${queueId}: removed`,
  ];
  return lines.map((line, i) => `${stamp(at + i * 10)} mx1 postfix/${line}\n`).join("");
}

export function refusedPassword(at: number, ip: string, account: string): string {
  return `${stamp(at)} mx1 postfix/smtpd[44]: warning: unknown[${ip}]: SASL LOGIN authentication failed: UGFzc3dvcmQ6, sasl_username=${account}\n`;
}

/** What Postfix logs of an answer of ours. */
export function refusedRecipient(at: number, ip: string, account: string, to: string, text: string): string {
  const said = `554 5.7.1 <${to}>: Recipient address rejected: ${text}`;
  return `${stamp(at)} mx1 postfix/smtpd[41]: NOQUEUE: reject: RCPT from unknown[${ip}]: ${said}; from=<${account}> to=<${to}> proto=ESMTP helo=<laptop>\n`;
}

function stamp(at: number): string {
  return new Date(at).toISOString().replace("Z", "000+00:00");
}
