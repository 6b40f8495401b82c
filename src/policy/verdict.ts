// Our answer as a value. Postfix's `action=` text exists only in protocol.ts.

/** dunno: no opinion. ok: exempt from our later refusals. The others are Postfix's actions (access(5)). */
export type Verdict =
  | { readonly kind: "dunno" }
  | { readonly kind: "ok"; readonly text: string }
  | {
      readonly kind: "reject" | "defer" | "hold" | "discard" | "filter" | "redirect" | "prepend";
      readonly text: string;
    };

/** True for the verdicts that end a question (decided 5). */
export function endsQuestion(verdict: Verdict): boolean {
  return verdict.kind !== "dunno" && verdict.kind !== "ok" && verdict.kind !== "prepend";
}

/** True when Postfix goes on with the recipient or message: held, filtered and discarded mail was accepted too. */
export function letsPass(verdict: Verdict): boolean {
  return verdict.kind !== "reject" && verdict.kind !== "defer";
}
