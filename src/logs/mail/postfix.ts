// What a line of Postfix says. Formats follow its sources from 2.3 to 3.12: smtpd.c, smtpd_sasl_glue.c, smtpd_check.c,
// postscreen.c, cleanup_milter.c, qmgr_active.c, log_adhoc.c. Everything is anchored at the message's beginning: the rest
// of a line quotes names, senders, recipients and commands of whoever connects.

import { draftMailEvent, type MailEventDraft } from "../../core/event.ts";
import { isDigitAt, parseClient, queueIdLength } from "./client.ts";
import type { Daemon, Program } from "./program.ts";

/** The event in a Postfix message, without time and line; undefined when it says nothing that is wanted. */
export function parsePostfix(program: Program, text: string): MailEventDraft | undefined {
  const { daemon, service } = program;
  if (text.startsWith("warning: ")) return isSmtpd(daemon) ? parseWarning(text, service) : undefined;
  const idLength = queueIdLength(text);
  if (idLength === 0) return undefined;
  // Before 2.1 nothing stood in front of it.
  if (text.startsWith("reject: ")) return isSmtpd(daemon) ? parseReject(text, 0, "reject: ", service) : undefined;
  const event = parseAfterId(daemon, text, idLength + 2, service);
  if (event !== undefined) {
    const id = text.slice(0, idLength);
    event.queueId = id === "NOQUEUE" ? null : id;
  }
  return event;
}

function isSmtpd(daemon: Daemon): boolean {
  return daemon === "smtpd" || daemon === "postfix";
}

function parseAfterId(daemon: Daemon, text: string, at: number, service: string): MailEventDraft | undefined {
  const any = daemon === "postfix";
  switch (text.charCodeAt(at)) {
    case 99: // client=
      return any || daemon === "smtpd" ? parseLogin(text, at, service) : undefined;
    case 114: // reject:
      return any || daemon === "smtpd" || daemon === "postscreen"
        ? parseReject(text, at, "reject: ", service)
        : undefined;
    case 109: // milter-reject:
      if (!any && daemon !== "smtpd" && daemon !== "cleanup") return undefined;
      return parseReject(text, at, daemon === "cleanup" ? "milter-reject: END-OF-MESSAGE" : "milter-reject: ", service);
    case 102: // from=
      return any || daemon === "qmgr" ? parseQueued(text, at, service) : undefined;
    case 116: // to=
      return any || daemon === "delivery" ? parseDelivery(text, at, service) : undefined;
    default:
      return undefined;
  }
}

function parseWarning(text: string, service: string): MailEventDraft | undefined {
  return parseRateLimit(text) ?? parseSaslFailure(text, service);
}

const limits = new Set([
  "Connection rate",
  "Connection concurrency",
  "Message delivery request rate",
  "Recipient address rate",
  "New TLS session rate",
  "AUTH command rate",
]);

/** `warning: Connection rate limit exceeded: 31 from host[192.0.2.1] for service smtp`; the service is master.cf's name. */
function parseRateLimit(text: string): MailEventDraft | undefined {
  const said = text.indexOf(" limit exceeded: ");
  if (said < 0 || said > 60 || !limits.has(text.slice(9, said))) return undefined;
  let at = said + 17;
  while (isDigitAt(text, at)) at++;
  if (!text.startsWith(" from ", at)) return undefined;
  const client = parseClient(text, at + 6);
  if (client === undefined || !text.startsWith(" for service ", client.next)) return undefined;
  const event = draftMailEvent("rate_limit", "postfix", text.slice(client.next + 13));
  event.ip = client.ip;
  event.reason = text.slice(9, at);
  return event;
}

/**
 * What stands behind `authentication failed: ` when nobody's password was refused: our own back end was down (Postfix
 * then answers 454), or the client asked for a mechanism we do not have or sent no proper base64.
 */
const notRefused =
  /^(?:Connection lost to authentication server|Server configuration problem|Temporary|Internal|generic failure|remote authentication server unavailable|Invalid authentication mechanism|Invalid base64)/;

/** A mechanism that itself reads `X authentication failed: y, sasl_username=z` would otherwise name a user of its choice. */
const unknownMechanism = " authentication failed: Invalid authentication mechanism";

