// Lines of Postfix as an account at home and a stolen one make them.

/** Access networks of twelve countries, as they are announced. */
export const abroad = [
  "115.75.1.1",
  "36.70.1.1",
  "189.46.1.1",
  "197.210.50.1",
  "113.70.1.1",
  "49.36.1.1",
  "91.14.1.1",
  "90.1.2.3",
  "73.15.1.1",
  "86.140.1.1",
  "37.73.1.1",
  "172.56.10.10",
] as const;

/** A home in Kyiv. */
export const home = "176.8.20.1";

const dayMs = 86_400_000;

export interface SentMessage {
  readonly at: number;
  readonly user: string;
  readonly ip: string;
  readonly queueId: string;
  readonly recipients?: number;
  readonly bounced?: number;
  readonly size?: number;
}

/** The lines of one message: login, queue, and what bounced. */
function messageLines({ at, user, ip, queueId, recipients = 1, bounced = 0, size }: SentMessage): string {
  const bytes = size ?? 1_000 + (at % 90_000);
  const lines = [
    `${stamp(at)} mx1 postfix/submission/smtpd[41]: ${queueId}: client=unknown[${ip}], sasl_method=PLAIN, sasl_username=${user}`,
    `${stamp(at + 20)} mx1 postfix/qmgr[2]: ${queueId}: from=<${user}>, size=${bytes}, nrcpt=${recipients} (queue active)`,
  ];
  for (let i = 0; i < bounced; i++) {
    lines.push(
      `${stamp(at + 40 + i)} mx1 postfix/smtp[43]: ${queueId}: to=<u${i}@there.example>, relay=mx.there.example[198.51.100.9]:25, delay=1, delays=0.1/0/0.4/0.5, dsn=5.1.1, status=bounced (host mx.there.example[198.51.100.9] said: 550 5.1.1 unknown user)`,
    );
  }
  return `${lines.join("\n")}\n`;
}

/** Days at home that end at `until`, two messages each. */
export function quietDays(user: string, until: number, days = 12): string {
  let text = "";
  for (let day = days; day > 0; day--) {
    const at = until - day * dayMs;
    text += messageLines({ at, user, ip: home, queueId: idOf(user, at) });
    text += messageLines({ at: at + 7_200_000, user, ip: home, queueId: idOf(user, at + 1) });
  }
  return text;
}

/** Somebody else has the password: a message every few seconds, each from another country, many of them to nobody. */
export function burst(user: string, from: number, messages = 12, stepMs = 4_000): string {
  let text = "";
  for (let i = 0; i < messages; i++) {
    const at = from + i * stepMs;
    const ip = abroad[i % abroad.length] ?? home;
    text += messageLines({ at, user, ip, queueId: idOf(user, at), recipients: 5, bounced: 2, size: 4_321 });
  }
  return text;
}

let made = 0;

function idOf(user: string, at: number): string {
  made++;
  return `4${(at % 1e9).toString(36)}${user.length}${made.toString(36)}`.replace(/[^A-Za-z0-9]/g, "").toUpperCase();
}

function stamp(at: number): string {
  return new Date(at).toISOString().replace("Z", "000+00:00");
}

/** The watch group's members may send nothing: that a watch holds shows at the next question. */
export const limitedGroup = `
[[groups]]
name = "newuser"
members = ["$noman"]
[[policies]]
name = "newusers"
members = [{ source = "%newuser" }]
[[policies.access]]
verdict = "reject"
text = "LIMIT AT QUOTAUSE"
`;
