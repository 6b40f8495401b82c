// What is missing or in the wrong order in one Postfix configuration. Pure: a setup in, findings out.
import { endOfDataList, listFaults, otherListFaults, recipientList, reinjectionFaults } from "./call-rules.ts";
import type { OurSide } from "./endpoint.ts";
import { type Finding, toFinding } from "./finding.ts";
import { delayFaults, idleFaults, limitFaults, notes, relayFaults } from "./server-rules.ts";
import { applyEdits, type PostfixSetup } from "./setup.ts";

/** Each rule sees the setup as the mends of the rules before it would leave it, so that all mends together are enough. */
const rules = [
  (setup: PostfixSetup, ours: OurSide) => listFaults(setup, ours, recipientList),
  (setup: PostfixSetup, ours: OurSide) => listFaults(setup, ours, endOfDataList),
  relayFaults,
  otherListFaults,
  reinjectionFaults,
  limitFaults,
  idleFaults,
  delayFaults,
  notes,
];

/** All findings, worst first within the order of the rules. After the commands of `mend` no error or warning is left. */
export function diagnose(setup: PostfixSetup, ours: OurSide): readonly Finding[] {
  const findings: Finding[] = [];
  let current = setup;
  for (const rule of rules) {
    const faults = rule(current, ours);
    findings.push(...faults.map((fault) => toFinding(fault, setup.directory)));
    current = applyEdits(
      current,
      faults.flatMap((fault) => fault.edits),
    );
  }
  return findings;
}
