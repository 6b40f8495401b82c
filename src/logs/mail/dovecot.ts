// What a line of Dovecot's login processes says. Formats follow login-common/client-common.c of 1.0 to 2.4. The name and
// the mechanism are the client's text and stand before the address, so the last `rip=` is the real one.

import { draftMailEvent, type MailEventDraft } from "../../core/event.ts";
import { parseAddress } from "./client.ts";
import { parseDovecotAuth } from "./dovecot-auth.ts";
import { afterLevel } from "./level.ts";
import type { Program } from "./program.ts";

/** `imap-login: `, with a level before or behind it; some builds of 1.x name themselves twice. */
const loginProcessForm = /(?:Info: )?(?:dovecot: )?([a-z0-9-]+)-login: (?:Info: )?/y;

/** The event in a Dovecot message, without time and line; undefined when it says nothing that is wanted. */
export function parseDovecot(text: string, program: Program): MailEventDraft | undefined {
  if (program.daemon !== "dovecot") return parseDovecotService(text, program.service);
  loginProcessForm.lastIndex = 0;
  const login = loginProcessForm.exec(text);
  if (login !== null) return parseLoginProcess(text.slice(loginProcessForm.lastIndex), login[1] ?? "");
  const message = afterLevel(text) ?? "";
  return parseDovecotAuth(message.startsWith("dovecot: ") ? message.slice(9) : message);
}

function parseDovecotService(text: string, service: string): MailEventDraft | undefined {
  if (!service.endsWith("-login")) return parseDovecotAuth(`${service}: ${text}`);
  const said = afterLevel(text);
  return said === undefined ? undefined : parseLoginProcess(said, service.slice(0, -6));
}

/**
 * How a session without a login may end, in all versions. A list, because other lines begin with what the client sent
 * (`ID sent: …`, `proxy(name): …`).
 */
const ending =
  /^(?:Disconnected|Aborted login|Login aborted|Connection closed|Remote closed connection|Client has quit the connection|Logged out|Inactivity|Too many|Timeout while finishing login|Internal login failure|Auth process broken|Server shutting down|Shutting down|Maximum number of connections)/;

function parseLoginProcess(said: string, service: string): MailEventDraft | undefined {
  // 2.4 says `Logged in`, all before it `Login`.
  if (said.startsWith("Login: ")) return readElements(said, 7, draftMailEvent("login", "dovecot", service));
  if (said.startsWith("Logged in: ")) return readElements(said, 11, draftMailEvent("login", "dovecot", service));
  if (/^(?:user=<|method=|rip=)/.test(said)) return parseReversed(said, service);
  if (!ending.test(said)) return undefined;
  return parseRefused(said, service);
}

/**
 * `user=<…>, method=PLAIN, rip=…, lip=…: Login` and `… Disconnected (auth failed, 2 attempts)`: login_log_format as `%s: %$`. What
 * happened stands behind all that the client said, so it is taken from the line's end.
 */
function parseReversed(said: string, service: string): MailEventDraft | undefined {
  const tail = said.slice(-300);
  if (/ (?:Login|Logged in)$/.test(tail)) return readElements(said, 0, draftMailEvent("login", "dovecot", service));
  const refused =
    /(?<=: | )[A-Z][\w :.-]{0,80} \(auth failed(?:, (\d{1,6}) attempts)?(?: in (\d{1,6}) secs)?\)(?: \(auth_failed\))?$/.exec(
      tail,
    );
  if (refused === null) return undefined;
  const event = draftMailEvent("auth_failure", "dovecot", service);
  event.attempts = Math.max(1, Number(refused[1] ?? 1));
  event.overSeconds = Number(refused[2] ?? 0);
  event.reason = refused[0];
  return readElements(said, 0, event);
}

/** `Disconnected: Inactivity (auth failed, 3 attempts in 12 secs): user=<…>, …`; 2.4 adds ` (auth_failed)` before the colon. */
function parseRefused(said: string, service: string): MailEventDraft | undefined {
  const failed = said.indexOf("(auth failed");
  if (failed < 0) return undefined;
  const elements = said.indexOf("): ", failed);
  const user = said.indexOf("user=<");
  if (elements < 0 || (user >= 0 && user < failed)) return undefined;
  const event = draftMailEvent("auth_failure", "dovecot", service);
  const numbers = /^\(auth failed(?:, (\d{1,6}) attempts)?(?: in (\d{1,6}) secs)?/.exec(
    said.slice(failed, failed + 60),
  );
  event.attempts = Math.max(1, Number(numbers?.[1] ?? 1));
  event.overSeconds = Number(numbers?.[2] ?? 0);
  event.reason = said.slice(0, elements + 1);
  return readElements(said, elements + 3, event);
}

const addressForm = /[^\s,]{1,64}/y;

/**
 * login_log_format_elements from `from` on: `user=<…>, method=…, rip=…, lip=…`. Where the address comes first it is the
 * first one (1.x leaves out an empty user).
 */
function readElements(said: string, from: number, event: MailEventDraft): MailEventDraft | undefined {
  const first = said.startsWith("rip=", from);
  const ripAt = first ? from : said.lastIndexOf(", rip=") + 2;
  if (ripAt < from) return undefined;
  addressForm.lastIndex = ripAt + 4;
  const address = addressForm.exec(said);
  const ip = address === null ? undefined : parseAddress(address[0]);
  if (ip === undefined) return undefined;
  event.ip = ip;
  if (!first) readUserAndMethod(said.slice(from, ripAt - 2), event);
  return event;
}

/** `user=<name>, method=PLAIN`, either of which may be missing: the name may hold anything, so it ends at the last `>`. */
function readUserAndMethod(text: string, event: MailEventDraft): void {
  const methodAt = text.startsWith("method=") ? 0 : text.lastIndexOf(">, method=") + 3;
  if (methodAt !== 2) {
    const method = text.slice(methodAt + 7);
    const comma = method.indexOf(",");
    event.method = comma < 0 ? method : method.slice(0, comma);
  }
  if (!text.startsWith("user=<")) return;
  const end = methodAt !== 2 ? methodAt - 3 : text.lastIndexOf(">");
  const user = text.slice(6, Math.max(6, end));
  event.user = user === "" ? null : user;
}
