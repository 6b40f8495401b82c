// What a question charges and why: every check settles into it, and it is written or thrown away as a whole.

import { algorithmOf } from "../core/algorithms/index.ts";
import type { CellState } from "../core/cell.ts";
import type { CellView } from "../store/db.ts";
import { limitOfKey, memberMark, parseCellKey } from "./cell-key.ts";
import type { CompiledAccess, CompiledQuota } from "./compiled-rules.ts";
import type { Finding } from "./finding.ts";
import type { Booking } from "./message.ts";
import { endsQuestion, type Verdict } from "./verdict.ts";

/** The states a question would leave behind, over the states it found. Nothing reaches the view before `commit`. */
export class Ledger {
  /** In the order of the checks. */
  findings: Finding[] = [];
  /** Charges of the recipient, of the message as a whole, and cells that want the true size. */
  readonly bookings: Booking[] = [];
  readonly firsts: Booking[] = [];
  readonly sizes: string[] = [];
  exempt = false;
  readonly #view: Pick<CellView, "get" | "put">;
  readonly #states = new Map<string, { state: CellState; expiresAt: number }>();
  #kept: Map<string, { state: CellState; expiresAt: number }> | undefined;
  #verdict: Verdict = { kind: "dunno" };
  #refusedBy: CompiledAccess | CompiledQuota | undefined;

  constructor(view: Pick<CellView, "get" | "put">) {
    this.#view = view;
  }

  get verdict(): Verdict {
    return this.#verdict;
  }

  /** A verdict that ends the question was given. */
  get ended(): boolean {
    return this.#refusedBy !== undefined;
  }

  state(key: string): CellState | undefined {
    return (this.#states.get(key) ?? this.#kept?.get(key))?.state ?? this.#view.get(key);
  }

  put(key: string, state: CellState, expiresAt: number): void {
    this.#states.set(key, { state, expiresAt });
  }

  /** A state that stands even when the question is refused: tries. */
  keep(key: string, state: CellState, expiresAt: number): void {
    this.#kept ??= new Map();
    this.#kept.set(key, { state, expiresAt });
  }

  /** Gives one charge back, wherever its cell stands. Its rule may be gone: the key alone says how it counts. */
  giveBack([key, at, amount]: Booking, now: number): void {
    const state = this.state(key);
    if (state === undefined) return;
    if (key.startsWith(memberMark)) {
      // A recipient that was counted again since stays known.
      if (state[1] === at) this.put(key, state, 0);
      return;
    }
    const parts = parseCellKey(key);
    if (parts === undefined) return;
    const algorithm = algorithmOf(parts.algorithm);
    const limit = limitOfKey(parts);
    const next = algorithm.giveBack(state, limit, { at, amount }, now);
    this.put(key, next, algorithm.expiresAt(next, limit));
  }

  /** Gives the verdict of a rule. One that ends the question gives back whatever the question charged so far. */
  answer(verdict: Verdict, rule: CompiledAccess | CompiledQuota): void {
    if (verdict.kind === "ok") this.exempt = true;
    if (endsQuestion(verdict)) {
      this.#refusedBy = rule;
      this.#states.clear();
      // What was reached by charges that are given back was not reached.
      this.findings = this.findings.filter((finding) => finding.effect !== "stage");
      this.bookings.length = 0;
      this.firsts.length = 0;
      this.sizes.length = 0;
      this.#verdict = verdict;
    } else if (this.#verdict.kind === "dunno") this.#verdict = verdict;
  }

  /** Hands the states to the store, after a refusal those that stand all the same; false when nothing was charged. */
  commit(): boolean {
    for (const [key, { state, expiresAt }] of this.#kept ?? []) this.#view.put(key, state, expiresAt);
    for (const [key, { state, expiresAt }] of this.#states) this.#view.put(key, state, expiresAt);
    return this.#states.size > 0;
  }
}
