// How the time of a ban grows with each earlier one: `bantime.increment` and what goes with it.

import { Problem } from "../../core/problem.ts";
import { evaluateFormula, parseSeconds } from "./time-expression.ts";

/** What `bantime.*` of a jail says; undefined in a jail whose bans do not grow. */
export interface BanGrowth {
  readonly formula: string;
  readonly factor: number;
  /** Factors of the first, second, … ban; the last stands for all that follow. Empty: the formula counts. */
  readonly multipliers: readonly number[];
  readonly maxSeconds: number | undefined;
  /** Up to so many seconds are added, by chance. */
  readonly randomSeconds: number;
  /** Bans of all jails count, not those of this jail alone. */
  readonly allJails: boolean;
}

const defaultFormula = "ban.Time * (1<<(ban.Count if ban.Count<20 else 20)) * banFactor";
/** Nobody writes more; each is one number. */
const multipliersMax = 1000;

export interface OptionSource {
  readonly find: (option: string) => string | undefined;
  readonly where: (option: string) => string;
}

/** Reads `bantime.*`; a Problem with the place when a formula cannot be run. */
export function readBanGrowth({ find, where }: OptionSource): BanGrowth | undefined {
  if (!/^(?:1|on|true|yes)$/i.test(find("bantime.increment") ?? "")) return undefined;
  const seconds = (option: string): number | undefined => {
    const text = find(option);
    if (text === undefined || text === "") return undefined;
    const value = parseSeconds(text);
    if (value === undefined) throw mistake(option, text, "a span of time, as 5w", where);
    return value;
  };
  const factorText = find("bantime.factor") || "1";
  const factor = evaluateFormula(factorText, { time: 1, count: 1, factor: 1 });
  if (factor === undefined) throw mistake("bantime.factor", factorText, "a number", where);
  const growth: BanGrowth = {
    formula: find("bantime.formula") || defaultFormula,
    factor,
    multipliers: readMultipliers(find("bantime.multipliers") ?? "", where),
    maxSeconds: seconds("bantime.maxtime"),
    randomSeconds: seconds("bantime.rndtime") ?? 0,
    allJails: /^(?:1|on|true|yes)$/i.test(find("bantime.overalljails") ?? ""),
  };
  if (growth.multipliers.length === 0 && grownSeconds(growth, 60, 1) === undefined) {
    throw mistake("bantime.formula", growth.formula, "sums of ban.Time, ban.Count, banFactor and math.*", where);
  }
  return growth;
}

function readMultipliers(text: string, where: OptionSource["where"]): readonly number[] {
  const words = text.split(/\s+/).filter((word) => word !== "");
  const numbers = words.map(Number);
  if (words.length > multipliersMax || numbers.some((value) => !Number.isFinite(value) || value < 0)) {
    throw mistake("bantime.multipliers", text, "numbers, as 1 2 4 8", where);
  }
  return numbers;
}

function mistake(option: string, text: string, hint: string, where: OptionSource["where"]): Problem {
  const shown = text.length > 200 ? `${text.slice(0, 200)}…` : text;
  return new Problem(`${option} is ${shown}`, { code: "jails/bad-value", where: where(option), hint });
}

/**
 * Seconds of a ban after `count` earlier ones; `seconds` is the jail's bantime, or the last ban's. `chance` is from 0 to 1 for
 * the part that nobody should foresee. Below nought is for ever and stays so.
 */
export function nextBanSeconds(growth: BanGrowth, seconds: number, count: number, chance: number): number {
  if (seconds < 0 || count <= 0) return seconds;
  const grown = grownSeconds(growth, seconds, count) ?? seconds;
  const capped = growth.maxSeconds === undefined ? grown : Math.min(grown, growth.maxSeconds);
  return capped + growth.randomSeconds * chance;
}

function grownSeconds(growth: BanGrowth, seconds: number, count: number): number | undefined {
  const { multipliers, factor } = growth;
  if (multipliers.length > 0) return seconds * factor * (multipliers[Math.min(count, multipliers.length - 1)] ?? 1);
  const value = evaluateFormula(growth.formula, { time: seconds, count, factor });
  return value === undefined ? undefined : Math.max(seconds, value);
}
