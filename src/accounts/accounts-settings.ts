// What `[accounts]` of the configuration says to the judge and to watches.

import { readAliases } from "../config/aliases.ts";
import type { Config } from "../config/config.ts";
import type { AccountsSettings } from "./accounts-owner.ts";
import { defaultJudgeSettings } from "./judge-settings.ts";

/** `accountOptions` throws Problems when the aliases file has mistakes. */
export function readAccountsSettings(section: Config["accounts"]): AccountsSettings {
  const { mode, watch_group: watchGroup, default_domain: defaultDomain, aliases } = section;
  return {
    mode,
    watchGroup,
    judge: defaultJudgeSettings,
    breaker: { accounts: 20, share: 0.02 },
    accountOptions: () => ({ defaultDomain, aliases: readAliases(aliases) }),
  };
}
