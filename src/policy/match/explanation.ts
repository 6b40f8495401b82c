// Why a policy matched a request or did not, item by item, read from the circuit that decided it.

import type { Member, Policy } from "../../core/rules.ts";
import type { AtomSide } from "./atoms.ts";
import { TRUE, type Truth, UNKNOWN } from "./circuit.ts";
import type { Expression, Item } from "./expression.ts";
import { parseSpec } from "./parse.ts";
import type { GroupFault, Wiring } from "./wiring.ts";

/** `unknown`: a part of the request is missing, so that the item does not hold, negated or not. */
export type Outcome = "true" | "false" | "unknown";

export interface PolicyExplanation {
  readonly matched: boolean;
  readonly enabled: boolean;
  /** In the order of the policy; one that is true suffices. */
  readonly members: readonly MemberExplanation[];
}

export interface MemberExplanation {
  readonly matched: boolean;
  readonly enabled: boolean;
  readonly source: SideExplanation;
  readonly destination: SideExplanation;
}

/** `text` null is any. Without items the text alone decides: any, or never. */
export interface SideExplanation {
  readonly text: string | null;
  readonly outcome: Outcome;
  readonly items: readonly ItemExplanation[];
}

export interface ItemExplanation {
  readonly text: string;
  readonly outcome: Outcome;
  /** For a group that is true or unknown: the member that made it so. */
  readonly because?: { readonly member: string; readonly items: readonly ItemExplanation[] };
  /** For a group that is false whatever it holds. */
  readonly fault?: GroupFault;
}

/** Two steps, because wires must exist before the question is put: the returned function is called after it. */
export function prepareExplanation(wiring: Wiring, policy: Policy): () => PolicyExplanation {
  const members = policy.members.map((member) => prepareMember(wiring, member));
  return () => {
    const explained = members.map((explain) => explain());
    return {
      matched: policy.enabled && explained.some(({ matched }) => matched),
      enabled: policy.enabled,
      members: explained,
    };
  };
}

function prepareMember(wiring: Wiring, member: Member): () => MemberExplanation {
  const source = prepareSide(wiring, member.source, "source");
  const destination = prepareSide(wiring, member.destination, "destination");
  return () => {
    const sides = { source: source(), destination: destination() };
    const holds = sides.source.outcome === "true" && sides.destination.outcome === "true";
    return { matched: member.enabled && holds, enabled: member.enabled, ...sides };
  };
}

function prepareSide(wiring: Wiring, text: string | null, side: AtomSide): () => SideExplanation {
  const expression = parseSide(text, side);
  if (expression.kind !== "all") {
    return () => ({ text, outcome: expression.kind === "always" ? "true" : "false", items: [] });
  }
  const literals = expression.items.map((item) => wiring.literalOf(item, side));
  return () => ({
    text,
    outcome: outcomeOf(wiring.circuit.truthOfAll(literals)),
    items: expression.items.map((item) => explainItem(wiring, item, side)),
  });
}

/** What a member's text means; one that cannot be read never matches. */
export function parseSide(text: string | null, side: AtomSide): Expression {
  if (text === null) return { kind: "always" };
  const spec = parseSpec(text, side);
  return spec.ok ? spec.expression : { kind: "never" };
}

function explainItem(wiring: Wiring, item: Item, side: AtomSide): ItemExplanation {
  const { text, pattern } = item;
  const outcome = outcomeOf(wiring.circuit.truth(wiring.literalOf(item, side)));
  if (pattern.kind !== "group") return { text, outcome };
  const fault = wiring.faultOf(pattern.name);
  if (fault !== undefined) return { text, outcome, fault };
  const index = wiring.circuit.originOf(wiring.groupWire(pattern.name, side));
  const member = index === undefined ? undefined : wiring.memberText(pattern.name, index);
  if (index === undefined || member === undefined) return { text, outcome };
  const items = wiring.memberItems(pattern.name, index).map((each) => explainItem(wiring, each, side));
  return { text, outcome, because: { member, items } };
}

function outcomeOf(truth: Truth): Outcome {
  if (truth === UNKNOWN) return "unknown";
  return truth === TRUE ? "true" : "false";
}
