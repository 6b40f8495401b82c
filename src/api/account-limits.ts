// The limits that the rules give an account, whether it has sent anything or not. What depends on the recipient or the client's address
// has no key before a mail is sent.

import type { QuotaRule } from "../core/rules.ts";
import { trackKey } from "../policy/track.ts";
import type { ApiParts } from "./parts.ts";
import type { QuotaTarget } from "./quota-target.ts";

/** Limits one account may have; beyond it the rules have more than anybody reads. */
const limitsMax = 5_000;

/** Of every policy that the account's mail may match, in the order in which they are asked. Shared keys (its domain's) are among them. */
export function limitsOf(account: string, { engine, canonical }: ApiParts): readonly QuotaTarget[] {
  const { matcher, policies } = engine.rules;
  const login = account.toLowerCase();
  const sender = login.includes("@") ? login : "";
  const targets: QuotaTarget[] = [];
  for (const index of matcher.mayMatch(login, sender)) {
    const { quotas = [], accounting = [] } = policies[index] ?? {};
    for (const { rule, limits } of [...quotas, ...accounting]) {
      const track = keyOf(rule, canonical(login), sender);
      if (track === undefined) continue;
      for (const limit of limits) {
        if (targets.length < limitsMax) targets.push({ limit, track, key: limit.prefix + track });
      }
    }
  }
  return targets;
}

function keyOf(rule: QuotaRule, login: string, sender: string): string | undefined {
  if (sender === "" && rule.track.kind === "sender") return undefined;
  return trackKey(rule, { sender, client: undefined }, "", login);
}
