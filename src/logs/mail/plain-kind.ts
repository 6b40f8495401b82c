// The kind of an event that is only counted: told by its bytes, where they are those of nearly all such lines. Everything else is read
// as any other line.

import type { MailKind } from "../../core/event.ts";
import type { Daemon } from "./program.ts";

const comma = 44;
const colon = 58;
const greater = 62;

/** What stands behind a queue id, between the parts that vary, and at the end. */
const from = bytesOf("from=<");
const to = bytesOf("to=<");
const size = bytesOf(">, size=");
const recipients = bytesOf(", nrcpt=");
const active = bytesOf(" (queue active)");
const relay = bytesOf(">, relay=");
const status = bytesOf(", status=");
const deliveries = (["sent", "bounced", "deferred"] as const).map((kind) => ({ kind, word: bytesOf(`${kind} (`) }));

/** The kind of the event that the message `start` to `end` surely is; undefined: it has to be read. */
export function plainKind(daemon: Daemon, bytes: Buffer, start: number, end: number): MailKind | undefined {
  if (daemon !== "qmgr" && daemon !== "delivery") return undefined;
  const at = afterId(bytes, start, end);
  if (at < 0) return undefined;
  if (daemon === "qmgr") return isQueued(bytes, at, end) ? "queued" : undefined;
  return deliveryKind(bytes, at, end);
}

function afterId(bytes: Buffer, start: number, end: number): number {
  const stop = Math.min(end, start + 32);
  let i = start;
  while (i < stop && isIdByte(bytes[i] as number)) i++;
  return i > start && bytes[i] === colon && bytes[i + 1] === 32 ? i + 2 : -1;
}

/** `from=<a@b>, size=500, nrcpt=1 (queue active)`, read from its end: the sender is anybody's text. */
function isQueued(bytes: Buffer, at: number, end: number): boolean {
  const behind = at + from.length;
  if (!stands(bytes, at, end, from)) return false;
  let i = end - active.length;
  if (i < behind || !stands(bytes, i, end, active)) return false;
  i = beforeNumber(bytes, i, behind, recipients);
  i = i < 0 ? i : beforeNumber(bytes, i, behind, size);
  return i >= behind;
}

/** Where `name` begins, when that and one to twenty digits stand before `end`; below nought when not. */
function beforeNumber(bytes: Buffer, end: number, first: number, name: Uint8Array): number {
  let i = end;
  while (i > first && end - i < 20 && isDigit(bytes[i - 1] as number)) i--;
  const at = i - name.length;
  return i < end && at >= first && stands(bytes, at, end, name) ? at : -1;
}

/** `to=<a@b>, relay=…, status=sent (…)`; addresses with quotes are read. */
function deliveryKind(bytes: Buffer, at: number, end: number): MailKind | undefined {
  let i = at + to.length;
  if (!stands(bytes, at, end, to) || bytes[i] === 34) return undefined;
  while (i < end && !(bytes[i] === greater && bytes[i + 1] === comma && bytes[i + 2] === 32)) i++;
  if (!stands(bytes, i, end, relay)) return undefined;
  i += relay.length;
  while (i < end && !(bytes[i] === comma && bytes[i + 2] === 115 && stands(bytes, i, end, status))) i++;
  for (const { kind, word } of deliveries) if (stands(bytes, i + status.length, end, word)) return kind;
  return undefined;
}

function stands(bytes: Buffer, at: number, end: number, text: Uint8Array): boolean {
  if (at + text.length > end) return false;
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text[i]) return false;
  return true;
}

function isDigit(c: number): boolean {
  return c >= 48 && c <= 57;
}

function isIdByte(c: number): boolean {
  return isDigit(c) || (c >= 65 && c <= 90) || (c >= 97 && c <= 122);
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
