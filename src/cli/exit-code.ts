// How a verb ends: the exit codes of the interface, and the Problems that lead to them.

import type { Problem, ProblemCode } from "../core/problem.ts";

export const exitCodes = { ok: 0, failed: 1, usage: 2, unreachable: 3, nothing: 4, refused: 5, config: 78 } as const;

type Ending = keyof typeof exitCodes;

const endings: Readonly<Partial<Record<ProblemCode, Ending>>> = {
  usage: "usage",
  "control/unreachable": "unreachable",
  "control/refused": "refused",
  "store/not-empty": "refused",
  "explain/nothing-found": "nothing",
  "quota/unknown-key": "nothing",
  "group/unknown": "nothing",
  "jails/unknown": "nothing",
  "accounts/unknown": "nothing",
  "accounts/bad-mark": "refused",
  "accounts/password": "refused",
  "notices/unknown-channel": "nothing",
  "quota/bad-raise": "refused",
  "bans/bad-address": "refused",
  "bans/bad-time": "refused",
  "policy/bad-request": "refused",
};

/** The exit code for what went wrong; of several Problems the first one says it. */
export function exitCodeOf(problems: readonly Problem[]): number {
  const code = problems[0]?.code;
  if (code === undefined) return exitCodes.failed;
  const ending = endings[code];
  if (ending !== undefined) return exitCodes[ending];
  // What a policies file or a member says and cannot work is refused (exit 5); postvarta.toml itself is 78, as sysexits(3) has it.
  if (code.startsWith("rules/")) return exitCodes.refused;
  if (code.startsWith("config/") || code.startsWith("listen/") || code === "store/url") return exitCodes.config;
  return exitCodes.failed;
}
