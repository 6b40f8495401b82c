// Why a policy matched, in few words: its members that hold, and for groups the member inside that made them hold.

import type { Matcher } from "../policy/match/compile.ts";
import type { ItemExplanation, MemberExplanation } from "../policy/match/explanation.ts";
import type { Request } from "../policy/request.ts";
import type { TrailStep } from "./contract.ts";

type MatchStep = Extract<TrailStep, { kind: "policy" }>;

export function matchStep(policy: string, index: number, matcher: Matcher, request: Request): MatchStep {
  const { members } = matcher.explain(request, index);
  return { kind: "policy", policy, members: members.filter(({ matched }) => matched).map(memberView) };
}

function memberView({ source, destination }: MemberExplanation): MatchStep["members"][number] {
  const because = [...source.items, ...destination.items].flatMap(reasons);
  return { source: source.text, destination: destination.text, because };
}

/** `%newuser holds $noman`, and so on inwards: a group matched because of one member, which may be a group again. */
function reasons(item: ItemExplanation): string[] {
  if (item.because === undefined) return [];
  return [`${item.text} holds ${item.because.member}`, ...item.because.items.flatMap(reasons)];
}
