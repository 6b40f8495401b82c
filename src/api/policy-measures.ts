// The figures of the policy service (names: docs/reference/metrics.md). The daemon calls it once a question; the labels
// are resolved before, so that a question pays a look-up and an increment.

import type { Counter, Histogram, Metrics } from "../core/metrics.ts";
import { type Finding, viewOf } from "../policy/finding.ts";
import type { Verdict } from "../policy/verdict.ts";

/** Every protocol_state of SMTPD_POLICY_README; another word from the wire is counted as `other`. */
const states = ["CONNECT", "HELO", "EHLO", "MAIL", "RCPT", "DATA", "END-OF-MESSAGE", "VRFY", "ETRN"];
const kinds = ["dunno", "ok", "reject", "defer", "hold", "discard", "filter", "redirect", "prepend"] as const;

/** Half a millisecond to one second: below is noise, above Postfix has given up (`timeout=3s`). */
const durationBounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1];

type FindQuota = (labels: { readonly quota: string; readonly verdict: string; readonly mode: string }) => Counter;

export class PolicyMeasures {
  readonly #byState = new Map<string, ReadonlyMap<string, Counter>>();
  readonly #duration: Histogram;
  readonly #quotas: FindQuota;

  constructor(metrics: Metrics) {
    const requests = metrics.counters("postvarta_policy_requests_total", "Questions of Postfix answered.", [
      "state",
      "action",
    ]);
    for (const state of [...states, "other"]) {
      this.#byState.set(state, new Map(kinds.map((action) => [action, requests({ state, action })])));
    }
    this.#duration = metrics.histogram(
      "postvarta_policy_request_duration_seconds",
      "From a whole question to its answer, its charges on disk.",
      durationBounds,
    );
    this.#quotas = metrics.counters("postvarta_quota_verdicts_total", "Verdicts of quotas, observed ones too.", [
      "quota",
      "verdict",
      "mode",
    ]);
  }

  /** One question answered. `tookMs` in milliseconds. */
  answered(state: string, verdict: Verdict, tookMs: number): void {
    const counters = this.#byState.get(state) ?? this.#byState.get("other");
    counters?.get(verdict.kind)?.add();
    this.#duration.observe(tookMs / 1000);
  }

  /** A finding that kept a record. The label is the rule's name, never a key. */
  found(finding: Finding): void {
    if (finding.check !== "quota") return;
    const { policy, rule, verdict, mode, effect } = viewOf(finding);
    const given = effect === "exempt" ? "exempt" : verdict;
    this.#quotas({ quota: `${policy}/${rule}`, verdict: given, mode }).add();
  }

  /** Questions since the start. */
  get asked(): number {
    return Object.values(this.questions()).reduce((total, count) => total + count, 0);
  }

  /** Questions by state since the start; states that were never asked are left out. */
  questions(): Readonly<Record<string, number>> {
    const totals = [...this.#byState].map(([state, byKind]) => [state, sum([...byKind.values()])] as const);
    return Object.fromEntries(totals.filter(([, total]) => total > 0));
  }

  verdicts(): Readonly<Record<string, number>> {
    const totals = kinds.map(
      (kind) => [kind, sum([...this.#byState.values()].flatMap((byKind) => byKind.get(kind) ?? []))] as const,
    );
    return Object.fromEntries(totals.filter(([, total]) => total > 0));
  }
}

function sum(counters: readonly Counter[]): number {
  return counters.reduce((total, counter) => total + counter.value, 0);
}
