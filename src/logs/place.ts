// Places in files: which file, how far, and by what its content is known again when it was renamed, copied or packed.

import { createHash } from "node:crypto";

/** Bytes of a first line that tell it from others: a stamp, a host, a program and the beginning of a message. */
export const headBytesMax = 1024;

export interface FilePlace {
  readonly path: string;
  /** Numbers of stat(2) as text, because they may not fit a number. */
  readonly device: string;
  readonly inode: string;
  /** Where reading of it began: what stands before was never read. */
  readonly begin: number;
  /** Bytes read: the start of the first line that was not. */
  readonly offset: number;
  /** Hash of the first `headLength` bytes; headLength 0 as long as no line was read. */
  readonly head: string;
  readonly headLength: number;
  /** When it was read last, ms since the epoch. */
  readonly at: number;
}

export function keyOfFilePlace({ path, device, inode }: Pick<FilePlace, "path" | "device" | "inode">): string {
  return `${path}\n${device}:${inode}`;
}

export function hashHead(head: Uint8Array): string {
  return createHash("sha256").update(head).digest("hex").slice(0, 32);
}

/** The bytes by which a file is known that begins with `bytes`: its first line. Undefined as long as that is not whole. */
export function headOf(bytes: Buffer): Buffer | undefined {
  const end = bytes.subarray(0, headBytesMax).indexOf(10);
  if (end >= 0) return bytes.subarray(0, end + 1);
  return bytes.length >= headBytesMax ? bytes.subarray(0, headBytesMax) : undefined;
}

export function renderFilePlace(place: FilePlace): string {
  return JSON.stringify(place);
}

/** The place that a body of the store holds; undefined when it is none. */
export function parseFilePlace(body: string): FilePlace | undefined {
  const value = parseObject(body);
  if (value === undefined) return undefined;
  const { path, device, inode, begin = 0, offset, head, headLength, at } = value;
  const texts = typeof path === "string" && typeof device === "string" && typeof inode === "string";
  if (
    !texts ||
    typeof head !== "string" ||
    !isCount(begin) ||
    !isCount(offset) ||
    !isCount(headLength) ||
    typeof at !== "number"
  )
    return undefined;
  if (headLength > headBytesMax) return undefined;
  return { path, device, inode, begin, offset, head, headLength, at };
}

/** A place in the journal: the cursor of the last entry read, and its time in microseconds. */
export interface JournalPlace {
  readonly cursor: string;
  readonly atUs: number;
}

export function parseJournalPlace(body: string): JournalPlace | undefined {
  const { cursor, atUs } = parseObject(body) ?? {};
  return typeof cursor === "string" && isCount(atUs) ? { cursor, atUs } : undefined;
}

function parseObject(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
