// All signals of one account added up. Where somebody logs in from is never enough by itself while a journey could explain it:
// travellers cross three countries in a day. It takes a sign of what is done there, or more countries than anybody crosses.

import type { Evidence } from "./evidence.ts";
import type { Finding } from "./signal.ts";
import { signals } from "./signals/index.ts";

const scoreMax = 100;

export interface NamedFinding extends Finding {
  readonly name: string;
}

export interface Score {
  /** 0 to 100: the sum of the points, a negative one among them. */
  readonly score: number;
  readonly findings: readonly NamedFinding[];
}

/** The score of what lies in the evidence. */
export function scoreOf(evidence: Evidence): Score {
  const findings: NamedFinding[] = [];
  let where = 0;
  let sum = 0;
  for (const signal of signals) {
    const found = signal.judge(evidence);
    if (found === undefined) continue;
    findings.push({ name: signal.name, points: found.points, because: found.because });
    sum += found.points;
    if (signal.about === "whereabouts") where += found.points;
  }
  for (const found of markFindings(evidence, where)) {
    findings.push(found);
    sum += found.points;
    if (found.points < 0) where += found.points;
  }
  const { max, countries } = evidence.settings.whereabouts;
  if (where > max && evidence.countries.size + evidence.unheard.length < countries) {
    findings.push({ name: "a_journey", points: max - where, because: () => "a journey could explain where it was" });
    sum += max - where;
  }
  return { score: Math.min(scoreMax, sum), findings };
}

/** What an administrator said changes what the signals weigh. */
function markFindings({ account, unfamiliar, settings }: Evidence, where: number): NamedFinding[] {
  const found: NamedFinding[] = [];
  if (account.marks.shared && where > 0) {
    const points = -Math.round(where * (1 - settings.shared.factor));
    found.push({ name: "shared_account", points, because: () => "several people use this account" });
  }
  const [first] = unfamiliar;
  if (account.marks.device && first !== undefined) {
    const because = () => `a device that never moves logged in from ${first.ip}`;
    found.push({ name: "device_moved", points: settings.device.points, because });
  }
  return found;
}
