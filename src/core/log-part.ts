// What looks at logs in the logs thread, and its owner in the main thread. Slices fill both; daemon.ts and logs-role.ts join them
// by name. Everything that crosses between the threads is plain data.

import type { MailEvent, MailKind } from "./event.ts";
import type { LineBatch } from "./line-batch.ts";
import type { Log } from "./log.ts";

/** Lines of one piece and what they say. */
export interface SeenLines {
  readonly batch: LineBatch;
  /** In the order of the lines; here the `line` of an event is its index in the batch. */
  readonly events: readonly MailEvent[];
  /** Refused passwords that each event adds: a line that tells what another has told adds none. 0 for every other kind. */
  readonly refused: readonly number[];
}

/** Lives in the logs thread beside the lines. What it returns is written by its owner, in one transaction with the place behind the lines. */
export interface LogPart<Write = unknown> {
  /** The kinds of events that it looks at; without it all. It may see others too. */
  readonly kinds?: readonly MailKind[];
  /** Bytes and events are valid during the call only. */
  see(seen: SeenLines): readonly Write[];
  /** True for what must not wait for company: who is to be banned goes on attacking meanwhile. */
  isUrgent?(write: Write): boolean;
  /** Called about once a second, lines or none; ms since the epoch. */
  due(now: number): readonly Write[];
  /** How it stands, for status; asked once a second. Small. */
  report(): unknown;
  /** Answers its owner, who may also tell it of a change that way. What it throws reaches the owner as an Error. */
  answer(question: unknown): unknown;
}

/** The other half, in the main thread. `Transaction` is the store's. */
export interface LogPartOwner<Transaction> {
  readonly name: string;
  /** What the part starts from. Asked again whenever the thread starts again: what it wrote until then is on disk. */
  start(): Promise<unknown>;
  /** Writes what the part returned, in its order. May be called again with the same after a failure. */
  write(tx: Transaction, writes: readonly unknown[]): Promise<void>;
  /** These writes are on disk. Must not wait for the logs thread. */
  written(writes: readonly unknown[]): void;
}

/** Makes the parts of a thread from what their owners' `start` gave, by the owners' names. */
export type CreateLogParts = (
  starts: Readonly<Record<string, unknown>>,
  log: Log,
) => Promise<ReadonlyMap<string, LogPart>>;
