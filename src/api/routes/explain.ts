// Why was this refused? Found by whatever a person has at hand, from a decision's id to a piece of the answer's text.

import type { z } from "zod";
import { parseIp, printIp } from "../../core/ip.ts";
import { Problem } from "../../core/problem.ts";
import type { DecisionRow } from "../../store/db.ts";
import { type DecisionQuery, findDecision, findDecisions } from "../../store/decisions.ts";
import { type ExplainAnswer, explainAnswer, explainQuery, type QuotaAnswer } from "../contract.ts";
import { parseCursor, printCursor } from "../page.ts";
import type { ApiParts } from "../parts.ts";
import { viewOfTarget } from "../quota-view.ts";
import { route } from "../route.ts";
import { decisionView } from "../trail-view.ts";
import { findCounted } from "./quotas.ts";

type FoundAs = ExplainAnswer["found_as"];
type Page = Pick<DecisionQuery, "behind" | "limit">;

export const explainRoutes = [
  route({
    method: "GET",
    path: "/explain/:what",
    help: "Decisions with their trails, newest first, found by address, account, queue id, decision id, recipient, sender or text; for an account or address its counters too.",
    input: explainQuery,
    answer: explainAnswer,
    run: explain,
  }),
];

async function explain(parts: ApiParts, query: z.output<typeof explainQuery>): Promise<ExplainAnswer> {
  const { what } = query;
  const found = await findAny(parts, what, pageOf(query));
  const quotas = await countersOf(parts, what);
  if (found.rows.length === 0 && quotas.length === 0) {
    throw new Problem("nothing is known under this name", {
      code: "explain/nothing-found",
      where: what,
      hint: "an address, an account, a queue id, a decision's id, a recipient, a sender, or a piece of the answer's text",
    });
  }
  const last = found.rows.at(-1);
  const more = last !== undefined && found.rows.length >= query.limit;
  return {
    what,
    found_as: found.as,
    decisions: found.rows.map(decisionView),
    quotas,
    next: more ? printCursor(`${last.at} ${last.id}`) : null,
  };
}

function pageOf({ cursor, limit }: z.output<typeof explainQuery>): Page {
  const [at, id] = (parseCursor(cursor) ?? "").split(" ");
  const time = Number(at);
  return id === undefined || !Number.isSafeInteger(time) ? { limit } : { limit, behind: { at: time, id } };
}

/** The first way in which something is found, the most exact one first. */
async function findAny(
  parts: ApiParts,
  what: string,
  page: Page,
): Promise<{ as: FoundAs; rows: readonly DecisionRow[] }> {
  const { store } = parts;
  const decision = await findDecision(store, what.toUpperCase());
  if (decision !== undefined) return { as: "decision", rows: [decision] };
  const ip = parseIp(what);
  if (ip !== undefined) return { as: "client", rows: await findDecisions(store, { client: printIp(ip), ...page }) };
  const address = what.toLowerCase();
  const ways: readonly (readonly [FoundAs, Partial<DecisionQuery>])[] = [
    ["account", { account: parts.canonical(address) }],
    ["queue_id", { queueId: what }],
    ["recipient", { recipient: address }],
    ["sender", { sender: address }],
    ["text", { textPart: what }],
  ];
  for (const [as, way] of ways) {
    const rows = await findDecisions(store, { ...way, ...page });
    if (rows.length > 0) return { as, rows };
  }
  return { as: "account", rows: [] };
}

async function countersOf(parts: ApiParts, what: string): Promise<QuotaAnswer[]> {
  const counted = await findCounted(parts, what);
  return counted.map(([target, state]) => viewOfTarget(target, state, parts));
}
