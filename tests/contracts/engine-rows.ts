// What the parts of the engines' suite share.

import type { ManualClock } from "../../src/core/clock.ts";
import type { CellView, DecisionRow, Store } from "../../src/store/db.ts";

export const hour = 3_600_000;

/** Registers one test over an empty store. */
export type WithStore = (sentence: string, body: (store: Store, clock: ManualClock) => Promise<void>) => void;

export function count(view: CellView, key: string, expiresAt: number): number {
  const used = (view.get(key)?.[1] ?? 0) + 1;
  view.put(key, [1, used], expiresAt);
  return used;
}

export function decision(id: string, at: number): DecisionRow {
  const names = {
    account: "ann",
    sender: "ann@example.com",
    recipient: "bob@example.net",
    client: "192.0.2.1",
    queueId: "4XyZ",
    instance: "1.2.3",
  };
  return {
    id,
    at,
    lastAt: at,
    count: 1,
    ...names,
    rule: "hour",
    key: "k",
    verdict: "reject",
    text: "LIMIT AT QUOTAUSE",
    trail: "[]",
  };
}
