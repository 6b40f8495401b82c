// Live cells in memory: all of them while they fit, otherwise the ones in use. What is over or cold leaves in small steps.

import type { CellState } from "../../core/cell.ts";
import { parseState } from "./cell-text.ts";
import { PackedCells } from "./packed-cells.ts";
import type { PackedPage } from "./sqlite-calls.ts";

/** One cell. `state` stays text until it is first read. */
export interface MemoryCell {
  readonly key: string;
  state: CellState | string;
  expiresAt: number;
  /** The batch that writes, or wrote, this state; 0 when it came from the disk. */
  batch: number;
  /** Used since `tidy` came by last. */
  used: boolean;
}

export class CellMemory {
  readonly #cells = new Map<string, MemoryCell>();
  /** Those of the start that nobody has asked for. No key is in both. */
  readonly #packed = new PackedCells();
  readonly #max: number;
  #complete = true;
  #hand: Iterator<MemoryCell> | undefined;

  constructor(max: number) {
    this.#max = max;
  }

  /** While true, a key that is not here is nowhere. */
  get complete(): boolean {
    return this.#complete;
  }

  get size(): number {
    return this.#cells.size + this.#packed.size;
  }

  markIncomplete(): void {
    this.#complete = false;
  }

  has(key: string): boolean {
    return this.#cells.has(key) || this.#packed.has(key);
  }

  find(key: string): MemoryCell | undefined {
    return this.#cells.get(key) ?? this.#unpack(key);
  }

  /** A cell that may be newer than what the disk has; one that nobody has asked for since the start is not. */
  findUsed(key: string): MemoryCell | undefined {
    return this.#cells.get(key);
  }

  all(): Iterable<MemoryCell> {
    return this.#cells.values();
  }

  /** The state of a cell that is not over at `now`. */
  read(key: string, now: number): CellState | undefined {
    const cell = this.find(key);
    if (cell === undefined || cell.expiresAt <= now) return undefined;
    cell.used = true;
    if (typeof cell.state === "string") cell.state = parseState(cell.state);
    return cell.state;
  }

  write(key: string, state: CellState, expiresAt: number): MemoryCell {
    const cell = this.find(key);
    if (cell === undefined) return this.#add({ key, state, expiresAt, batch: 0, used: true });
    cell.state = state;
    cell.expiresAt = expiresAt;
    cell.used = true;
    return cell;
  }

  /** A cell as it stands on disk; one that memory knows already is newer and stays. */
  load(key: string, state: string, expiresAt: number): void {
    if (!this.has(key)) this.#add({ key, state, expiresAt, batch: 0, used: false });
  }

  /** Cells as they stand on disk, before anything else is here. */
  addPacked(page: PackedPage): void {
    this.#packed.add(page);
  }

  /**
   * Looks at `steps` cells and forgets those that are over, and above the limit those not used since the last round.
   * Only cells whose batch is at most `foldedBatch` may go: their table row is as new as they are.
   */
  tidy(steps: number, now: number, foldedBatch: number): void {
    if (this.#packed.forget(steps, now, this.size > this.#max) > 0) this.#complete = false;
    for (let step = 0; step < steps; step++) {
      this.#hand ??= this.#cells.values();
      const next = this.#hand.next();
      if (next.done === true) {
        this.#hand = undefined;
        return;
      }
      this.#tidyOne(next.value, now, foldedBatch);
    }
  }

  #tidyOne(cell: MemoryCell, now: number, foldedBatch: number): void {
    if (cell.batch > foldedBatch) return;
    if (cell.expiresAt <= now) this.#cells.delete(cell.key);
    else if (this.#cells.size > this.#max) {
      if (!cell.used) {
        this.#cells.delete(cell.key);
        this.#complete = false;
      }
      cell.used = false;
    }
  }

  /** Parsed at once: a part of a page's text would keep the whole page. */
  #unpack(key: string): MemoryCell | undefined {
    const packed = this.#packed.take(key);
    if (packed === undefined) return undefined;
    return this.#add({ key, state: parseState(packed.state), expiresAt: packed.expiresAt, batch: 0, used: true });
  }

  #add(cell: MemoryCell): MemoryCell {
    this.#cells.set(cell.key, cell);
    return cell;
  }
}
