// Postfix's policy delegation protocol (SMTPD_POLICY_README): one whole request's text → Request, Verdict → answer.
// The only room that knows attribute names and Postfix's `action=` text. Cutting a byte stream into requests is request-stream.ts.

import { isUtf8 } from "node:buffer";
import { type Ip, parseIp } from "../core/ip.ts";
import { Problem } from "../core/problem.ts";
import type { Request } from "./request.ts";
import type { Verdict } from "./verdict.ts";

/** Bytes of one request with its empty line. Postfix has no limit of its own; long certificate subjects fit many times. */
export const requestBytesMax = 65_536;
/** Lines of one request. Postfix 3.12 sends about thirty. */
export const requestAttributesMax = 1_000;
/** Bytes of the answer's line. Postfix cuts its SMTP reply at 510, and puts code, address and reason before our text. */
const answerBytesMax = 400;

/** Why a request cannot be read. Nothing is answered to it: any answer, even a wrong one, is final for Postfix. */
export type RequestFault = "too-long" | "too-many-attributes" | "nul" | "not-policy" | "no-state";

export interface AnswerOptions {
  /** Send a real OK for `ok` verdicts; otherwise they leave as DUNNO, because OK ends the restriction list it stands in. */
  readonly answerOk: boolean;
}

/**
 * Reads `name=value` lines (LF or CRLF, no empty line) of latin1 text. Unknown names and lines without `=` are ignored,
 * of duplicates the last wins. `ascii` says that no byte is above 127, and saves the UTF-8 check of each value.
 */
export function parseRequest(text: string, ascii: boolean, peer: Ip | undefined): Request | RequestFault {
  const found = new Attributes();
  for (let at = 0; at < text.length; ) {
    const newline = text.indexOf("\n", at);
    const end = newline < 0 ? text.length : newline;
    take(found, text, at, end > at && text.charCodeAt(end - 1) === 13 ? end - 1 : end);
    at = end + 1;
  }
  if (found.request !== "smtpd_access_policy") return "not-policy";
  if (found.state === "") return "no-state";
  if (!ascii) decodeValues(found);
  return toRequest(found, text, peer);
}

/**
 * Reads a request that a person typed or pasted: name=value lines, at most one empty line at the end. `request` and
 * `protocol_state` (RCPT) may be missing. Throws Problem policy/bad-request with the line.
 */
export function parseRequestText(text: string): Request {
  const body = Buffer.from(text, "utf8")
    .toString("latin1")
    .replace(/^(\r?\n)+|(\r?\n)+$/g, "");
  const lines = body === "" ? [] : body.split(/\r?\n/);
  if (body.length > requestBytesMax || lines.length > requestAttributesMax) {
    throw badRequest(
      "the request is too long",
      undefined,
      `at most ${requestBytesMax} bytes and ${requestAttributesMax} lines`,
    );
  }
  for (const [i, line] of lines.entries()) {
    const where = `line ${i + 1}`;
    if (line === "") throw badRequest("more than one request", where, "give one request at a time");
    if (line.includes("\0")) throw badRequest("a NUL character in the request", where, "remove it");
    if (line.indexOf("=") < 1) throw badRequest("no attribute", where, "write name=value, as in sender=a@example.com");
    if (line.startsWith("request=") && line !== "request=smtpd_access_policy") {
      throw badRequest("not a policy request", where, "request=smtpd_access_policy, or leave it out");
    }
  }
  if (!lines.includes("request=smtpd_access_policy")) lines.unshift("request=smtpd_access_policy");
  if (!lines.some((line) => /^protocol_state=./.test(line))) lines.push("protocol_state=RCPT");
  const request = parseRequest(`${lines.join("\n")}\n`, false, undefined);
  if (typeof request === "string")
    throw badRequest(`not a policy request (${request})`, undefined, "write name=value lines");
  return request;
}

function badRequest(message: string, where: string | undefined, hint: string): Problem {
  return new Problem(message, { code: "policy/bad-request", where, hint });
}

/** The answer's bytes as ASCII text: `action=…`, LF, LF. */
export function printAnswer(verdict: Verdict, options: AnswerOptions): string {
  return verdict.kind === "dunno" ? "action=DUNNO\n\n" : `action=${actionText(verdict, options)}\n\n`;
}

/** The action as Postfix gets it (access(5)): one printable ASCII line, never empty, at most 400 bytes with its `action=`. */
export function actionText(verdict: Verdict, options: AnswerOptions): string {
  switch (verdict.kind) {
    case "dunno":
      return "DUNNO";
    case "ok":
      return options.answerOk ? tame(`OK ${verdict.text}`) : "DUNNO";
    case "reject":
      return refusal("REJECT", "5", verdict.text);
    case "defer":
      return refusal("DEFER", "4", verdict.text);
    case "hold":
    case "discard":
      return tame(`${verdict.kind.toUpperCase()} ${verdict.text}`);
    case "filter":
    case "redirect":
    case "prepend":
      // Without a text these are configuration errors to Postfix, and the client gets a 451.
      return tame(verdict.text) === "" ? "DUNNO" : tame(`${verdict.kind.toUpperCase()} ${verdict.text}`);
    default:
      return verdict satisfies never;
  }
}

