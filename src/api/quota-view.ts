// A counter as the API shows it: what the rule allows, what is used, and when it frees.

import { printPeriod } from "../core/calendar.ts";
import type { CellState } from "../core/cell.ts";
import { prefixOf } from "../policy/cell-key.ts";
import type { CellEntry } from "../store/db.ts";
import type { QuotaAnswer } from "./contract.ts";
import type { ApiParts } from "./parts.ts";
import type { QuotaTarget } from "./quota-target.ts";
import { isoTimeOrNull } from "./trail-view.ts";

/** What a counter shows at `now`; `state` undefined is an empty one. */
export function viewOfTarget(
  { limit, track, key }: QuotaTarget,
  found: CellState | undefined,
  parts: ApiParts,
): QuotaAnswer {
  const now = parts.clock.now();
  const raise = parts.raises.find(key, now);
  const cell = { ...limit.cell, max: raise?.max ?? limit.cell.max };
  // As the next question will see it: a charge after now is from another clock.
  const state = found === undefined ? undefined : limit.algorithm.rebase(found, cell, now);
  const admission = limit.algorithm.admit(state, cell, { at: now, amount: 1 });
  const used = limit.algorithm.used(state, cell, now);
  return {
    policy: limit.quota.policy.name,
    quota: limit.quota.rule.name,
    mode: limit.quota.observed ? "observe" : "enforce",
    key: track,
    count: limit.limit.count,
    per: printPeriod(limit.quota.rule.algorithm, limit.limit.periodMs),
    algorithm: limit.quota.rule.algorithm,
    max: limit.limit.max,
    raised_to: raise?.max ?? null,
    raised_until: isoTimeOrNull(raise?.until),
    used,
    frees_at: admission.admitted ? null : isoTimeOrNull(admission.freesAt),
    empty_at: state === undefined || used === 0 ? null : isoTimeOrNull(limit.algorithm.expiresAt(state, cell)),
  };
}

/** What a cell of a list shows; undefined for one whose rule is gone, which nothing asks any more. */
export function viewOfCell({ key, state }: CellEntry, parts: ApiParts): QuotaAnswer | undefined {
  const limit = parts.engine.rules.limits.get(prefixOf(key));
  if (limit === undefined) return undefined;
  return viewOfTarget({ limit, key, track: key.slice(limit.prefix.length) }, state, parts);
}

/** A state with nothing in it, in the layout of its algorithm: a charge given back. */
export function emptyState({ limit }: QuotaTarget, now: number): CellState | undefined {
  const charge = { at: now, amount: 1, force: true };
  const { state, at } = limit.algorithm.admit(undefined, limit.cell, charge);
  return state === undefined ? undefined : limit.algorithm.giveBack(state, limit.cell, { ...charge, at }, now);
}
