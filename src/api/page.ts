// Cursors of lists: the last key of a page, opaque to the caller.

import { Problem } from "../core/problem.ts";

export function printCursor(key: string): string {
  return Buffer.from(key, "utf8").toString("base64url");
}

/** The key behind a cursor; whatever else is given only moves to another place of the list. */
export function parseCursor(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  if (/^[\w-]+$/.test(cursor)) return Buffer.from(cursor, "base64url").toString("utf8");
  throw new Problem("not a cursor", { code: "api/bad-request", where: "cursor", hint: "`next` of the page before" });
}
