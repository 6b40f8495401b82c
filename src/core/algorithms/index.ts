// The ways to count, by their names in the rules.

import type { CellAlgorithm } from "../cell.ts";
import type { Algorithm } from "../rules.ts";
import { compatDecay } from "./compat-decay.ts";
import { fixed } from "./fixed.ts";
import { gcra } from "./gcra.ts";
import { sliding } from "./sliding.ts";

const builtAlgorithms: Readonly<Record<Algorithm, CellAlgorithm>> = {
  sliding,
  gcra,
  fixed,
  "compat-decay": compatDecay,
};

export function algorithmOf(name: Algorithm): CellAlgorithm {
  return builtAlgorithms[name];
}
