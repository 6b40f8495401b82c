// Decisions by whatever a person has at hand, the most exact way first: an id, an address, a pasted line, a time, a name, a text.

import { parseIp, printIp } from "../core/ip.ts";
import { Zone } from "../logs/zone.ts";
import type { DecisionRow, Store } from "../store/db.ts";
import { type DecisionQuery, findDecision, findDecisions } from "../store/decisions.ts";
import { type Clues, readClues } from "./clues.ts";
import type { ExplainAnswer } from "./contract.ts";
import type { ApiParts } from "./parts.ts";

type FoundAs = ExplainAnswer["found_as"];

type Lookup = Pick<ApiParts, "store" | "canonical" | "clock">;

/** Which part of what is found: see DecisionQuery. */
export type Page = Pick<DecisionQuery, "behind" | "limit">;

export interface FoundDecisions {
  readonly as: FoundAs;
  readonly rows: readonly DecisionRow[];
}

/** A record grows for a minute (decision-book.ts), and two machines' clocks and stamps in whole seconds differ a little. */
const sameMs = 60_000;
const skewMs = 5_000;

/** Asked for a time alone: what happened in that minute. */
const minuteMs = 60_000;

/** The first way in which something is found. */
export async function findAnyDecisions(parts: Lookup, what: string, page: Page): Promise<FoundDecisions> {
  const { store } = parts;
  const decision = await findDecision(store, what.trim().toUpperCase());
  if (decision !== undefined) return { as: "decision", rows: [decision] };
  const ip = parseIp(what);
  if (ip !== undefined) return { as: "client", rows: await findDecisions(store, { client: printIp(ip), ...page }) };
  const clues = readClues(what, Zone.ofMachine(), parts.clock.now());
  const pasted = /\s/.test(what.trim()) ? await findByLine(store, clues, page) : undefined;
  if (pasted !== undefined) return pasted;
  if (clues.time !== undefined && clues.client === undefined && clues.text === undefined) {
    const rows = await findDecisions(store, { from: clues.time - minuteMs, to: clues.time + minuteMs, ...page });
    if (rows.length > 0) return { as: "time", rows };
  }
  return findByName(parts, what, page);
}

async function findByName({ store, canonical }: Lookup, what: string, page: Page): Promise<FoundDecisions> {
  const address = what.toLowerCase();
  const ways: readonly (readonly [FoundAs, Partial<DecisionQuery>])[] = [
    ["account", { account: canonical(address) }],
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

/**
 * From all clues together to fewer: refusals that share a record keep the recipient of the first one only. What the line says of the
 * time always holds; its text too where there is one.
 */
async function findByLine(store: Store, clues: Clues, page: Page): Promise<FoundDecisions | undefined> {
  for (const id of clues.ids) {
    const row = await findDecision(store, id);
    if (row !== undefined) return { as: "decision", rows: [row] };
  }
  const { time, client, sender, recipient, queueId, text } = clues;
  const when = time === undefined ? {} : { from: time - sameMs - skewMs, to: time + skewMs };
  const said = text === undefined ? {} : { textPart: text };
  const ways: readonly (Partial<DecisionQuery> | undefined)[] = [
    queueId !== undefined && recipient !== undefined ? { queueId, recipient } : undefined,
    queueId === undefined ? undefined : { queueId },
    client !== undefined && recipient !== undefined ? { client, recipient, ...(sender ? { sender } : {}) } : undefined,
    client !== undefined && sender !== undefined ? { client, sender } : undefined,
    recipient !== undefined && sender !== undefined ? { recipient, sender } : undefined,
    recipient === undefined ? undefined : { recipient },
    client === undefined ? undefined : { client },
    sender === undefined ? undefined : { sender },
    text === undefined ? undefined : {},
  ];
  for (const way of ways) {
    if (way === undefined) continue;
    for (const also of text === undefined ? [{}] : [said, {}]) {
      if (Object.keys(way).length === 0 && Object.keys(also).length === 0) continue;
      const rows = await findDecisions(store, { ...way, ...also, ...when, ...page });
      const near = time === undefined ? rows : rows.filter((row) => row.lastAt >= time - skewMs);
      if (near.length > 0) return { as: "line", rows: near };
    }
  }
  return undefined;
}
