// Mail over one of our quotas: what closes the circle from a stolen account to the firewall.

import type { OwnJail } from "../own-jail.ts";

export const quotaRefusal: OwnJail = {
  name: "quota-refusal",
  help: "Refusals with the text of one of our quotas; for the address and, since Postfix 3.10 names it, for the account.",
  what: "quota refusals",
  kind: "reject",
  countsByAccount: true,
  failures: ({ event }, site) => (site.isQuotaRefusal(event.reason ?? "") ? 1 : 0),
};
