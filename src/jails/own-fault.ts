// Lines that tell of our own outage or of the back end's, not of a client: they never lead to a ban.

import type { MailEvent } from "../core/event.ts";

/** Postfix's words when the policy service or a map of ours does not answer (smtpd_check.c: 4.3.5, 4.3.0). */
const ourReply = /^4\d\d 4\.3\.[05] /;

/** What Postfix and Dovecot say behind `authentication failed: ` when nobody looked at the password. */
const backEndDown =
  /: SASL [\w.+-]{1,100} authentication failed: (?:Connection lost to authentication server|Server configuration problem|Temporary|Internal|generic failure|remote authentication server unavailable)/;

/** The first `authentication failed` of a line is the daemon's own: names come behind it. */
export function isOwnFault(line: string, event: MailEvent | undefined): boolean {
  if (event?.kind === "reject") return ourReply.test(event.reason ?? "");
  if (event !== undefined) return false;
  const said = line.indexOf(" authentication failed");
  return said >= 0 && backEndDown.test(line.slice(Math.max(0, said - 120), said + 80));
}