/**
 * A text with a code of its own leaves as it is. The code needs a text behind it: to Postfix an answer of digits alone
 * is OK (check_table_result in smtpd_check.c), so a rule that says just `554` would let everything through.
 */
function refusal(word: "REJECT" | "DEFER", digit: "4" | "5", text: string): string {
  const tamed = tame(text);
  return tamed.startsWith(digit) && /^.[0-9][0-9] +[^ ]/.test(tamed) ? tamed : tame(`${word} ${tamed}`);
}

/** One printable ASCII line: a second line would be a second attribute, and invalid UTF-8 makes Postfix drop the answer. */
function tame(text: string): string {
  const cut = text.length > answerBytesMax * 2 ? text.slice(0, answerBytesMax * 2) : text;
  const line = cut.replace(/[^ -~]/gu, (ch) => (ch < " " || ch === "\x7f" ? " " : "?"));
  return line.slice(0, answerBytesMax - "action=".length).trimEnd();
}

/** Values of the attributes we use, as latin1 text. A class, so that no object is keyed by a name from the wire. */
class Attributes {
  request = "";
  state = "";
  instance = "";
  queueId = "";
  sender = "";
  recipient = "";
  recipientCount = "";
  size = "";
  login = "";
  clientAddress = "";
  clientName = "";
  reverseName = "";
  helo = "";
  serverPort = "";
  context = "";
  tls = "";
}

/** Keeps the value of the line `text[at, stop)` when its name is one we use. The first letter decides: this is the hot loop. */
function take(found: Attributes, text: string, at: number, stop: number): void {
  switch (text.charCodeAt(at)) {
    case 99: // c
      if (text.startsWith("client_address=", at)) found.clientAddress = text.slice(at + 15, stop);
      else if (text.startsWith("client_name=", at)) found.clientName = text.slice(at + 12, stop);
      break;
    case 101: // e
      if (text.startsWith("encryption_protocol=", at)) found.tls = text.slice(at + 20, stop);
      break;
    case 104: // h
      if (text.startsWith("helo_name=", at)) found.helo = text.slice(at + 10, stop);
      break;
    case 105: // i
      if (text.startsWith("instance=", at)) found.instance = text.slice(at + 9, stop);
      break;
    case 112: // p
      if (text.startsWith("protocol_state=", at)) found.state = text.slice(at + 15, stop);
      else if (text.startsWith("policy_context=", at)) found.context = text.slice(at + 15, stop);
      break;
    case 113: // q
      if (text.startsWith("queue_id=", at)) found.queueId = text.slice(at + 9, stop);
      break;
    case 114: // r
      takeR(found, text, at, stop);
      break;
    case 115: // s
      takeS(found, text, at, stop);
      break;
  }
}

function takeR(found: Attributes, text: string, at: number, stop: number): void {
  if (text.startsWith("recipient=", at)) found.recipient = text.slice(at + 10, stop);
  else if (text.startsWith("recipient_count=", at)) found.recipientCount = text.slice(at + 16, stop);
  else if (text.startsWith("reverse_client_name=", at)) found.reverseName = text.slice(at + 20, stop);
  else if (text.startsWith("request=", at)) found.request = text.slice(at + 8, stop);
}

function takeS(found: Attributes, text: string, at: number, stop: number): void {
  if (text.startsWith("sender=", at)) found.sender = text.slice(at + 7, stop);
  else if (text.startsWith("size=", at)) found.size = text.slice(at + 5, stop);
  else if (text.startsWith("sasl_username=", at)) found.login = text.slice(at + 14, stop);
  else if (text.startsWith("server_port=", at)) found.serverPort = text.slice(at + 12, stop);
}

function toRequest(found: Attributes, raw: string, peer: Ip | undefined): Request {
  return {
    state: found.state,
    instance: found.instance,
    queueId: found.queueId,
    sender: found.sender.toLowerCase(),
    recipient: found.recipient.toLowerCase(),
    recipientCount: parseCount(found.recipientCount),
    sizeBytes: parseCount(found.size),
    login: found.login.toLowerCase(),
    client: parseIp(found.clientAddress),
    clientName: knownName(found.clientName),
    reverseName: knownName(found.reverseName),
    helo: found.helo,
    serverPort: parseCount(found.serverPort),
    context: found.context,
    tls: found.tls,
    peer,
    raw,
  };
}

function knownName(text: string): string {
  const name = text.toLowerCase();
  return name === "unknown" ? "" : name;
}

/** Decimal digits; anything else is 0 ("not known"). Stops at the largest exact number instead of losing digits. */
function parseCount(text: string): number {
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return 0;
    count = count * 10 + digit;
    if (count > Number.MAX_SAFE_INTEGER) return Number.MAX_SAFE_INTEGER;
  }
  return count;
}

/** Values that are valid UTF-8 are decoded (SMTPUTF8 addresses); the others stay as they came, one character a byte. */
function decodeValues(found: Attributes): void {
  found.instance = decode(found.instance);
  found.sender = decode(found.sender);
  found.recipient = decode(found.recipient);
  found.login = decode(found.login);
  found.clientName = decode(found.clientName);
  found.reverseName = decode(found.reverseName);
  found.helo = decode(found.helo);
  found.context = decode(found.context);
}

function decode(latin1: string): string {
  const bytes = Buffer.from(latin1, "latin1");
  return isUtf8(bytes) ? bytes.toString("utf8") : latin1;
}