/** `warning: host[192.0.2.1]: SASL LOGIN authentication failed: reason, sasl_username=name`; reason and name may be missing. */
function parseSaslFailure(text: string, service: string): MailEventDraft | undefined {
  const client = parseClient(text, 9);
  if (client === undefined || !text.startsWith(": SASL ", client.next)) return undefined;
  const methodAt = client.next + 7;
  const said = text.indexOf(" authentication failed", methodAt);
  // A mechanism that is none of RFC 4422's names was never tried, whatever the line goes on to say.
  if (said < 0 || !/^[\w.+-]{1,100}$/.test(text.slice(methodAt, said))) return undefined;
  let rest = text.slice(said + 22);
  if (rest !== "" && !rest.startsWith(":")) return undefined;
  rest = rest.slice(1).trimStart();
  if (notRefused.test(rest) || rest.includes(unknownMechanism)) return undefined;
  const event = draftMailEvent("auth_failure", "postfix", service);
  event.ip = client.ip;
  event.method = text.slice(methodAt, said);
  const userAt = rest.indexOf(", sasl_username=");
  if (userAt >= 0) event.user = nameOrNull(rest.slice(userAt + 16));
  const reason = userAt < 0 ? rest : rest.slice(0, userAt);
  event.reason = reason === "" ? null : reason;
  return event;
}

function nameOrNull(name: string): string | null {
  return name === "" || name === "(unavailable)" ? null : name;
}

/** Attributes that may follow a login's name; their values come from the client (MAIL FROM AUTH=) or from a proxy. */
const afterUser = [", sasl_sender=", ", orig_queue_id=", ", orig_client="];

/** `client=host[192.0.2.1], sasl_method=PLAIN, sasl_username=name`: one a message, not one a login. */
function parseLogin(text: string, at: number, service: string): MailEventDraft | undefined {
  if (!text.startsWith("client=", at)) return undefined;
  const client = parseClient(text, at + 7);
  if (client === undefined || !text.startsWith(", sasl_method=", client.next)) return undefined;
  const methodAt = client.next + 14;
  const methodEnd = text.indexOf(", sasl_username=", methodAt);
  if (methodEnd < 0) return undefined;
  const userAt = methodEnd + 16;
  let userEnd = text.length;
  for (const name of afterUser) {
    const found = text.indexOf(name, userAt);
    if (found >= 0 && found < userEnd) userEnd = found;
  }
  const event = draftMailEvent("login", "postfix", service);
  event.ip = client.ip;
  event.method = text.slice(methodAt, methodEnd);
  event.user = nameOrNull(text.slice(userAt, userEnd));
  return event;
}

/** `reject: RCPT from host[192.0.2.1]: 554 5.7.1 <a@b>: Relay access denied; from=<…> to=<…> proto=ESMTP helo=<…>` */
function parseReject(text: string, at: number, word: string, service: string): MailEventDraft | undefined {
  if (!text.startsWith(word, at)) return undefined;
  let i = at + word.length;
  while (isCommandChar(text.charCodeAt(i))) i++;
  if (!text.startsWith(" from ", i)) return undefined;
  const client = parseClient(text, i + 6);
  if (client === undefined || !text.startsWith(": ", client.next)) return undefined;
  const event = draftMailEvent("reject", "postfix", service);
  event.ip = client.ip;
  const reply = text.slice(client.next + 2);
  const tail = reply.search(/; (?:from=<|to=<|proto=)/);
  event.reason = tail < 0 ? reply : reply.slice(0, tail);
  readLoginOfReject(reply, event);
  return event;
}

/** `RCPT`, `END-OF-MESSAGE`: commands in capitals; a header or a body that cleanup rejects is in small letters. */
function isCommandChar(c: number): boolean {
  return (c >= 65 && c <= 90) || c === 45;
}

/** Postfix 3.10 adds the login behind helo=<…>. A HELO that imitates it leaves the line ending with its own `>`. */
function readLoginOfReject(reply: string, event: MailEventDraft): void {
  const at = reply.lastIndexOf(" sasl_username=");
  if (at < 0 || reply.endsWith(">")) return;
  const method = / sasl_method=(\S+)$/.exec(reply.slice(Math.max(0, at - 130), at));
  if (method === null) return;
  event.method = method[1] ?? null;
  event.user = nameOrNull(reply.slice(at + 15));
}

