// What a line of Dovecot's auth process says about a password (auth_verbose). Formats follow auth/auth-request.c of 1.0
// to 2.4. A name can imitate all of it, address and verdict included: the real ones are behind the name. With
// auth_verbose_passwords a password can imitate it too, and stands behind the real ones: such a line says nothing to us.

import { draftMailEvent, type MailEventDraft } from "../../core/event.ts";
import { parseAddress } from "./client.ts";
import { afterLevel } from "./level.ts";

/** The longest line that is looked at, and the most places where an address may stand: more of either is an attack. */
const textMax = 4096;
const contextsMax = 16;

/** A name is cut at 64 bytes and a session id is short: an address is never further away from its bracket. */
const contextMax = 160;

/** The event in the message of an auth process; undefined when nobody's password was refused. */
export function parseDovecotAuth(text: string): MailEventDraft | undefined {
  if (text.length > textMax || !/^(?:dovecot-)?auth/.test(text)) return undefined;
  const nameAt = findName(text);
  const contexts = nameAt < 0 ? [] : findContexts(text, nameAt);
  const real = findReal(text, contexts);
  if (real === undefined || real.reason === undefined || isOurFault(real.reason)) return undefined;
  const event = draftMailEvent("auth_failure", "dovecot-auth", "auth");
  event.ip = real.ip;
  event.method = real.method;
  const user = text.slice(nameAt, real.userEnd);
  event.user = user === "" ? null : user;
  event.reason = real.reason;
  return event;
}

/**
 * Of several addresses the last is the real one: a name imitates what follows it. Unless what imitates stands behind the
 * real one: a password in brackets that closes the line, or a text that quotes the name (`plain(?,192.0.2.1): Username
 * character disallowed … (username: …)`). Then the line is left alone; the daemon in front tells of the failure too.
 */
function findReal(text: string, contexts: readonly Context[]): Context | undefined {
  const [first] = contexts;
  if (first === undefined || contexts.length > contextsMax) return undefined;
  if (contexts.some((context) => context.ip !== first.ip)) {
    if (first.reason === undefined) return undefined;
    if (text.includes("given password: ") && /\)(?: - trying the next (?:passdb|userdb))?$/.test(text))
      return undefined;
    return contexts.at(-1);
  }
  return contexts.findLast((context) => context.reason !== undefined);
}

/**
 * Where the client's name begins. To 2.3: `auth: `, `auth(default): `, `auth-worker(123): `, perhaps a level and a
 * connection, then `passwd-file(NAME`. 2.4: `auth(NAME`, `auth-worker(NAME`.
 */
function findName(text: string): number {
  const process = /^(?:dovecot-)?auth(?:-worker)?(?:\((?:\d{1,10}|[a-z0-9_-]{1,40})\))?: /.exec(text.slice(0, 80));
  if (process === null) {
    const open = text.indexOf("(");
    return /^auth(?:-worker)?$/.test(text.slice(0, Math.max(open, 0))) ? open + 1 : -1;
  }
  const said = afterLevel(text.slice(process[0].length));
  if (said === undefined) return -1;
  const subsystem =
    /^(?:conn [^\s()]{1,60}(?: \([^()]{1,60}\))?(?: \[\d{1,10}\])?: )?(?:auth-worker<\d{1,10}>: )?(?:request \[\d{1,10}\]: )?[\w.-]{1,30}\(/.exec(
      said.slice(0, 200),
    );
  return subsystem === null ? -1 : text.length - said.length + subsystem[0].length;
}

interface Context {
  readonly ip: string;
  readonly method: string | null;
  readonly userEnd: number;
  /** The verdict that follows; undefined when something else is said. */
  readonly reason: string | undefined;
}

/** Bracket, process id and session, request (2.4), level, subsystem (2.4). */
const contextForm = /\)(?:<[^<>\s]{0,100}>){0,2}: (?:request \[\d{1,10}\]: )?(?:Info: )?(?:[\w.-]{1,30}: )?/g;

/** In small letters and capitals, as versions differ. */
const verdictForm = /^(?:unknown user|password mismatch|invalid credentials|pam_authenticate\(\) failed)/i;

/** The same with what may follow it: nothing, something in brackets, the next passdb, PAM's words. */
const wholeVerdictForm =
  /^(?:(?:unknown user|password mismatch|invalid credentials)(?:$| \(| - )|pam_authenticate\(\) failed: )/i;

/** The places where an address stands before a bracket and a colon, from left to right. */
function findContexts(text: string, nameAt: number): Context[] {
  const contexts: Context[] = [];
  const form = new RegExp(contextForm);
  form.lastIndex = nameAt;
  for (let tries = 0; tries < 8 * contextsMax && contexts.length <= contextsMax; tries++) {
    const match = form.exec(text);
    if (match === null) return contexts;
    const said = text.slice(form.lastIndex, form.lastIndex + 200);
    // Another context may begin within what was just matched.
    form.lastIndex = match.index + 1;
    const isVerdict = wholeVerdictForm.test(said);
    // A verdict that goes on as none of Dovecot's does stands in a name.
    if (!isVerdict && verdictForm.test(said)) continue;
    const context = readContext(text, nameAt, match.index, isVerdict ? withoutPassword(said) : undefined);
    if (context !== undefined) contexts.push(context);
  }
  return [];
}

/** `,ADDRESS`, then in any order `,master`, `,<session>`, `,sasl:plain`, up to the bracket at `close`. */
function readContext(text: string, nameAt: number, close: number, reason: string | undefined): Context | undefined {
  const start = Math.max(nameAt, close - contextMax);
  const words = text.slice(start, close).split(",");
  let method: string | null = null;
  let end = close;
  for (let i = words.length - 1; i > 0; i--) {
    const word = words[i] ?? "";
    end -= word.length + 1;
    if (word.startsWith("sasl:")) method = word.slice(5);
    else if (word !== "master" && !/^<[^<>]*>$/.test(word)) {
      const ip = parseAddress(word);
      return ip === undefined ? undefined : { ip, method, userEnd: end, reason };
    }
  }
  return undefined;
}

/** PAM's words (pam_strerror) for a back end that is down or set up wrongly. */
function isOurFault(reason: string): boolean {
  return /^pam_authenticate\(\) failed: (?:Authentication service cannot|System error|Critical error|Module is unknown|Error in service module|Failure setting|Memory buffer)/i.test(
    reason,
  );
}

/** A password that auth_verbose_passwords logs is not ours to keep. */
function withoutPassword(reason: string): string {
  const at = reason.search(/ ?\((?:SHA1 of )?given password: /);
  if (at < 0) return reason;
  return / - trying the next (?:passdb|userdb)$/.test(reason)
    ? `${reason.slice(0, at)}${tryingNext}`
    : reason.slice(0, at);
}

/** Dovecot's words when another passdb will decide: the client has not been refused yet. */
export const tryingNext = " - trying the next passdb";
