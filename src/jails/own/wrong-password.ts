// Wrong passwords, however often the log tells of one: at SMTP, IMAP, POP3 or ManageSieve.

import type { OwnJail } from "../own-jail.ts";

export const wrongPassword: OwnJail = {
  name: "wrong-password",
  help: "Refused passwords. Known accounts and shared addresses are treated mildly, and a login takes back its account's failures.",
  what: "wrong passwords",
  kind: "auth_failure",
  isMild: true,
  failures: ({ refused }) => refused,
};
