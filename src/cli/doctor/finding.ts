// What doctor says about one thing: how bad, what, why, and the commands that mend it.
import { type Edit, printEdit } from "./setup.ts";

export type Severity = "error" | "warn" | "info";

/** One finding; also the shape of `doctor --json`. */
export interface Finding {
  readonly severity: Severity;
  /** A short name that scripts may look for, such as `call-missing`. */
  readonly code: string;
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
