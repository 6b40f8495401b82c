// The ways to count, by their names in the rules.

import type { CellAlgorithm } from "../cell.ts";
import type { CountingAlgorithm } from "../rules.ts";
import { calendar } from "./calendar.ts";
import { compatDecay } from "./compat-decay.ts";
import { fixed } from "./fixed.ts";
import { gcra } from "./gcra.ts";
import { sliding } from "./sliding.ts";

const builtAlgorithms: Readonly<Record<CountingAlgorithm, CellAlgorithm>> = {
  sliding,
  gcra,
  fixed,
  "compat-decay": compatDecay,
  day: calendar("day"),
  week: calendar("week"),
  month: calendar("month"),
};

export function algorithmOf(name: CountingAlgorithm): CellAlgorithm {
  return builtAlgorithms[name];
}
