// Accounts that were frozen may not send, whatever the policies say.

import type { Check, Plan, Question } from "../check.ts";

export const frozen = {
  name: "frozen",
  help: "Refuses mail of accounts that were frozen because somebody else has their password.",
  plan,
} satisfies Check;

/** At END-OF-MESSAGE too: a message that was under way when the account was frozen does not get in. */
function plan({ rules, account, request }: Question): Plan | undefined {
  const access = account === "" ? undefined : rules.frozen.get(account);
  if (access === undefined || (request.state !== "RCPT" && request.state !== "END-OF-MESSAGE")) return undefined;
  return {
    keys: [],
    settle: (ledger) => {
      if (access.observed) {
        ledger.findings.push({ check: "access", access, effect: "would" });
        return;
      }
      ledger.findings.push({ check: "access", access, effect: "acted" });
      ledger.answer({ kind: "reject", text: access.rule.text }, access);
    },
  };
}
