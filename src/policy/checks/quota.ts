// Quotas: how much one key may send in a period, charged at RCPT, settled at END-OF-MESSAGE.

import type { Check, Plan, Question } from "../check.ts";
import { planEnd } from "../quota/end.ts";
import { planRecipient } from "../quota/recipient.ts";

export const quota = {
  name: "quota",
  help: "Limits how much a sender, login, address, recipient or policy may send in a period.",
  plan,
} satisfies Check;

function plan(question: Question): Plan | undefined {
  switch (question.request.state) {
    case "RCPT":
      return planRecipient(question, "quotas");
    case "END-OF-MESSAGE":
      return planEnd(question);
    default:
      return undefined;
  }
}
