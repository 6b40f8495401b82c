// Words that many routes of the contract take and give (contract.ts has the rules).

import * as z from "zod";

/** Rows of one page of a list. */
export const pageRowsMax = 500;

export const time = z.iso.datetime();
export const name = z.string().min(1).max(255);
/** Who asks. On the control socket a name is claimed, not proven: it is kept as `claimed:NAME`. */
export const by = z.string().max(200).default("");
export const dryRun = z.boolean().default(false).describe("Say what would change, and change nothing.");
export const cursor = z.string().max(4_096).optional().describe("`next` of the page before.");
export const next = z.string().nullable().describe("Cursor of the next page; null on the last one.");
