// What `[accounts]` of the configuration says to the judge and to watches.

import { readAliases } from "../config/aliases.ts";
import type { ReadConfig } from "../config/config.ts";
import { Problem } from "../core/problem.ts";
import type { AccountsSettings } from "./accounts-owner.ts";
import { parseJudgeSetting } from "./judge-setting.ts";
import { defaultJudgeSettings, type JudgeSettings } from "./judge-settings.ts";

/** Throws a Problem for a setting of the judge that is not known; `accountOptions` throws for mistakes of the aliases file. */
export function readAccountsSettings({ config, placeOf }: ReadConfig): AccountsSettings {
  const { mode, watch_group: watchGroup, default_domain: defaultDomain, aliases, contain, ...rest } = config.accounts;
  return {
    ...{ mode, watchGroup, contain },
    judge: readJudge(rest.judge, placeOf),
    breaker: { accounts: rest.breaker_accounts, share: rest.breaker_share },
    accountOptions: () => ({ defaultDomain, aliases: readAliases(aliases) }),
  };
}

type JudgeTable = ReadConfig["config"]["accounts"]["judge"];

function readJudge(table: JudgeTable, placeOf: ReadConfig["placeOf"]): JudgeSettings {
  let settings = defaultJudgeSettings;
  for (const [name, value] of Object.entries(table)) {
    const texts =
      typeof value === "number"
        ? [`${name}=${value}`]
        : Object.entries(value).map(([part, number]) => `${name}.${part}=${number}`);
    for (const text of texts) {
      const next = parseJudgeSetting(settings, text);
      if (typeof next !== "string") settings = next;
      else {
        const hint = "docs/reference/accounts.md has the names";
        const where = placeOf(`accounts.judge.${name}`);
        throw new Problem(`accounts.judge: ${text}: ${next}`, { code: "config/bad-value", where, hint });
      }
    }
  }
  return settings;
}
