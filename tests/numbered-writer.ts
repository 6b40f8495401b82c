// Writes numbered lines to a log at a steady pace while it is rotated, and knows which of them must be seen.

import assert from "node:assert/strict";
import { closeSync, existsSync, openSync, renameSync, writeSync } from "node:fs";

export interface Rotation {
  readonly name: string;
  /** The writer opened the file without O_APPEND. */
  readonly keepsOffset?: boolean;
  rotate(path: string, writer: NumberedWriter): void;
}

export interface WriteOptions {
  readonly lines: number;
  readonly linesPerSecond: number;
  readonly rotations: number;
  rotate(writer: NumberedWriter): void;
}

const tickMs = 5;
/** After a pause of this process the pace is kept rather than made up for: nothing rotates ten times in one moment. */
const linesPerTickMax = 20;

/** Moves `log.1` to `log.2` and so on, packed ones too, as logrotate does; what would come after `keep` is written over. */
export function shiftRotated(path: string, keep: number): void {
  for (let n = keep - 1; n >= 1; n--) {
    for (const suffix of ["", ".gz"]) {
      if (existsSync(`${path}.${n}${suffix}`)) renameSync(`${path}.${n}${suffix}`, `${path}.${n + 1}${suffix}`);
    }
  }
}

/** The commonest rotation: the log becomes `log.1`, and the writer is told. */
export function renameAndCreate(path: string, writer: NumberedWriter, keep: number): void {
  shiftRotated(path, keep);
  renameSync(path, `${path}.1`);
  writer.reopen();
}

export class NumberedWriter {
  readonly #path: string;
  readonly #flags: "a" | "w";
  #fd: number;
  #written = 0;
  /** Numbers that were written between a copy and its truncation: a reader may have seen them, and nobody else can. */
  readonly inWindow = new Set<number>();

  constructor(path: string, keepsOffset = false) {
    this.#path = path;
    this.#flags = keepsOffset ? "w" : "a";
    this.#fd = openSync(path, this.#flags);
  }

  get written(): number {
    return this.#written;
  }

  /** Goes on in the file that stands at the path, made when there is none: what SIGHUP makes a syslog daemon do. */
  reopen(): void {
    closeSync(this.#fd);
    this.#fd = openSync(this.#path, this.#flags);
  }

  writeInWindow(count: number): void {
    for (let i = 0; i < count; i++) this.inWindow.add(this.#line());
  }

  /** All lines at the pace, with the rotations spread over them. */
  async write({ lines, linesPerSecond, rotations, rotate }: WriteOptions): Promise<void> {
    const startedAt = performance.now();
    let rotated = 0;
    while (this.#written < lines) {
      const pace = Math.floor(((performance.now() - startedAt) * linesPerSecond) / 1000);
      const due = Math.min(lines, pace, this.#written + linesPerTickMax);
      while (this.#written < due) {
        this.#line();
        if (this.#written >= ((rotated + 1) * lines) / (rotations + 1) && rotated < rotations) {
          rotated++;
          rotate(this);
        }
      }
      await new Promise((resolve) => setTimeout(resolve, tickMs));
    }
    assert.equal(rotated, rotations);
  }

  /** Waits for `isDone`, 10 s at most. */
  async until(isDone: () => boolean): Promise<void> {
    const deadline = performance.now() + 10_000;
    while (!isDone() && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  /** Each number once; only those of a copy window may be missing. */
  check(numbers: readonly number[]): void {
    const seen = new Map<number, number>();
    for (const number of numbers) seen.set(number, (seen.get(number) ?? 0) + 1);
    const all = Array.from({ length: this.#written }, (_, i) => i + 1);
    const lost = all.filter((number) => !seen.has(number) && !this.inWindow.has(number));
    const doubled = [...seen].filter(([, times]) => times > 1).map(([number]) => number);
    assert.deepEqual(
      { lost, doubled, strange: numbers.filter((n) => n > this.#written) },
      { lost: [], doubled: [], strange: [] },
    );
  }

  #line(): number {
    const number = ++this.#written;
    writeSync(this.#fd, `Nov 24 07:07:07 mx1 postfix/smtpd[4711]: n=${number} connect from unknown[192.0.2.1]\n`);
    return number;
  }
}
