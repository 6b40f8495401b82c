// What of the policies file's language this version carries out. The rest is known, and refused by name: opening a part
// is one edit here, beside the code that does it.

import type { Algorithm, Counter } from "../core/rules.ts";

export const built: {
  readonly algorithms: readonly Algorithm[];
  readonly counters: readonly Counter[];
  /** Rule tables of a policy. */
  readonly sections: readonly string[];
} = {
  algorithms: ["sliding", "gcra", "fixed", "compat-decay"],
  counters: [
    "messages",
    "recipients",
    "unique_recipients",
    "new_recipients",
    "kilobytes",
    "kilobytes_per_recipient",
    "external_recipients",
  ],
  sections: ["access", "quotas"],
};

/** The message and the mend of a refusal rules/not-built. */
export function notBuilt(what: string, available: readonly string[]): { message: string; hint: string } {
  return { message: `${what} is not available in this version`, hint: `available: ${available.join(", ")}` };
}
