// Decisions that were not a pass. They are written with the charges of their question (cells.charge); here they are found and forgotten.

import { type Selectable, sql } from "kysely";
import type { DecisionRow, Store } from "./db.ts";
import { deleteInParts } from "./row-parts.ts";
import type { Tables } from "./tables.ts";

/** One page (decided 17). */
const pageMax = 500;

/** All that is given must hold. Times in ms. */
export interface DecisionQuery {
  readonly account?: string;
  readonly client?: string;
  readonly queueId?: string;
  readonly recipient?: string;
  readonly sender?: string;
  /** A part of the text that Postfix was sent, ASCII letters in any case. */
  readonly textPart?: string;
  /** First seen at this time or later. */
  readonly from?: number;
  /** First seen before this time. */
  readonly to?: number;
  /** Goes on behind the last row of the page before. */
  readonly behind?: { readonly at: number; readonly id: string };
  /** At most 500. */
  readonly limit: number;
}

export async function findDecision(store: Store, id: string): Promise<DecisionRow | undefined> {
  const row = await store.facts.selectFrom("decisions").selectAll().where("id", "=", id).executeTakeFirst();
  return row === undefined ? undefined : toDecision(row);
}

/** Newest first. */
export async function findDecisions(store: Store, query: DecisionQuery): Promise<readonly DecisionRow[]> {
  const { account, client, queueId, recipient, sender, textPart, from, to, behind } = query;
  const rows = await store.facts
    .selectFrom("decisions")
    .selectAll()
    .$if(account !== undefined, (qb) => qb.where("account", "=", account ?? "").where("account", "<>", ""))
    .$if(client !== undefined, (qb) => qb.where("client", "=", client ?? ""))
    .$if(queueId !== undefined, (qb) => qb.where("queue_id", "=", queueId ?? "").where("queue_id", "<>", ""))
    .$if(recipient !== undefined, (qb) => qb.where("recipient", "=", recipient ?? ""))
    .$if(sender !== undefined, (qb) => qb.where("sender", "=", sender ?? ""))
    .$if(textPart !== undefined, (qb) =>
      qb.where(sql<boolean>`lower(text) like lower(${likePattern(textPart ?? "")}) escape '!'`),
    )
    .$if(from !== undefined, (qb) => qb.where("at", ">=", from ?? 0))
    .$if(to !== undefined, (qb) => qb.where("at", "<", to ?? 0))
    .$if(behind !== undefined, (qb) =>
      qb.where(({ eb, refTuple, tuple }) => eb(refTuple("at", "id"), "<", tuple(behind?.at ?? 0, behind?.id ?? ""))),
    )
    .orderBy("at", "desc")
    .orderBy("id", "desc")
    .limit(Math.min(query.limit, pageMax))
    .execute();
  return rows.map(toDecision);
}

/** Forgets decisions first seen before `before`, and beyond the newest `keep`. Returns how many. */
export async function pruneDecisions(
  store: Store,
  options: { readonly before: number; readonly keep: number },
): Promise<number> {
  const edge = await store.facts
    .selectFrom("decisions")
    .select(["at", "id"])
    .orderBy("at", "desc")
    .orderBy("id", "desc")
    .offset(options.keep)
    .limit(1)
    .executeTakeFirst();
  return await deleteInParts((limit) => {
    const old = store.facts
      .selectFrom("decisions")
      .select("id")
      .where(({ or, eb: is, refTuple, tuple }) =>
        or([
          is("at", "<", options.before),
          ...(edge === undefined ? [] : [is(refTuple("at", "id"), "<=", tuple(edge.at, edge.id))]),
        ]),
      )
      .orderBy("at")
      .orderBy("id")
      .limit(limit);
    return store.facts.deleteFrom("decisions").where("id", "in", old).executeTakeFirstOrThrow();
  });
}

/** A part that stands for itself, in the one search for parts of texts that both engines have. */
function likePattern(part: string): string {
  return `%${part.replace(/[!%_]/g, "!$&")}%`;
}

function toDecision({ last_at, queue_id, ...row }: Selectable<Tables["decisions"]>): DecisionRow {
  return { ...row, lastAt: last_at, queueId: queue_id };
}
