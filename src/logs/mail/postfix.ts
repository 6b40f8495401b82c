// What a line of Postfix says. Formats follow its sources from 2.3 to 3.12: smtpd.c, smtpd_sasl_glue.c, smtpd_check.c,
// postscreen.c, cleanup_milter.c, qmgr_active.c, log_adhoc.c. Everything is anchored at the message's beginning: the rest
// of a line quotes names, senders, recipients and commands of whoever connects.

import { draftMailEvent, type MailEventDraft } from "../../core/event.ts";
import { clientForm, parseAddress } from "./client.ts";
import type { PostfixDaemon, Program } from "./program.ts";

/** The event in a message, without time and line; undefined when it says nothing that is wanted. */
export type ParseMessage = (text: string, program: Program) => MailEventDraft | undefined;

/** How the messages of each daemon are read. A table, because calls through it are compiled apart: one piece of all would take long. */
export const postfixParsers: Readonly<Record<PostfixDaemon, ParseMessage>> = {
  smtpd: parseSmtpd,
  postscreen: (text, { service }) => parseReject(rejectForm, text, service),
  cleanup: (text, { service }) => parseReject(endOfMessageForm, text, service),
  qmgr: (text, { service }) => parseOfQueue(parseQueued, text, service),
  delivery: (text, { service }) => parseOfQueue(parseDelivery, text, service),
  postfix: (text, program) => parseSmtpd(text, program) ?? parseOfAnyQueue(text, program),
};

const warning = "warning: ";

/**
 * The queue id, or NOQUEUE, that a message begins with. Short ids are hexadecimal, long ones (enable_long_queue_ids) letters and
 * digits without vowels; the two words stand where no id does.
 */
const idForm = "(?!warning: |reject: )([0-9A-Za-z]{1,32}): ";

function parseSmtpd(text: string, { service }: Program): MailEventDraft | undefined {
  if (text.startsWith(warning)) return parseSaslFailure(text, service) ?? parseRateLimit(text);
  // Before 2.1 nothing stood in front of it.
  if (text.startsWith("reject: ")) return parseReject(bareRejectForm, text, service);
  return parseReject(rejectForm, text, service) ?? parseLogin(text, service) ?? parseReject(milterForm, text, service);
}

/** What stands at `at`, by a sticky form. A form that has no loop in a loop is compiled at once and makes little of its own. */
function match(form: RegExp, text: string, at: number): RegExpExecArray | null {
  form.lastIndex = at;
  return form.exec(text);
}

function idOrNull(id: string | undefined): string | null {
  return id === undefined || id === "NOQUEUE" ? null : id;
}

/** `warning: Connection rate limit exceeded: 31 from host[192.0.2.1] for service smtp`; the service is master.cf's name. */
const rateLimitForm = new RegExp(
  `((?:Connection rate|Connection concurrency|Message delivery request rate|Recipient address rate|New TLS session rate|AUTH command rate) limit exceeded: \\d*) from ${clientForm} for service `,
  "y",
);

function parseRateLimit(text: string): MailEventDraft | undefined {
  const said = match(rateLimitForm, text, warning.length);
  const ip = said === null ? undefined : parseAddress(said[2] ?? "");
  if (said === null || ip === undefined) return undefined;
  const event = draftMailEvent("rate_limit", "postfix", text.slice(rateLimitForm.lastIndex));
  event.ip = ip;
  event.reason = said[1] ?? null;
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
const saslForm = new RegExp(`${clientForm}: SASL ([\\w.+-]{1,100}) authentication failed(?=:|$)`, "y");

function parseSaslFailure(text: string, service: string): MailEventDraft | undefined {
  // A mechanism that is none of RFC 4422's names was never tried, whatever the line goes on to say.
  const said = match(saslForm, text, warning.length);
  if (said === null) return undefined;
  const rest = text.slice(saslForm.lastIndex + 1).trimStart();
  if (notRefused.test(rest) || rest.includes(unknownMechanism)) return undefined;
  const ip = parseAddress(said[1] ?? "");
  if (ip === undefined) return undefined;
  const event = draftMailEvent("auth_failure", "postfix", service);
  event.ip = ip;
  event.method = said[2] ?? null;
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
const afterUser = /, (?:sasl_sender|orig_queue_id|orig_client)=/;

/** `QUEUEID: client=host[192.0.2.1], sasl_method=PLAIN, sasl_username=name`: one a message, not one a login. */
const loginForm = new RegExp(`${idForm}client=${clientForm}, sasl_method=(.*?), sasl_username=`, "sy");

function parseLogin(text: string, service: string): MailEventDraft | undefined {
  const said = match(loginForm, text, 0);
  const ip = said === null ? undefined : parseAddress(said[2] ?? "");
  if (said === null || ip === undefined) return undefined;
  const user = text.slice(loginForm.lastIndex);
  const userEnd = user.search(afterUser);
  const event = draftMailEvent("login", "postfix", service);
  event.ip = ip;
  event.queueId = idOrNull(said[1]);
  event.method = said[3] ?? null;
  event.user = nameOrNull(userEnd < 0 ? user : user.slice(0, userEnd));
  return event;
}

/**
 * `QUEUEID: reject: RCPT from host[192.0.2.1]: 554 5.7.1 <a@b>: Relay access denied; from=<…> to=<…> proto=ESMTP helo=<…>`.
 * Commands stand in capitals; a header or a body that cleanup rejects is in small letters.
 */
const rejectForm = new RegExp(`${idForm}reject: [A-Z-]* from ${clientForm}: `, "y");
const bareRejectForm = new RegExp(`()reject: [A-Z-]* from ${clientForm}: `, "y");
const milterForm = new RegExp(`${idForm}milter-reject: [A-Z-]* from ${clientForm}: `, "y");
const endOfMessageForm = new RegExp(`${idForm}milter-reject: END-OF-MESSAGE[A-Z-]* from ${clientForm}: `, "y");

function parseReject(form: RegExp, text: string, service: string): MailEventDraft | undefined {
  const said = match(form, text, 0);
  const ip = said === null ? undefined : parseAddress(said[2] ?? "");
  if (said === null || ip === undefined) return undefined;
  const event = draftMailEvent("reject", "postfix", service);
  event.ip = ip;
  event.queueId = idOrNull(said[1] || undefined);
  const reply = text.slice(form.lastIndex);
  const tail = reply.search(/; (?:from=<|to=<|proto=)/);
  event.reason = tail < 0 ? reply : reply.slice(0, tail);
  readLoginOfReject(reply, event);
  return event;
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

const bareIdForm = new RegExp(idForm, "y");

/** What stands behind the queue id. */
function parseOfQueue(
  parse: (text: string, at: number, service: string) => MailEventDraft | undefined,
  text: string,
  service: string,
): MailEventDraft | undefined {
  const id = match(bareIdForm, text, 0);
  const event = id === null ? undefined : parse(text, bareIdForm.lastIndex, service);
  if (event !== undefined) event.queueId = idOrNull(id?.[1]);
  return event;
}

function parseOfAnyQueue(text: string, { service }: Program): MailEventDraft | undefined {
  return parseOfQueue(parseQueued, text, service) ?? parseOfQueue(parseDelivery, text, service);
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

function isDigitAt(text: string, i: number): boolean {
  const c = text.charCodeAt(i);
  return c >= 48 && c <= 57;
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