/** `from=<a@b>, size=500, nrcpt=1 (queue active)`, and `from=<a@b>, status=expired, returned to sender`. */
function parseQueued(text: string, at: number, service: string): MailEventDraft | undefined {
  if (!text.startsWith("from=<", at)) return undefined;
  if (text.endsWith(returned)) return parseExpired(text, at, service);
  const sizeAt = text.lastIndexOf(">, size=");
  if (sizeAt < 0) return undefined;
  const sizeEnd = afterDigits(text, sizeAt + 8);
  if (sizeEnd === sizeAt + 8 || !text.startsWith(", nrcpt=", sizeEnd)) return undefined;
  const recipientsEnd = afterDigits(text, sizeEnd + 8);
  if (recipientsEnd === sizeEnd + 8 || !text.startsWith(" (queue active)", recipientsEnd)) return undefined;
  const event = draftMailEvent("queued", "postfix", service);
  event.sender = text.slice(at + 6, sizeAt);
  event.sizeBytes = Number(text.slice(sizeAt + 8, sizeEnd));
  event.recipients = Number(text.slice(sizeEnd + 8, recipientsEnd));
  return event;
}

const returned = ", returned to sender";

function parseExpired(text: string, at: number, service: string): MailEventDraft | undefined {
  const expired = /, status=((?:force-)?expired), returned to sender$/.exec(text.slice(-60));
  if (expired === null || text.charCodeAt(text.length - expired[0].length - 1) !== 62) return undefined;
  const event = draftMailEvent("bounced", "postfix", service);
  event.sender = text.slice(at + 6, text.length - expired[0].length - 1);
  event.reason = `${expired[1]}${returned}`;
  return event;
}

/** A number of messages or bytes has no more digits. */
const digitsMax = 20;

function afterDigits(text: string, from: number): number {
  let i = from;
  while (i < from + digitsMax && isDigitAt(text, i)) i++;
  return i;
}

const deliveries = new Map<string, "sent" | "bounced" | "deferred">([
  ["sent", "sent"],
  ["bounced", "bounced"],
  ["deferred", "deferred"],
  ["SOFTBOUNCE", "deferred"],
]);

/** `to=<a@b>, relay=host[192.0.2.1]:25, delay=1, delays=…, dsn=2.0.0, status=sent (250 ok)`; dsn since 2.3. */
function parseDelivery(text: string, at: number, service: string): MailEventDraft | undefined {
  if (!text.startsWith("to=<", at)) return undefined;
  const addressEnd = endOfAddress(text, at + 4);
  if (addressEnd < 0) return undefined;
  const relayAt = text.startsWith(">, relay=", addressEnd) ? addressEnd : text.indexOf(">, relay=", addressEnd);
  const statusAt = relayAt < 0 ? -1 : text.indexOf(", status=", relayAt);
  if (statusAt < 0) return undefined;
  const space = text.indexOf(" ", statusAt + 9);
  const kind = deliveries.get(text.slice(statusAt + 9, space < 0 ? text.length : space));
  if (kind === undefined) return undefined;
  const event = draftMailEvent(kind, "postfix", service);
  event.recipient = text.slice(at + 4, addressEnd);
  if (space >= 0) event.reason = withoutBrackets(text, space + 1);
  return event;
}

/** From `from` to the end, without the brackets around it. */
function withoutBrackets(text: string, from: number): string {
  const isBracketed = text.length > from + 1 && text.charCodeAt(from) === 40 && text.endsWith(")");
  return isBracketed ? text.slice(from + 1, -1) : text.slice(from);
}

/** Where the `>` of an address stands; a quoted local part may hold one. */
function endOfAddress(text: string, from: number): number {
  let i = from;
  if (text.charCodeAt(i) === 34) {
    for (i++; i < text.length && text.charCodeAt(i) !== 34; i++) if (text.charCodeAt(i) === 92) i++;
  }
  const end = text.indexOf(">, ", i);
  return end < 0 ? text.indexOf(">, ", from) : end;
}
