// Clients that Postfix's postscreen(8) refused for good: DNS blocklists, talking too early, protocol errors.

import type { OwnJail } from "../own-jail.ts";

/** 450 4.3.2 is said to everybody who passes the deep tests for the first time, and 4xx when something of ours is down. */
const forGood = /^5\d\d /;

export const postscreen: OwnJail = {
  name: "postscreen",
  help: "Permanent refusals (5xx) of postscreen; its temporary ones are said to good clients too.",
  what: "refusals of postscreen",
  kind: "reject",
  failures: ({ event }) => (event.service === "postscreen" && forGood.test(event.reason ?? "") ? 1 : 0),
};
