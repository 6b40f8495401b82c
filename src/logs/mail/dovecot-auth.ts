// What a line of Dovecot's auth process says about a password (auth_verbose). Formats follow auth/auth-request.c of 1.0
// to 2.4. A name can imitate all of it, address and verdict included: the real ones are behind the name. With
// auth_verbose_passwords a password can imitate it too, and stands behind the real ones: such a line says nothing to us.

import { draftMailEvent, type MailEventDraft } from "../../core/event.ts";
import { parseAddress } from "./client.ts";
import { afterLevel } from "./level.ts";

/** The name is cut at 64 bytes and a session id is short: a verdict's address is never further away from its bracket. */
const contextMax = 160;

/** The event in the message of an auth process; undefined when nobody's password was refused. */
export function parseDovecotAuth(text: string): MailEventDraft | undefined {
  if (!text.startsWith("auth") && !text.startsWith("dovecot-auth")) return undefined;
  const nameAt = findName(text);
  if (nameAt < 0) return undefined;
  const verdicts = findVerdicts(text, nameAt);
  const verdict = verdicts.at(-1);
  if (verdict === undefined || isDoubtful(text, verdicts)) return undefined;
  const event = draftMailEvent("auth_failure", "dovecot-auth", "auth");
  event.ip = verdict.ip;
  event.method = verdict.method;
  const user = text.slice(nameAt, verdict.userEnd);
  event.user = user === "" || user === "?" ? null : user;
  event.reason = verdict.reason;
  return event;
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
  const subsystem = /^(?:conn [^\s()]{1,60} \(pid=\d+,uid=\d+\): auth-worker<\d+>: )?[a-zA-Z0-9-]{1,30}\(/.exec(
    said.slice(0, 200),
  );
  return subsystem === null ? -1 : text.length - said.length + subsystem[0].length;
}

interface Verdict {
  readonly ip: string;
  readonly method: string | null;
  readonly userEnd: number;
  readonly reason: string;
}

/** Bracket, process id and session, request (2.4), level, subsystem (2.4), verdict; the last two in any case of letters. */
const verdictForm =
  /\)(?:<[^<>\s]{0,100}>){0,2}: (?:request \[\d{1,10}\]: )?(?:Info: )?(?:[a-z0-9-]{1,30}: )?(unknown user|password mismatch|invalid credentials|pam_authenticate\(\) failed)/i;

/** The places where an address and a verdict stand together, from left to right. */
function findVerdicts(text: string, nameAt: number): Verdict[] {
  const verdicts: Verdict[] = [];
  const form = new RegExp(verdictForm, "gi");
  form.lastIndex = nameAt;
  for (let match = form.exec(text); match !== null; match = form.exec(text)) {
    const reasonAt = match.index + match[0].length - (match[1]?.length ?? 0);
    const verdict = readContext(text, nameAt, match.index, withoutPassword(text.slice(reasonAt, reasonAt + 200)));
    if (verdict !== undefined) verdicts.push(verdict);
    // A verdict may begin within what was just matched.
    form.lastIndex = reasonAt;
  }
  return verdicts;
}

/** `,ADDRESS`, then in any order `,master`, `,<session>`, `,sasl:plain`, up to the bracket at `close`. */
function readContext(text: string, nameAt: number, close: number, reason: string): Verdict | undefined {
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
      return ip === undefined || isOurFault(reason) ? undefined : { ip, method, userEnd: end, reason };
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

/**
 * True when the addresses differ and a password may be what imitates the last one: `(given password: …)` stands behind
 * an earlier verdict and closes the line.
 */
function isDoubtful(text: string, verdicts: readonly Verdict[]): boolean {
  if (verdicts.every((verdict) => verdict.ip === verdicts[0]?.ip)) return false;
  return text.includes("given password: ") && /\)(?: - trying the next (?:passdb|userdb))?$/.test(text);
}
