// Accounting: how much one key may send in a calendar day, ISO week or month (policyd v2's accounting, periods corrected).

import type { Check, Plan, Question } from "../check.ts";
import { planUntracked } from "../quota/end.ts";
import { planRecipient } from "../quota/recipient.ts";

export const accounting = {
  name: "accounting",
  help: "Limits how much a sender, login, address, recipient or policy may send in a calendar day, week or month.",
  plan,
} satisfies Check;

/** At END-OF-MESSAGE the cells of a tracked message, these too, are settled by the quota check. */
function plan(question: Question): Plan | undefined {
  switch (question.request.state) {
    case "RCPT":
      return planRecipient(question, "accounting");
    case "END-OF-MESSAGE":
      return question.message === undefined ? planUntracked(question, "accounting") : undefined;
    default:
      return undefined;
  }
}
