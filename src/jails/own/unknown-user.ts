// Logins with names that do not exist: only a guesser has many of them.

import type { OwnJail } from "../own-jail.ts";

/** Dovecot asks the next passdb: the name may exist there. */
const anotherDecides = / - trying the next (?:passdb|userdb)$/;

export const unknownUser: OwnJail = {
  name: "unknown-user",
  help: "Logins with names that do not exist, as Dovecot tells with `auth_verbose = yes`.",
  what: "unknown users",
  kind: "auth_failure",
  failures: ({ event }) =>
    event.source === "dovecot-auth" &&
    /^unknown user/i.test(event.reason ?? "") &&
    !anotherDecides.test(event.reason ?? "")
      ? 1
      : 0,
};
