// A signal: one reason to distrust an account, with points and a sentence. One file each in signals/, one line in its index.

import type { Evidence } from "./evidence.ts";

/** What a signal found. The sentence is made only when somebody reads it. */
export interface Finding {
  readonly points: number;
  because(): string;
}

export interface Signal {
  readonly name: string;
  /** Where the account is, or what is done with it. */
  readonly about: "whereabouts" | "deeds";
  /** One sentence for the reference page. */
  readonly help: string;
  /** Undefined when there is nothing to say. Reads nothing but the evidence. */
  judge(evidence: Evidence): Finding | undefined;
}

/** A finding of at least one point. */
export function finding(points: number, because: () => string): Finding | undefined {
  const whole = Math.round(points);
  return whole > 0 ? { points: whole, because } : undefined;
}
