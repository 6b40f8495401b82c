// What is answered where no state is known: the store is lost and the cells of a question were not in memory (decided 4).

import type { OnError } from "../core/rules.ts";
import type { Question } from "./check.ts";

/** The strictest `on_error` among the rules of the matching policies that would have been asked. */
export function onErrorOf(question: Question): OnError {
  for (const index of question.matched) {
    const policy = question.rules.policies[index];
    for (const quota of policy?.quotas ?? []) {
      const chosen = quota.rule.onError ?? policy?.policy.onError ?? question.rules.onError;
      if (chosen === "defer" && !quota.observed) return "defer";
    }
  }
  return "pass";
}
