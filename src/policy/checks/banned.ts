// Banned addresses: asked first. Works without any firewall, and catches what a firewall of another machine let through.

import type { FoundBan } from "../../core/ban.ts";
import { printNetwork } from "../../core/ip.ts";
import type { Policy } from "../../core/rules.ts";
import type { Check, Plan, Question } from "../check.ts";
import type { CompiledAccess } from "../compiled-rules.ts";

export const banned = {
  name: "banned",
  help: "Refuses addresses that are banned, from memory.",
  plan,
} satisfies Check;

function plan(question: Question): Plan | undefined {
  const { bans, request, now } = question;
  if (bans === undefined || request.client === undefined) return undefined;
  const ban = bans.find(request.client, request.serverPort, now);
  if (ban === undefined) return undefined;
  const access = accessOf(ban, bans.text, bans.observes || !ban.enforce);
  return {
    keys: [],
    settle: (ledger) => {
      ledger.findings.push({ check: "banned", access, effect: access.observed ? "would" : "acted" });
      if (!access.observed) ledger.answer({ kind: "reject", text: access.rule.text }, access);
    },
  };
}

/** In the form of a rule, for records and figures: policy `bans`, the jail as the rule. */
function accessOf(ban: FoundBan, text: string, observed: boolean): CompiledAccess {
  const rule = { name: ban.jail, enabled: true, mode: "enforce", onError: undefined, states: [] } as const;
  const told = text.replaceAll("{address}", printNetwork(ban.address)).replaceAll("{jail}", ban.jail);
  return { policy, rule: { ...rule, verdict: "reject", text: told }, observed };
}

const policy: Policy = {
  ...{ name: "bans", priority: 0, enabled: true, mode: "enforce", onError: undefined, description: "" },
  ...{ members: [], access: [], quotas: [], accounting: [] },
};
