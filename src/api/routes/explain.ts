// Why was this refused? Found by whatever a person has at hand, from a decision's id to a piece of the answer's text.

import type { z } from "zod";
import { parseNetwork } from "../../core/ip.ts";
import { Problem } from "../../core/problem.ts";
import { readAccount } from "../account-view.ts";
import { bansOf } from "../ban-trail.ts";
import { type DecisionAnswer, type ExplainAnswer, explainAnswer, explainQuery, type QuotaAnswer } from "../contract.ts";
import { type FoundDecisions, findAnyDecisions, type Page } from "../found-decisions.ts";
import { parseCursor, printCursor } from "../page.ts";
import type { ApiParts } from "../parts.ts";
import { route } from "../route.ts";
import { RuleHistory } from "../rule-history.ts";
import { decisionView } from "../trail-view.ts";
import { viewQuotas } from "./quotas.ts";

/** No login is longer. */
const accountMax = 320;

export const explainRoutes = [
  route({
    method: "GET",
    path: "/explain/:what",
    help: "Decisions with their trails, newest first, found by a pasted line of mail.log or of a bounce, by address, account, queue id, decision id, recipient, sender, time or text, with who changed the rule last; for an account all its limits too, used or not, and for an address its counters.",
    input: explainQuery,
    answer: explainAnswer,
    run: explain,
  }),
];

async function explain(parts: ApiParts, query: z.output<typeof explainQuery>): Promise<ExplainAnswer> {
  const { what } = query;
  const found = await findAnyDecisions(parts, what, pageOf(query));
  const quotas = await limitsFor(parts, what, found);
  const account = await suspicionOf(parts, what);
  const bans = await bansOf(parts, what);
  if (found.rows.length === 0 && quotas.length === 0 && bans.length === 0 && account === null) {
    throw new Problem("nothing is known under this name", {
      code: "explain/nothing-found",
      where: what,
      hint: "a line of mail.log, a bounce's text, an address, an account, a queue id, a decision's id, a recipient, a sender, a time, or a piece of the answer",
    });
  }
  const last = found.rows.at(-1);
  const more = last !== undefined && found.rows.length >= query.limit;
  const history = new RuleHistory(parts);
  const decisions: DecisionAnswer[] = [];
  for (const row of found.rows) decisions.push({ ...decisionView(row), changes: await history.of(row) });
  return {
    what,
    found_as: found.as,
    bans,
    decisions,
    quotas,
    account,
    next: more ? printCursor(`${last.at} ${last.id}`) : null,
  };
}

/** null where nothing speaks against it, and where `what` is no account. */
async function suspicionOf(parts: ApiParts, what: string): Promise<ExplainAnswer["account"]> {
  if (what.length > accountMax || /\s/.test(what) || parseNetwork(what) !== undefined) return null;
  const account = parts.canonical(what);
  const { level, score, signals, watch, frozen } = await readAccount(parts, account);
  if (level === "calm" && watch === null && frozen === null) return null;
  return {
    ...{ account, level, score, because: signals.map((signal) => signal.because).join("; ") },
    ...{ watched_since: watch?.since ?? null, watched_because: watch?.reason ?? null, frozen: frozen !== null },
  };
}

function pageOf({ cursor, limit }: z.output<typeof explainQuery>): Page {
  const [at, id] = (parseCursor(cursor) ?? "").split(" ");
  const time = Number(at);
  return id === undefined || !Number.isSafeInteger(time) ? { limit } : { limit, behind: { at: time, id } };
}

/** All limits of what is known as an account or looks like one; a queue id or a text is none. */
async function limitsFor(parts: ApiParts, what: string, { as, rows }: FoundDecisions): Promise<QuotaAnswer[]> {
  const counted = await viewQuotas(parts, what, false);
  const isKnown = rows.length > 0 || counted.length > 0 || what.includes("@");
  return as === "account" && isKnown ? viewQuotas(parts, what, true) : counted;
}
