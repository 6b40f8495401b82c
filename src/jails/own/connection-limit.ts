// Clients that run into the limits of Postfix's anvil(8): connections, messages, recipients, TLS sessions, AUTH commands.

import type { OwnJail } from "../own-jail.ts";

export const connectionLimit: OwnJail = {
  name: "connection-limit",
  help: "Limits of Postfix's anvil that a client exceeded, of any service.",
  what: "exceeded limits",
  kind: "rate_limit",
  failures: () => 1,
};
