// Rows in parts that fit one statement: SQLite takes 32 766 values at a time, and no row of ours has more than 30.

const partRows = 1_000;

export function* partsOf<Row>(rows: readonly Row[]): Generator<readonly Row[]> {
  for (let at = 0; at < rows.length; at += partRows) yield rows.slice(at, at + partRows);
}

/** Rows that one statement deletes at most: others wait behind it. */
const deletedMax = 1_000;
/** Parts of one call: the rest goes at the next. */
const deletedPartsMax = 2_000;

/** Deletes part after part, each in a statement of its own, until one is not full; returns how many rows. */
export async function deleteInParts(
  deletePart: (limit: number) => Promise<{ readonly numDeletedRows: bigint }>,
): Promise<number> {
  let deleted = 0;
  for (let part = 0; part < deletedPartsMax; part++) {
    const { numDeletedRows } = await deletePart(deletedMax);
    deleted += Number(numDeletedRows);
    if (Number(numDeletedRows) < deletedMax) break;
  }
  return deleted;
}
