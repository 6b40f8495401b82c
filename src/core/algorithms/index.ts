// The ways to count that are built. A name of the rules that is not here is refused when rules are saved.

import type { CellAlgorithm } from "../cell.ts";
import type { Algorithm } from "../rules.ts";
import { sliding } from "./sliding.ts";

export const builtAlgorithms: Readonly<Partial<Record<Algorithm, CellAlgorithm>>> = { sliding };

/** The algorithm of a name that saved rules hold; those are checked, so a missing one is a bug. */
export function algorithmOf(name: Algorithm): CellAlgorithm {
  const algorithm = builtAlgorithms[name];
  if (algorithm === undefined) throw new Error(`algorithm ${name} is not built`);
  return algorithm;
}
