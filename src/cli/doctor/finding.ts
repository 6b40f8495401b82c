// What doctor says about one thing: how bad, what, why, and the commands that mend it.
import { type Edit, printEdit } from "./setup.ts";

export type Severity = "error" | "warn" | "info";

/** Short names that scripts may look for; docs/guide/postfix.md says what each means. */
export const findingCodes = [
  "call-missing",
  "call-after-permit",
  "call-warns-only",
  "call-unreachable",
  "call-without-limits",
  "call-repeated",
  "call-on-reinjection",
  "relay-open",
  "no-client-limit",
  "policy-connection-idle",
  "early-refusal",
  "end-of-message-state",
  "table-before-call",
  "no-smtpd",
] as const;

export type FindingCode = (typeof findingCodes)[number];

/** One finding; also the shape of `doctor --json`. */
export interface Finding {
  readonly severity: Severity;
  readonly code: FindingCode;
  readonly directory: string;
  /** `main.cf`, or the service of master.cf whose own value it is. */
  readonly where: string;
  /** The services that are affected. */
  readonly services: readonly string[];
  readonly what: string;
  readonly why: string;
  /** Shell commands, in order; empty when there is nothing to change in Postfix. */
  readonly mend: readonly string[];
}

/** A finding before its edits are printed. */
export interface Fault extends Omit<Finding, "directory" | "mend"> {
  readonly edits: readonly Edit[];
}

export function toFinding(fault: Fault, directory: string): Finding {
  const { severity, code, where, services, what, why } = fault;
  const mend = fault.edits.map((edit) => printEdit(directory, edit));
  return { severity, code, directory, where, services, what, why, mend };
}
