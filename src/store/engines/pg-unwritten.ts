// What memory knows and the database does not: charges of answers that left unrecorded. Each cell stands here once, as the state
// that it left from; what it is by now stands in memory (decided 4).

import type { CellState } from "../../core/cell.ts";
import type { DecisionRow, StoredMessage } from "../db.ts";
import type { CellMemory, MemoryCell } from "./cell-memory.ts";
import { parseState } from "./cell-text.ts";

/** Decisions kept while the database is away; the oldest go first. */
const decisionsMax = 10_000;

/** Messages and cells kept so; beyond it answers still leave from memory, and what they charge there is not caught up with. */
const cellsMax = 200_000;
const messagesMax = 200_000;

/** Where a cell left what the database knows. */
export interface Departure {
  readonly state: CellState | undefined;
  /** ms since the epoch. */
  readonly since: number;
}

/** The effects of a batch, or of jobs that wait for one. */
export interface Effects {
  readonly messages: Map<string, StoredMessage | undefined>;
  readonly decisions: Map<string, DecisionRow>;
}

export class Unwritten implements Effects {
  readonly cells = new Map<string, Departure>();
  readonly messages = new Map<string, StoredMessage | undefined>();
  readonly decisions = new Map<string, DecisionRow>();
  #forgotten = 0;

  get size(): number {
    return this.cells.size + this.messages.size + this.decisions.size;
  }

  /** Charges that will not be caught up with, because there were too many. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** A job is about to put a cell into memory only. */
  leave(memory: CellMemory, key: string, now: number): void {
    if (this.cells.has(key)) return;
    if (this.cells.size >= cellsMax) {
      this.#forgotten++;
      return;
    }
    this.cells.set(key, { state: stateOf(memory.find(key)), since: now });
  }

  addMessage(id: string, message: StoredMessage | undefined): void {
    if (this.messages.size < messagesMax || this.messages.has(id)) this.messages.set(id, message);
    else this.#forgotten++;
  }

  addDecision(decision: DecisionRow): void {
    this.decisions.set(decision.id, decision);
    const oldest = this.decisions.size > decisionsMax ? this.decisions.keys().next().value : undefined;
    if (oldest !== undefined) this.decisions.delete(oldest);
  }

  /** What a batch could not write; what is here already is newer, but left from an older state. */
  takeBack(bases: ReadonlyMap<string, Departure>, effects: Effects): void {
    for (const [key, base] of bases) this.cells.set(key, base);
    for (const [id, message] of effects.messages) if (!this.messages.has(id)) this.addMessage(id, message);
    for (const [id, decision] of effects.decisions) {
      if (this.decisions.size < decisionsMax && !this.decisions.has(id)) this.decisions.set(id, decision);
    }
  }
}

/** The state of a cell in memory, whether it is over or not. */
export function stateOf(cell: MemoryCell | undefined): CellState | undefined {
  if (cell === undefined || cell.state.length === 0) return undefined;
  return typeof cell.state === "string" ? parseState(cell.state) : cell.state;
}
