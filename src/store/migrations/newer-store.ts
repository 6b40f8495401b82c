// A store that a newer program has migrated: it is not touched.

import { Problem } from "../../core/problem.ts";

export interface NewerStore {
  /** Of the store. */
  readonly version: number;
  /** The last one that this program knows. */
  readonly latest: number;
  readonly where: string | undefined;
  readonly hint: string;
}

/** Throws `store/newer` for a version that this program does not know. */
export function refuseNewer({ version, latest, where, hint }: NewerStore): void {
  if (version <= latest) return;
  throw new Problem(`The store is of version ${version}, this program knows ${latest}`, {
    code: "store/newer",
    where,
    hint,
  });
}
