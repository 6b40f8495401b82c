// A recipient asked at RCPT: provisional charges, and a look at the declared size (decided 2, reference section 3 row 5).

import type { Plan, Question } from "../check.ts";
import type { CompiledLimit } from "../compiled-rules.ts";
import { type Amount, keysOf, planSteps, type RuleKind, settleStep } from "./step.ts";

export function planRecipient(question: Question, kind: RuleKind): Plan | undefined {
  const steps = planSteps(question, kind);
  if (steps.length === 0) return undefined;
  return {
    keys: keysOf(steps, question.request.recipient),
    settle(ledger) {
      for (const step of steps) {
        if (ledger.ended) return;
        settleStep(step, question, ledger, (limit, key) => amountAtRecipient(limit, key, question));
      }
    },
  };
}

function amountAtRecipient(limit: CompiledLimit, key: string, question: Question): Amount | undefined {
  const { request, message } = question;
  const count = limit.limit.count;
  switch (count) {
    case "messages":
      return message?.isBooked(key, request.recipient) ? undefined : { amount: 1, kind: "message" };
    case "recipients":
      return message?.isBooked(key, request.recipient) ? undefined : { amount: 1, kind: "recipient" };
    case "external_recipients":
      if (question.rules.isInternal(request) || message?.isBooked(key, request.recipient)) return undefined;
      return { amount: 1, kind: "recipient" };
    case "kilobytes":
      return { amount: limit.algorithm.sizes === "after" ? 0 : declaredKilobytes(request.sizeBytes), kind: "look" };
    case "kilobytes_per_recipient": {
      const others = message?.recipients.filter((recipient) => recipient.sizes.includes(key)).length ?? 0;
      const sizes = declaredKilobytes(request.sizeBytes) * (others + 1);
      return { amount: limit.algorithm.sizes === "after" ? 0 : sizes, kind: "look" };
    }
    case "unique_recipients":
    case "new_recipients":
      // Whether it counts is seen in the cells.
      return message?.isBooked(key, request.recipient) ? undefined : { amount: 1, kind: "recipient" };
    default:
      return count satisfies never;
  }
}

/** Without a declared SIZE= a message is at least one kilobyte: a full cell refuses it before its body is sent. */
function declaredKilobytes(sizeBytes: number): number {
  return Math.max(1, Math.ceil(sizeBytes / 1024));
}
