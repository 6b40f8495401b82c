// A journal row's body: the new states of what one batch changed. States and not charges, so that folding a row twice does no harm.

import type { StoredMessage } from "../db.ts";
import type { MemoryCell } from "./cell-memory.ts";
import { renderState } from "./cell-text.ts";

/** Keeps a row, and with it one step of folding, small. */
const cellsPerBodyMax = 2_000;

/** [key, expires at, state's text] */
export type JournalCell = readonly [key: string, expiresAt: number, state: string];
/** [id, opened at, body], or [id] of a message that is over. */
export type JournalMessage = readonly [id: string, openedAt: number, body: string] | readonly [id: string];

export interface JournalBody {
  readonly cells: readonly JournalCell[];
  readonly messages: readonly JournalMessage[];
}

/** Bodies of all cells and messages, to be written in one transaction; a message without a value was dropped. */
export function renderJournal(
  cells: readonly MemoryCell[],
  messages: ReadonlyMap<string, StoredMessage | undefined>,
): string[] {
  if (cells.length <= cellsPerBodyMax) return [renderBody(cells, messages)];
  const bodies = [renderBody([], messages)];
  for (let at = 0; at < cells.length; at += cellsPerBodyMax) {
    bodies.push(renderBody(cells.slice(at, at + cellsPerBodyMax), new Map()));
  }
  return bodies;
}

/** Put together by hand: building arrays for JSON.stringify costs twice as much, and this runs for every question. */
function renderBody(cells: readonly MemoryCell[], messages: ReadonlyMap<string, StoredMessage | undefined>): string {
  let text = '{"cells":[';
  for (let i = 0; i < cells.length; i++) {
    const cell = cells[i];
    if (cell === undefined) continue;
    const state = typeof cell.state === "string" ? cell.state : renderState(cell.state);
    text += `${i === 0 ? "" : ","}[${JSON.stringify(cell.key)},${cell.expiresAt},"${state}"]`;
  }
  text += '],"messages":[';
  let comma = "";
  for (const [id, message] of messages) {
    text += message === undefined ? `${comma}[${JSON.stringify(id)}]` : comma + renderMessage(message);
    comma = ",";
  }
  return `${text}]}`;
}

function renderMessage(message: StoredMessage): string {
  return `[${JSON.stringify(message.id)},${Math.floor(message.openedAt)},${JSON.stringify(message.body)}]`;
}

/** A body that renderJournal made. */
export function parseJournal(text: string): JournalBody {
  return JSON.parse(text) as JournalBody;
}
