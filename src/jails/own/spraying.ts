// Password spraying: one address tries few passwords on many accounts, and stays below what any of them would notice.

import type { OwnJail } from "../own-jail.ts";

export const spraying: OwnJail = {
  name: "spraying",
  help: "Wrong passwords for different accounts; accounts that logged in lately from the same network do not count.",
  what: "accounts tried",
  kind: "auth_failure",
  countsAccountsOnce: true,
  failures: ({ ip, refused, account, now }, site) =>
    refused > 0 && account !== "" && !site.isKnownHere(ip, account, now) ? 1 : 0,
};
