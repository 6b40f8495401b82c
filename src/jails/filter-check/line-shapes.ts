// Lines of Postfix and Dovecot as they are written today, with the places where a stranger's text stands. What a filter makes of
// them shows whether it can be led to ban somebody else.

/** Where a stranger's text may stand, and what of it reaches the log there. */
export type Field = "helo" | "from" | "to" | "user" | "mechanism" | "command" | "reply" | "message-id";

export interface LineShape {
  /** After the time: `{ip}` is who really is connected, `{helo}` and its like are what he wrote. */
  readonly text: string;
  readonly fields: readonly Field[];
}

/** Who really is connected. */
const trueAddress = "203.0.113.5";
/** Whom he wants to be banned. */
export const forgedAddress = "198.51.100.66";

const smtpd = "mx postfix/smtpd[77]: ";
const rejected = "from=<{from}> to=<{to}> proto=ESMTP helo=<{helo}>";

const texts: readonly string[] = [
  `${smtpd}warning: unknown[{ip}]: SASL LOGIN authentication failed: UGFzc3dvcmQ6, sasl_username={user}`,
  `${smtpd}warning: unknown[{ip}]: SASL PLAIN authentication failed: (reason unavailable), sasl_username={user}`,
  `${smtpd}warning: unknown[{ip}]: SASL {mechanism} authentication failed: Invalid authentication mechanism, sasl_username=(unavailable)`,
  `${smtpd}NOQUEUE: reject: RCPT from unknown[{ip}]: 550 5.1.1 <{to}>: Recipient address rejected: User unknown in local recipient table; ${rejected}`,
  `${smtpd}NOQUEUE: reject: RCPT from unknown[{ip}]: 554 5.7.1 <{to}>: Recipient address rejected: LIMIT AT QUOTAUSE; ${rejected}`,
  `${smtpd}NOQUEUE: reject: RCPT from unknown[{ip}]: 554 5.7.1 <{to}>: Relay access denied; ${rejected}`,
  `${smtpd}NOQUEUE: reject: RCPT from unknown[{ip}]: 504 5.5.2 <{helo}>: Helo command rejected: need fully-qualified hostname; ${rejected}`,
  `${smtpd}NOQUEUE: reject: RCPT from unknown[{ip}]: 450 4.1.8 <{from}>: Sender address rejected: Domain not found; ${rejected}`,
  `${smtpd}NOQUEUE: reject: RCPT from unknown[{ip}]: 554 5.7.1 Service unavailable; Client host [{ip}] blocked using zen.example; ${rejected}`,
  `${smtpd}4F2A1B3C: client=unknown[{ip}], sasl_method=PLAIN, sasl_username={user}`,
  `${smtpd}warning: non-SMTP command from unknown[{ip}]: {command}`,
  `${smtpd}warning: Illegal address syntax from unknown[{ip}] in MAIL command: {command}`,
  "mx postfix/cleanup[78]: 4F2A1B3C: message-id={message-id}",
  "mx postfix/qmgr[79]: 4F2A1B3C: from=<{from}>, size=349, nrcpt=1 (queue active)",
  "mx postfix/smtp[80]: 4F2A1B3C: to=<{to}>, relay=mx.example[{ip}]:25, delay=1, delays=0/0/0/1, dsn=5.0.0, status=bounced (host mx.example[{ip}] said: 550 {reply} (in reply to RCPT TO command))",
  "mx postfix/postscreen[81]: NOQUEUE: reject: RCPT from [{ip}]:2525: 550 5.7.1 Service unavailable; client [{ip}] blocked using zen.example; from=<{from}>, to=<{to}>, proto=ESMTP, helo=<{helo}>",
  "mx postfix/postscreen[81]: PREGREET 14 after 0.1 from [{ip}]:2525: {command}",
  "mx dovecot: imap-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<{user}>, method=PLAIN, rip={ip}, lip=192.0.2.25, TLS, session=<x>",
  "mx dovecot: imap-login: Login: user=<{user}>, method=PLAIN, rip={ip}, lip=192.0.2.25, mpid=7, TLS, session=<x>",
  "mx dovecot: auth: passwd-file({user},{ip},<x>): unknown user",
  "mx dovecot: auth-worker(7): conn unix:auth-worker (pid=1,uid=2): auth-worker<3>: sql({user},{ip},<x>): Password mismatch",
  "mx dovecot: auth: plain(?,{ip},<x>): Username character disallowed by auth_username_chars: 0x20 (username: {user})",
];

export const lineShapes: readonly LineShape[] = texts.map((text) => ({
  text,
  fields: [...new Set([...text.matchAll(/\{([a-z-]+)\}/g)].map((found) => found[1]))].filter(isField),
}));

function isField(name: string | undefined): name is Field {
  return name !== undefined && name !== "ip";
}

const usual: Readonly<Record<Field, string>> = {
  helo: "client.example",
  from: "a@example.net",
  to: "b@example.org",
  user: "anna@example.org",
  mechanism: "LOGIN",
  command: "GET / HTTP/1.1",
  reply: "5.1.1 no such user",
  "message-id": "<1@example.net>",
};

/** Postfix logs no more of a name than this; a line of SMTP is no longer than this. */
const lengthMax: Readonly<Record<Field, number>> = {
  helo: 500,
  from: 500,
  to: 500,
  user: 100,
  mechanism: 100,
  command: 500,
  reply: 500,
  "message-id": 900,
};

/** The line with `payload` in one field; undefined when it cannot stand there. */
export function fillShape(shape: LineShape, field?: Field, payload = ""): string | undefined {
  const written = field === undefined ? undefined : asWritten(field, payload);
  if (field !== undefined && written === undefined) return undefined;
  const line = shape.text.replace(/\{([a-z-]+)\}/g, (_, name: string) => {
    if (name === "ip") return trueAddress;
    return name === field ? (written ?? "") : (usual[name as Field] ?? "");
  });
  return `Nov 24 02:47:05 ${line}`;
}

function asWritten(field: Field, payload: string): string | undefined {
  if (payload.length > lengthMax[field] || /[^\x20-\x7e]/.test(payload)) return undefined;
  if (field !== "from" && field !== "to") return payload;
  // A local part between quotation marks may hold any sign but these two.
  return /["\\]/.test(payload) ? undefined : `"${payload}"@example.net`;
}
