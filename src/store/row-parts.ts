// Rows in parts that fit one statement: SQLite takes 32 766 values at a time, and no row of ours has more than 30.

const partRows = 1_000;

export function* partsOf<Row>(rows: readonly Row[]): Generator<readonly Row[]> {
  for (let at = 0; at < rows.length; at += partRows) yield rows.slice(at, at + partRows);
}
